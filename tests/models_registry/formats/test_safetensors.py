from __future__ import annotations

import io
import json
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save, save_file

from models_registry.formats import safetensors
from models_registry.formats.errors import BadFormat


def build(header: Any, data: bytes = b"", *, length: int | None = None) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def read(content: bytes) -> safetensors.SafetensorsHeader:
    return safetensors.read_header(io.BytesIO(content), size_bytes=len(content))


def entry(start: int = 0, stop: int = 4, dtype: Any = "F32", shape: Any = (1,), **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, stop], **more}


def test_a_real_file_is_read_as_its_writer_meant_it(tmp_path: Path) -> None:
    arrays = {"a.weight": np.ones((3, 5), np.float32), "b": np.zeros(7, np.int64), "half": np.ones((2, 2), np.float16)}
    save_file(arrays, tmp_path / "model.safetensors", metadata={"format": "pt"})

    header = safetensors.read_file(tmp_path / "model.safetensors")

    assert {tensor.name: tensor.shape for tensor in header.tensors} == {k: v.shape for k, v in arrays.items()}
    assert header.by_dtype() == {"F32": 15, "I64": 7, "F16": 4}
    assert header.parameters == 26
    assert header.metadata == {"format": "pt"}
    raw = (tmp_path / "model.safetensors").read_bytes()
    for tensor in header.tensors:
        assert raw[tensor.start : tensor.stop] == arrays[tensor.name].tobytes()


@given(
    st.dictionaries(st.from_regex(r"[a-z.]{1,9}", fullmatch=True), st.lists(st.integers(0, 4), max_size=3), max_size=6)
)
@settings(max_examples=60)
def test_whatever_the_reference_writes_is_read(shapes: dict[str, list[int]]) -> None:
    content = save({name: np.zeros(shape, np.float32) for name, shape in shapes.items()})

    assert {tensor.name: list(tensor.shape) for tensor in read(content).tensors} == shapes


@given(st.binary(max_size=300), st.integers(0, 2**64 - 1) | st.integers(0, 300))
@settings(max_examples=300)
def test_any_bytes_are_read_or_refused_never_worse(raw: bytes, length: int) -> None:
    try:
        read(struct.pack("<Q", length) + raw)
    except BadFormat as error:
        if not error.code.startswith("safetensors_"):
            raise


FOUR, EIGHT = b"\0" * 4, b"\0" * 8
BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "truncated"),
    "seven bytes": (b"1234567", "truncated"),
    "length 2^63": (build(b"{}", length=2**63), "header_size"),
    "length 2^64-1": (build(b"{}", length=2**64 - 1), "header_size"),
    "header past the end": (build(b"{}", length=3), "truncated"),
    "30 MB header": (build(b"{}", length=30_000_000), "header_size"),
    "not JSON": (build(b"{nope"), "header"),
    "leading space": (build(b" {}"), "header"),
    "a list": (build(b"[]"), "header"),
    "trailing tab": (build(b"{}\t"), "header"),
    "two documents": (build(b"{}{}"), "header"),
    "pickle as header": (build(b"\x80\x04K\x01."), "header"),
    # ruff: noqa: E501 - one case a line reads better.
    "duplicate tensor": (build(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', FOUR), "header"),
    "duplicate key": (build(b'{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', FOUR), "header"),
    "too deep": (build({"a": entry(shape=([1],))}, FOUR), "header"),
    "metadata numbers": (build({"__metadata__": {"a": 1}}), "metadata"),
    "metadata list": (build({"__metadata__": ["a"]}), "metadata"),
    "unknown dtype": (build({"a": entry(dtype="F33")}, FOUR), "dtype"),
    "dtype not text": (build({"a": entry(dtype=32)}, FOUR), "dtype"),
    "extra key": (build({"a": entry(extra=1)}, FOUR), "entry"),
    "missing key": (build({"a": {"dtype": "F32", "shape": [1]}}, FOUR), "entry"),
    "entry is a list": (build({"a": [1]}, FOUR), "entry"),
    "negative size": (build({"a": entry(shape=(-1,))}, FOUR), "entry"),
    "float size": (build({"a": entry(shape=(1.0,))}, FOUR), "entry"),
    "true as size": (build({"a": entry(shape=(True,))}, FOUR), "entry"),
    "three offsets": (build({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 4]}}, FOUR), "entry"),
    "33 axes": (build({"a": entry(shape=(1,) * 33)}, FOUR), "entry"),
    "wrong size": (build({"a": entry(shape=(2,))}, FOUR), "size"),
    "reversed range": (build({"a": entry(4, 0)}, FOUR), "size"),
    "overflowing product": (build({"a": entry(shape=(2**62, 2**62))}, FOUR), "size"),
    "odd number of half bytes": (build({"a": entry(0, 2, dtype="F4", shape=(3,))}, b"\0\0"), "size"),
    "hole at the start": (build({"a": entry(4, 8)}, EIGHT), "hole"),
    "hole between": (build({"a": entry(0, 4), "b": entry(8, 12)}, EIGHT + FOUR), "hole"),
    "overlap": (build({"a": entry(0, 8, shape=(2,)), "b": entry(4, 8)}, EIGHT), "overlap"),
    "same range twice": (build({"a": entry(), "b": entry()}, FOUR), "overlap"),
    "truncated data": (build({"a": entry()}, b"\0\0\0"), "truncated"),
    "trailing byte": (build({"a": entry()}, FOUR + b"x"), "trailing"),
    "trailing zip": (build({"a": entry()}, FOUR + b"PK\x05\x06" + b"\0" * 18), "trailing"),
    "bytes without tensors": (build({}, FOUR), "trailing"),
    "empty name": (build({"": entry()}, FOUR), "name"),
    "name with NUL": (build({"a\0b": entry()}, FOUR), "name"),
    "name with line break": (build({"a\nb": entry()}, FOUR), "name"),
    "very long name": (build({"a" * 600: entry()}, FOUR), "name"),
    "half surrogate": (build(b'{"\\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', FOUR), "header"),
    "huge integer": (build(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99999999999999999999]}}', FOUR), "header"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_smuggling_and_broken_headers_are_refused(name: str) -> None:
    content, fault = BAD[name]
    with pytest.raises(BadFormat) as caught:
        read(content)

    assert caught.value.code == f"safetensors_{fault}"


def test_the_message_names_the_tensor_and_the_range() -> None:
    content = build({"first": entry(0, 4), "late": entry(8, 12)}, b"\0" * 12)
    start = len(content) - 12

    with pytest.raises(BadFormat, match=rf'{start + 4:,}–{start + 8:,} before "late"'):
        read(content)


def test_a_header_of_two_hundred_thousand_tensors_is_read_in_seconds_and_more_is_refused() -> None:
    header = {f"t{index}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for index in range(200_000)}
    began = time.process_time()

    assert len(read(build(header)).tensors) == 200_000

    assert time.process_time() - began < 20  # About 1 s on an idle machine; this only tells a hang.
    with pytest.raises(BadFormat, match="at most 200,000"):
        read(build(header | {"one more": header["t0"]}))


def test_only_the_header_is_needed_to_check_an_upload_that_is_still_arriving() -> None:
    content = build({"a": entry(0, 4_000_000, shape=(1_000_000,))})

    header = safetensors.read_header(io.BytesIO(content), size_bytes=len(content) + 4_000_000)

    assert header.parameters == 1_000_000
