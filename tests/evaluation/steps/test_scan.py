# ruff: noqa: E501 - tables read better in long lines.
from __future__ import annotations

import io
import json
import os
import pickle
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from evaluation.steps.clamav import TooLarge
from evaluation.steps.scan import Finding, Verdict, scan
from tests.factories import binary_models


class Runs:
    def __reduce__(self) -> tuple:
        return os.system, ("echo canary",)


def scanned(folder: Path, name: str, content: bytes) -> list[Finding]:
    (folder / name).write_bytes(content)
    return list(scan(folder).findings)


def torch_bytes(value: object, *, new: bool = True) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream, _use_new_zipfile_serialization=new)
    return stream.getvalue()


def zip_bytes(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return stream.getvalue()


def tar_bytes(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as packed:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    return stream.getvalue()


WEIGHTS = save({"w": np.ones(4, np.float32)})
EVIL = pickle.dumps(Runs())
SUFFIXES = [
    "", ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".p", ".joblib", ".dat", ".data", ".model", ".weights", ".npy",
    ".npz", ".safetensors", ".txt", ".md", ".json", ".yaml", ".csv", ".png", ".jpg", ".html", ".gguf", ".h5", ".onnx",
    ".py", ".zip",
]  # fmt: skip


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_is_told_under_every_name(tmp_path: Path, suffix: str, protocol: int) -> None:
    (finding,) = scanned(tmp_path, f"file{suffix}", pickle.dumps(Runs(), protocol=protocol))

    assert finding.kind == "executable_format"
    assert finding.detail == f"file{suffix} is held back. Opening it would run os.system."


HELD = {
    "torch zip": torch_bytes({"x": Runs()}),
    "old torch": torch_bytes({"x": Runs()}, new=False),
    "pickle broken after its payload": EVIL[:-1] + b"\xff\xff\xff",
    "pickle with nothing but a truncated start": b"\x80\x04\x95",
    "zip of pickles": zip_bytes({"a.pkl": EVIL}),
    "object array": zip_bytes({"a.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(128) + EVIL}),
    "compressed pickle": zlib.compress(EVIL),
    "tar of pickles": tar_bytes({"pickle": EVIL}),
    "7z": b"7z\xbc\xaf\x27\x1c" + EVIL,
    "weights with a zip behind": WEIGHTS + zip_bytes({"a": b"x"}),
    "zip with a wrong checksum": zip_bytes({"data.pkl": EVIL}).replace(b"canary", b"canarx", 1),
    "zip with a prefix": b"#!" + zip_bytes({"data.pkl": EVIL}),
    "elf": b"\x7fELF" + b"\0" * 60,
}  # fmt: skip


@pytest.mark.parametrize("name", HELD)
@pytest.mark.parametrize("file", ["model.bin", "model.safetensors", "noname"])
def test_what_could_run_or_hides_is_held_back(tmp_path: Path, name: str, file: str) -> None:
    result_before = len(scanned(tmp_path, file, HELD[name]))
    result = scan(tmp_path)

    assert result_before >= 1
    assert result.verdict is Verdict.QUARANTINED
    assert file in result.held_back


def test_a_pickle_of_tensors_alone_is_held_back_as_a_warning(tmp_path: Path) -> None:
    (finding,) = scanned(tmp_path, "pytorch_model.bin", torch_bytes({"w": torch.ones(2)}))

    assert (finding.kind, finding.severity) == ("tensor_pickle", Verdict.WARNING)
    assert finding.is_held_back
    assert "Save the weights as safetensors" in finding.detail


def test_a_clean_model_is_clean(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(WEIGHTS)
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    (tmp_path / "README.md").write_text("# Title\n```\nimport os\n```\n")
    (tmp_path / "tokenizer_config.json").write_text('{"model_max_length": 1000000000000000019884624838656}')
    (tmp_path / "arrays.npz").write_bytes(zip_bytes({"a.npy": np.lib.format.magic(1, 0)}))
    np.save(tmp_path / "plain.npy", np.ones(3))

    result = scan(tmp_path)

    assert result.findings == ()
    assert result.verdict is Verdict.CLEAN
    assert result.kinds["model.safetensors"] == "safetensors"
    json.dumps(result.as_json())


@pytest.mark.parametrize(
    ("name", "content", "kind", "verdict"),
    [
        ("model.safetensors", b"hello", "name_mismatch", Verdict.QUARANTINED),
        ("model.safetensors", WEIGHTS[:-1], "unreadable", Verdict.QUARANTINED),
        ("model.safetensors", WEIGHTS + b"\0", "unreadable", Verdict.QUARANTINED),
        ("config.json", b'{"a": 1, "a": 2}', "unreadable", Verdict.QUARANTINED),
        ("config.json", b"[" * 100_000, "unreadable", Verdict.QUARANTINED),
        ("config.json", b'{"auto_map": {"AutoModel": "m.M"}}', "code_in_config", Verdict.WARNING),
        ("config.json", b'{"x": {"_attn_implementation_internal": "a/b"}}', "code_in_config", Verdict.WARNING),
        ("modeling.py", b"import os\n", "code", Verdict.WARNING),
        ("picture.png", b"\xff\xd8\xff" + b"\0" * 20, "name_mismatch", Verdict.WARNING),
        ("model.gguf", b"GGUF\x03\0\0\0", "unreadable", Verdict.QUARANTINED),
        ("data.zip", zip_bytes({"a.txt": b"x"}), "archive", Verdict.WARNING),
        ("m.skops", zip_bytes({"schema.json": b"{}"}), "archive", Verdict.WARNING),
    ],
)
def test_faults_are_named(tmp_path: Path, name: str, content: bytes, kind: str, verdict: Verdict) -> None:
    (finding,) = scanned(tmp_path, name, content)

    assert (finding.kind, finding.severity) == (kind, verdict)
    assert finding.detail.startswith(name)


def test_a_pickle_of_tensors_can_be_converted_one_of_arrays_cannot(tmp_path: Path) -> None:
    (tmp_path / "tensors.bin").write_bytes(torch_bytes({"w": torch.ones(2)}))
    (tmp_path / "arrays.pkl").write_bytes(pickle.dumps(np.ones(3)))
    (tmp_path / "evil.bin").write_bytes(torch_bytes({"x": Runs()}))

    assert scan(tmp_path).as_json()["convertible"] == ["tensors.bin"]


def keras(layer: str) -> bytes:
    return zip_bytes({"config.json": json.dumps({"config": {"layers": [{"class_name": layer}]}}).encode()})


@pytest.mark.parametrize(
    ("name", "content", "kind", "verdict"),
    [
        ("m.keras", keras("Lambda"), "executable_format", Verdict.QUARANTINED),
        ("m.keras", keras("Dense"), "archive", Verdict.WARNING),
        ("m.h5", b"\x89HDF\r\n\x1a\n" + b'..{"class_name": "Lambda"}..', "executable_format", Verdict.QUARANTINED),
        ("m.h5", b"\x89HDF\r\n\x1a\n" + b'..{"class_name": "Dense"}..', "not_loaded", Verdict.WARNING),
        ("m.onnx", binary_models.onnx(domain="evil"), "custom_operators", Verdict.WARNING),
        ("m.onnx", binary_models.onnx(opset=99), "unreadable", Verdict.QUARANTINED),
        ("m.onnx", b"hello", "name_mismatch", Verdict.QUARANTINED),
        ("m.txt", binary_models.onnx(), "name_mismatch", Verdict.QUARANTINED),
        ("m.gguf", binary_models.gguf() + EVIL, "unreadable", Verdict.QUARANTINED),
        ("m.bin", binary_models.gguf() + zip_bytes({"a": b"x"}), "ambiguous", Verdict.QUARANTINED),
        ("m.onnx", binary_models.onnx() + zip_bytes({"a": b"x"}), "unreadable", Verdict.QUARANTINED),
        (".env", b"TOKEN=ghp_" + b"aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0iL3oR6", "secret", Verdict.WARNING),
    ],
)
def test_weights_of_other_formats_and_keys_are_looked_into(
    tmp_path: Path, name: str, content: bytes, kind: str, verdict: Verdict
) -> None:
    (finding,) = scanned(tmp_path, name, content)

    assert (finding.kind, finding.severity) == (kind, verdict), finding.detail
    assert "aB3dE6" not in finding.detail


def test_whole_gguf_and_onnx_files_are_clean(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(binary_models.gguf([("a", (8,), 0, b"\0" * 32)]))
    (tmp_path / "onnx").mkdir()
    weight = binary_models.onnx_tensor("w", [2], location="w.data", length=8)
    (tmp_path / "onnx" / "m.onnx").write_bytes(binary_models.onnx(tensors=[weight]))
    (tmp_path / "onnx" / "w.data").write_bytes(b"\xff" * 8)

    assert scan(tmp_path).verdict is Verdict.CLEAN

    (tmp_path / "onnx" / "w.data").write_bytes(b"\xff" * 7)
    assert [finding.kind for finding in scan(tmp_path).findings] == ["unreadable"]
    (tmp_path / "onnx" / "w.data").unlink()
    assert [finding.kind for finding in scan(tmp_path).findings] == ["missing_data"]


def test_a_second_opinion_counts(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")

    def knows_b(stream: io.BufferedIOBase) -> str:
        stream.seek(0)
        return "Test.Virus" if stream.read() == b"b" else ""

    def takes_nothing(stream: io.BufferedIOBase) -> str:
        raise TooLarge

    assert scan(tmp_path, antivirus=knows_b).held_back == {
        "b.txt": "b.txt is held back. The virus scanner knows it as Test.Virus."
    }
    assert {finding.kind for finding in scan(tmp_path, antivirus=takes_nothing).findings} == {"not_searched"}


def test_one_bad_file_beside_good_weights_leaves_the_model_loadable(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(WEIGHTS)
    (tmp_path / "optimizer.pt").write_bytes(EVIL)

    result = scan(tmp_path)

    assert result.verdict is Verdict.QUARANTINED
    assert result.held_back == {"optimizer.pt": "optimizer.pt is held back. Opening it would run os.system."}
    assert result.is_loadable
    (tmp_path / "model.safetensors").write_bytes(EVIL)
    assert not scan(tmp_path).is_loadable


def test_nothing_of_the_corpus_was_ever_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for number, content in enumerate([EVIL, *HELD.values()]):
        (tmp_path / f"f{number}").write_bytes(content)

    scan(tmp_path)

    assert "canary" not in capfd.readouterr().out


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to("/etc/passwd")

    assert scan(tmp_path).kinds == {}


def test_a_card_may_begin_with_a_picture_in_html(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("<img src='banner.png'>\n# Model\n")

    assert scan(tmp_path).verdict == "clean"


def test_what_would_run_is_told_before_what_is_only_broken(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "a.gguf").write_bytes(b"GGUF" + b"\0" * 40)
    (tmp_path / "z.pkl").write_bytes(b"cos\nsystem\n(S'echo'\ntR.")

    assert [finding.path for finding in scan(tmp_path).findings] == ["z.pkl", "a.gguf"]
