from __future__ import annotations

import io
import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.formats import gguf
from models_registry.formats.errors import BadFormat
from tests.factories import binary_models

F32, Q4_0, Q8_0 = 0, 2, 8


def read(content: bytes) -> gguf.GgufHeader:
    return gguf.read_header(io.BytesIO(content), size_bytes=len(content))


WHOLE = binary_models.gguf(
    [("a.weight", (4, 2), F32, b"\1" * 32), ("b.weight", (32, 3), Q4_0, b"\2" * 54), ("c", (), F32, b"\3" * 4)],
    metadata={"general.architecture": "llama", "llama.context_length": 64, "tokens": ["a", "b"] * 20, "on": True},
)


def test_lists_of_whole_numbers_are_read_whatever_their_width_and_written_as_converters_do() -> None:
    for kind, layout in ((0, "<B"), (1, "<b"), (2, "<H"), (3, "<h"), (4, "<I"), (5, "<i"), (10, "<Q"), (11, "<q")):
        value = struct.pack("<IIQ", 9, kind, 3) + b"".join(struct.pack(layout, number) for number in (3, 1, 4))
        key = binary_models.text("tokenizer.ggml.token_type")
        found = read(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + key + value)
        assert found.metadata["tokenizer.ggml.token_type"] == gguf.Listing(3, (3, 1, 4))
    assert binary_models.typed([3, 1])[:8] == struct.pack("<II", 9, 5), "signed, or llama.cpp refuses the file"


def test_a_whole_header_is_read() -> None:
    found = read(WHOLE)

    assert (found.version, found.architecture, found.integer("context_length")) == (3, "llama", 64)
    assert [(each.name, each.dtype, each.shape, each.size_bytes) for each in found.tensors] == [
        ("a.weight", "F32", (2, 4), 32),
        ("b.weight", "Q4_0", (3, 32), 54),
        ("c", "F32", (), 4),
    ]
    assert found.by_dtype() == {"F32": 9, "Q4_0": 96}
    assert found.metadata["tokens"] == gguf.Listing(40, ("a", "b") * 8)
    assert found.metadata["on"] is True


def test_version_two_and_padding_at_the_end_are_read() -> None:
    content = binary_models.gguf([("a", (1,), F32, b"\0" * 4)], version=2)

    assert read(content).tensors == read(content + b"\0" * 28).tensors


TWO = [("a", (8,), F32, b"\0" * 32), ("b", (8,), F32, b"\0" * 32)]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"GGUF", "gguf_truncated"),
        (b"FUGG" + WHOLE[4:], "gguf_magic"),
        (binary_models.gguf(version=1), "gguf_version"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**63, 0), "gguf_count"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**40), "gguf_count"),
        (binary_models.gguf(TWO, offsets=[0, 0]), "gguf_overlap"),
        (binary_models.gguf(TWO, offsets=[0, 96]), "gguf_hole"),
        (binary_models.gguf(TWO, offsets=[0, 33]), "gguf_alignment"),
        (binary_models.gguf(TWO)[:-1], "gguf_truncated"),
        (binary_models.gguf(TWO) + b"PK\3\4", "gguf_trailing"),
        (binary_models.gguf([("a", (8,), 99, b"")]), "gguf_type"),
        (binary_models.gguf([("a", (31,), Q8_0, b"")]), "gguf_shape"),
        (binary_models.gguf([("a", (2**40, 2**40), F32, b"")]), "gguf_shape"),
        (binary_models.gguf([TWO[0], ("a", (8,), F32, b"\0" * 32)]), "gguf_duplicate"),
        (binary_models.gguf([("a\n", (1,), F32, b"\0" * 4)]), "gguf_name"),
        (binary_models.gguf(metadata={"general.alignment": 3}), "gguf_alignment"),
        (binary_models.gguf(metadata={"k": 1})[:-8] + struct.pack("<II", 13, 0), "gguf_type"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2**62), "gguf_name"),
    ],
)
def test_what_is_not_sound_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(BadFormat) as caught:
        read(content)

    assert caught.value.code == code


@given(at=st.integers(0, len(WHOLE) - 1), value=st.integers(0, 255), cut=st.integers(0, 40))
@settings(max_examples=300, deadline=None)
def test_a_changed_byte_is_refused_or_harmless(at: int, value: int, cut: int) -> None:
    changed = bytearray(WHOLE)
    changed[at] = value
    content = bytes(changed[: len(changed) - cut])
    try:
        found = read(content)
    except BadFormat:
        return
    assert all(tensor.stop <= len(content) for tensor in found.tensors)


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_after_the_magic_are_survived(tail: bytes) -> None:
    with pytest.raises(BadFormat):
        read(b"GGUF\3\0\0\0" + tail + b"\xff")


def test_claims_of_length_cost_no_memory() -> None:
    content = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + binary_models.text("k") + struct.pack("<IIQ", 9, 12, 2_000_000)
    tracemalloc.start()
    with pytest.raises(BadFormat):
        read(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 1 << 20
