from __future__ import annotations

import gzip
import io
import json
import pickle
import tarfile
import zipfile
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from models_registry.formats import detect


def tar(name: str = "a", content: bytes = b"x") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as packed:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        packed.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("a", b"x")
    return stream.getvalue()


def torch_file() -> bytes:
    stream = io.BytesIO()
    torch.save({"w": torch.ones(2)}, stream)
    return stream.getvalue()


WEIGHTS = save({"w": np.ones(4, np.float32)})
KINDS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "text": ("héllo 中文\n".encode(), "text"),
    "json": (b'{"a": 1}', "json"),
    "broken json is text": (b'{"a": ', "text"),
    "safetensors": (WEIGHTS, "safetensors"),
    "pickle": (pickle.dumps({"a": 1}), "pickle"),
    "pickle protocol 2": (pickle.dumps({"a": 1}, protocol=2), "pickle"),
    "old pickle that calls": (b"cos\nsystem\n(S'x'\ntR.", "pickle_in_text"),
    "old pickle, broken after the call": (b"(S'x'\nios\nsystem\n\xff\xff", "pickle_in_text"),
    "zip": (zipped(), "zip"),
    "torch": (torch_file(), "zip"),
    "tar": (tar(), "tar"),
    "gzip": (gzip.compress(b"x"), "gzip"),
    "zlib": (zlib.compress(pickle.dumps({"a": 1})), "zlib"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + b"\0" * 30, "7z"),
    "gguf": (b"GGUF\x03\0\0\0" + b"\0" * 20, "gguf"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + b"\0" * 20, "hdf5"),
    "elf": (b"\x7fELF\x02" + b"\0" * 20, "elf"),
    "png": (b"\x89PNG\r\n\x1a\n" + b"\0" * 20, "png"),
    "html": (b"<!DOCTYPE html><html></html>", "html"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "html"),
    "random": (bytes(range(1, 256)) * 3, "binary"),
    "markdown with code": (b"# Title\n```\nimport os\n```\n<script>alert(1)</script>", "text"),
    "word list that starts like a pickle": (b"cat\ndog\nRat\n", "text"),
}


@pytest.mark.parametrize("name", KINDS)
def test_the_kind_is_told_from_the_bytes(name: str) -> None:
    content, kind = KINDS[name]

    assert detect.detect_bytes(content) == detect.Detected(kind, (kind,))


def test_a_front_like_a_zip_behind_weights_is_seen() -> None:
    assert detect.detect_bytes(WEIGHTS + zipped()).is_ambiguous


POLYGLOTS = {
    "safetensors and zip": WEIGHTS + zipped(),
    "pickle and zip": pickle.dumps({"a": 1}) + zipped(),
    "tar and zip": tar() + zipped(),
    "gif and html": b"GIF89a/*" + b"\0" * 10 + b"*/=1;<script>x</script>",
    "png and zip": b"\x89PNG\r\n\x1a\n" + b"\0" * 20 + zipped(),
    "pdf in gif": b"GIF89a" + b"\0" * 10 + b"%PDF-1.4",
    "shell and zip with trailing bytes": b"\x7fELF" + zipped() + b"trailing",
    "pickle in the first name of a tar": tar(name="cos\nsystem\n(S'x'\ntR."),
}


@pytest.mark.parametrize("name", POLYGLOTS)
def test_a_file_that_two_readers_accept_is_ambiguous(name: str) -> None:
    assert detect.detect_bytes(POLYGLOTS[name]).is_ambiguous


@given(st.binary(max_size=600))
@settings(max_examples=300)
def test_any_bytes_have_a_kind(content: bytes) -> None:
    assert detect.detect_bytes(content).kind


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1))
@settings(max_examples=300)
def test_ordinary_text_is_never_taken_for_a_program(text: str) -> None:
    assert detect.detect_bytes(text.encode()).kind not in detect.EXECUTABLE


@pytest.mark.parametrize(
    ("path", "kinds"),
    [("model.safetensors", {"safetensors"}), ("a/B.JSON", {"json", "text", "empty"}), ("pytorch_model.bin", None)],
)
def test_what_a_name_promises(path: str, kinds: set[str] | None) -> None:
    promised = detect.kinds_for_name(path)

    assert promised == (None if kinds is None else frozenset(kinds))


@pytest.mark.parametrize("length", [376, 640, 896, 1152, 1408, 24_184, 40_056, 55_928])
def test_a_header_whose_length_looks_like_another_magic_is_still_safetensors(length):
    """Little-endian, 640 is a pickle's mark and 376 a zlib header."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    content = length.to_bytes(8, "little") + header.ljust(length) + bytes(4)

    assert detect.detect_bytes(content).all_kinds == ("safetensors",)


def test_compressed_streams_and_pickles_are_still_told():
    assert detect.detect_bytes(zlib.compress(bytes(range(256)) * 40, 1)).kind == "zlib"
    assert detect.detect_bytes(zlib.compress(bytes(range(256)) * 40, 9)).kind == "zlib"
    assert detect.detect_bytes(pickle.dumps({"a": 1}, protocol=4)).kind == "pickle"
