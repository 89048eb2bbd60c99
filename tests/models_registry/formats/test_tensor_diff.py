import io
import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.formats import safetensors, tensor_diff
from models_registry.formats.tensor_diff import TensorChange, compare_tensor, decode, pairs

NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I8": "i1", "U8": "u1", "U64": "<u8"}


def packed(tensors: dict[str, tuple[str, tuple[int, ...], bytes]]) -> bytes:
    """A safetensors file."""
    header, data = {}, b""
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def compared(before: bytes, after: bytes) -> dict[str, TensorChange]:
    heads = [safetensors.read_header(io.BytesIO(body), size_bytes=len(body)) for body in (before, after)]
    return {
        name: compare_tensor(
            name,
            old,
            new,
            read_before=lambda start, stop: before[start:stop],
            read_after=lambda start, stop: after[start:stop],
            unequal=lambda old, new: [(0, old.size_bytes)],
        )
        for name, old, new in pairs(*heads)
    }


def one(dtype: str, before: bytes, after: bytes) -> TensorChange:
    width = safetensors.DTYPE_BITS[dtype] // 8
    shape = (len(before) // width,)
    return compared(packed({"w": (dtype, shape, before)}), packed({"w": (dtype, shape, after)}))["w"]


@given(st.sampled_from(sorted(NUMPY)), st.binary(min_size=64, max_size=64), st.binary(min_size=64, max_size=64))
def test_differences_are_those_of_numpy(dtype: str, before: bytes, after: bytes) -> None:
    old, new = np.frombuffer(before, NUMPY[dtype]), np.frombuffer(after, NUMPY[dtype])
    found = one(dtype, before, after)
    bits = np.frombuffer(before, f"V{old.itemsize}") != np.frombuffer(after, f"V{old.itemsize}")
    if not bits.any():
        assert (found.way, found.changed) == ("same", 0)
        return
    if old.dtype.kind == "f":
        with np.errstate(all="ignore"):
            gap = np.abs(new.astype(float) - old.astype(float))
            finite = np.isfinite(old) & np.isfinite(new) & np.isfinite(gap)
    else:
        gap = np.array([abs(int(y) - int(x)) for x, y in zip(old, new, strict=True)], dtype=float)
        finite = np.ones(len(old), dtype=bool)
    assert found.changed == bits.sum()
    assert found.not_finite == (bits & ~finite).sum()
    assert found.max_abs == pytest.approx(gap[finite].max() if finite.any() else 0.0, rel=1e-12)
    with np.errstate(all="ignore"):
        length = np.linalg.norm(old[np.isfinite(old)].astype(float))
        expected = np.linalg.norm(gap[finite]) / length if 0 < length < np.inf else None
    if expected is not None and np.isfinite(expected) and found.relative is not None:
        assert found.relative == pytest.approx(expected, rel=1e-6)


def test_bfloat16_and_the_small_floats_are_read_as_what_they_are() -> None:
    single = np.array([1.0, -2.5, 0.0078125, 3.0e38], dtype="<f4")
    assert decode((single.view("<u4") >> 16).astype("<u2").tobytes(), "BF16") == pytest.approx(single, rel=1 / 128)
    assert decode(bytes([0x38, 0xC0, 0x7E, 0x01, 0x00]), "F8_E4M3").tolist() == [1.0, -2.0, 448.0, 2.0**-9, 0.0]
    assert np.isnan(decode(bytes([0x7F]), "F8_E4M3")).all()
    assert decode(bytes([0x3C, 0xC0, 0x7B, 0x7C]), "F8_E5M2").tolist() == [1.0, -2.0, 57344.0, np.inf]
    assert decode(bytes([127, 128, 0]), "F8_E8M0").tolist() == [1.0, 2.0, 2.0**-127]
    assert decode(np.array([3 + 4j], dtype="<c8").tobytes(), "C64").tolist() == [5.0]


def test_tensors_come_go_and_change_their_form() -> None:
    raw = np.arange(6, dtype="<f4").tobytes()
    half = np.arange(6, dtype="<f2").tobytes()
    found = compared(
        packed(
            {
                "kept": ("F32", (6,), raw),
                "gone": ("U8", (1,), b"1"),
                "cast": ("F32", (2, 3), raw),
                "f": ("F32", (6,), raw),
            }
        ),
        packed(
            {
                "f": ("F32", (3, 2), raw),
                "kept": ("F32", (6,), raw),
                "cast": ("F16", (2, 3), half),
                "new": ("U8", (1,), b"1"),
            }
        ),
    )
    assert {name: change.way for name, change in found.items()} == {
        "f": "reshaped",
        "kept": "same",
        "cast": "reshaped",
        "new": "added",
        "gone": "removed",
    }
    assert (found["cast"].changed, found["cast"].max_abs) == (0, 0.0)
    assert found["cast"].to_json()["after"] == {"dtype": "F16", "shape": [2, 3]}
    assert found["f"].changed is None


def test_types_below_a_byte_are_equal_or_not() -> None:
    def body(raw: bytes) -> bytes:
        return packed({"w": ("F4", (4,), raw)})

    assert compared(body(b"ab"), body(b"ab"))["w"].way == "same"
    changed = compared(body(b"ab"), body(b"ac"))["w"]
    assert (changed.way, changed.max_abs) == ("changed", None)


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 90)), max_size=6), st.data())
def test_only_ranges_that_may_differ_are_read_of_the_new_file(
    edits: list[tuple[int, int]], data: st.DataObject
) -> None:
    old = np.random.default_rng(3).standard_normal(1024).astype("<f4")
    new = old.copy()
    spans: list[tuple[int, int]] = []
    for start, length in sorted(edits):
        start = max(start, spans[-1][1] if spans else 0)
        stop = min(start + length, 4096)
        if start < stop:
            spans.append((start, stop))
            new[start // 4 : -(-stop // 4)] += 1
    read: list[int] = []
    tensor = safetensors.Tensor("w", "F32", (1024,), 0, 4096)

    def reading(body: bytes, counted: bool):
        def read_range(start: int, stop: int) -> bytes:
            read.append(stop - start if counted else 0)
            return body[start:stop]

        return read_range

    found = compare_tensor(
        "w",
        tensor,
        tensor,
        read_before=reading(old.tobytes(), False),
        read_after=reading(new.tobytes(), True),
        unequal=lambda *_: spans,
    )

    assert sum(read) <= sum(stop - start for start, stop in spans) + 8 * len(spans)
    assert found.changed == int((old != new).sum())
    expected = np.linalg.norm((new - old).astype(float)) / np.linalg.norm(old.astype(float))
    assert (found.relative or 0.0) == pytest.approx(expected, rel=1e-6)


def test_memory_is_one_window(monkeypatch) -> None:
    monkeypatch.setattr(tensor_diff, "WINDOW", 16)
    sizes = []
    tensor = safetensors.Tensor("w", "F16", (1000,), 0, 2000)

    def read_range(start: int, stop: int) -> bytes:
        sizes.append(stop - start)
        return bytes(stop - start)

    found = compare_tensor(
        "w", tensor, tensor, read_before=read_range, read_after=read_range, unequal=lambda *_: [(0, 2000)]
    )
    assert found.way == "same"
    assert max(sizes) == 32
