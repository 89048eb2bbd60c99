"""How two safetensors files differ, tensor by tensor. Pure; reads in windows, so memory does not grow with the files.

Sources are asked for byte ranges. Where the caller knows that ranges of both files are equal, because they are the same
stored chunks, these are not read for the comparison.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from models_registry.formats.safetensors import DTYPE_BITS, SafetensorsHeader, Tensor

Way = Literal["added", "removed", "changed", "reshaped", "same"]
Read = Callable[[int, int], bytes]
Spans = Sequence[tuple[int, int]]
Floats = npt.NDArray[np.float64]

WINDOW = 512 * 1024  # Elements at a time: 4 MiB as float64.


@dataclass(frozen=True)
class TensorChange:
    """One tensor of both files, or of one.

    Attributes:
        way: reshaped where type or shape differ.
        changed: elements whose bits differ; None where elements cannot be paired.
        max_abs: the largest difference of two finite elements.
        relative: length of the difference over length of what was before, both Euclidean; None where that was zero.
        not_finite: changed elements that are infinite or no number on a side; left out of the two above.
    """

    name: str
    way: Way
    before: Tensor | None
    after: Tensor | None
    changed: int | None = None
    max_abs: float | None = None
    relative: float | None = None
    not_finite: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "way": self.way,
            "before": _kind(self.before),
            "after": _kind(self.after),
            "elements": (self.after or self.before).elements if self.after or self.before else 0,  # type: ignore[union-attr]
            "changed": self.changed,
            "max_abs": self.max_abs,
            "relative": self.relative,
            "not_finite": self.not_finite,
        }


def _kind(tensor: Tensor | None) -> dict[str, Any] | None:
    return {"dtype": tensor.dtype, "shape": list(tensor.shape)} if tensor else None


def pairs(before: SafetensorsHeader, after: SafetensorsHeader) -> Iterator[tuple[str, Tensor | None, Tensor | None]]:
    """Tensors by name: those of the new file in its order, then those that are gone."""
    old = {tensor.name: tensor for tensor in before.tensors}
    for tensor in after.tensors:
        yield tensor.name, old.pop(tensor.name, None), tensor
    for name, gone in old.items():
        yield name, gone, None


def compare_tensor(
    name: str,
    before: Tensor | None,
    after: Tensor | None,
    *,
    read_before: Read,
    read_after: Read,
    unequal: Callable[[Tensor, Tensor], Spans],
) -> TensorChange:
    """What became of one tensor.

    Args:
        read_before, read_after: give the bytes of a range of the file.
        unequal: ranges, counted from the start of the tensors, that may differ; asked where type and shape agree.
    """
    if before is None or after is None:
        return TensorChange(name, "removed" if after is None else "added", before, after)
    is_kept = (before.dtype, before.shape) == (after.dtype, after.shape)
    if before.shape != after.shape or before.dtype not in _DECODERS or after.dtype not in _DECODERS:
        return _by_bytes(name, before, after, read_before, read_after, unequal, is_kept=is_kept)
    spans: Spans = (
        _elements(unequal(before, after), DTYPE_BITS[before.dtype] // 8) if is_kept else [(0, before.elements)]
    )
    tally = _Tally(before.dtype, after.dtype)
    for start, stop in _windows(spans):
        tally.add(_part(read_before, before, start, stop), _part(read_after, after, start, stop))
    if is_kept and not tally.changed:
        return TensorChange(name, "same", before, after, changed=0)
    for start, stop in _windows(_rest(spans, before.elements)):
        tally.add_equal(_part(read_before, before, start, stop))
    way: Way = "changed" if is_kept else "reshaped"
    return TensorChange(
        name, way, before, after, tally.changed, tally.max_abs, tally.relative(), not_finite=tally.not_finite
    )


def _by_bytes(
    name: str, before: Tensor, after: Tensor, read_before: Read, read_after: Read, unequal: Any, *, is_kept: bool
) -> TensorChange:
    """For shapes that do not fit, and for types of less than a byte: equal or not, no more."""
    if not is_kept:
        return TensorChange(name, "reshaped", before, after)
    for start, stop in _windows(unequal(before, after)):
        old = read_before(before.start + start, before.start + stop)
        if old != read_after(after.start + start, after.start + stop):
            return TensorChange(name, "changed", before, after)
    return TensorChange(name, "same", before, after, changed=0)


@dataclass
class _Tally:
    """Sums over the windows of one pair of tensors."""

    old_dtype: str
    new_dtype: str
    changed: int = 0
    max_abs: float = 0.0
    not_finite: int = 0
    _difference: float = field(default=0.0)
    _length: float = field(default=0.0)

    def add(self, before: bytes, after: bytes) -> None:
        if self.old_dtype == self.new_dtype:
            differs = _bits(before, self.old_dtype) != _bits(after, self.old_dtype)
        else:
            differs = None
        with np.errstate(all="ignore"):
            old, new = decode(before, self.old_dtype), decode(after, self.new_dtype)
            if differs is None:
                differs = (old != new) & ~(np.isnan(old) & np.isnan(new))
            gap = _gap(before, after, self.old_dtype) if self._is_exact() else np.abs(new - old)
            finite = np.isfinite(old) & np.isfinite(new) & np.isfinite(gap)
            self.changed += int(differs.sum())
            self.not_finite += int((differs & ~finite).sum())
            gap = gap[finite]
            if gap.size:
                self.max_abs = max(self.max_abs, float(gap.max()))
            self._difference += float(np.dot(gap, gap))
            self._length += _squared(old[np.isfinite(old)])

    def add_equal(self, before: bytes) -> None:
        with np.errstate(all="ignore"):
            old = decode(before, self.old_dtype)
            self._length += _squared(old[np.isfinite(old)])

    def relative(self) -> float | None:
        if not 0 < self._length < math.inf or not math.isfinite(self._difference):
            return None
        return math.sqrt(self._difference / self._length)

    def _is_exact(self) -> bool:
        """Integers of 64 bits do not fit into a float."""
        return self.old_dtype == self.new_dtype and self.old_dtype in {"I64", "U64"}


def _squared(values: Floats) -> float:
    return float(np.dot(values, values))


def _gap(before: bytes, after: bytes, dtype: str) -> Floats:
    """|after − before| of 64-bit integers, exact before it becomes a float."""
    kind = "<i8" if dtype == "I64" else "<u8"
    old, new = np.frombuffer(before, kind), np.frombuffer(after, kind)
    high, low = np.maximum(old, new), np.minimum(old, new)
    gap: Floats = (high.view("<u8") - low.view("<u8")).astype(np.float64)
    return gap


def _bits(raw: bytes, dtype: str) -> npt.NDArray[Any]:
    if dtype == "C64":
        return np.frombuffer(raw, "<u8")
    return np.frombuffer(raw, f"<u{DTYPE_BITS[dtype] // 8}")


def decode(raw: bytes, dtype: str) -> Floats:
    """Elements as float64; complex ones by their absolute value."""
    return _DECODERS[dtype](raw)


def _plain(kind: str) -> Callable[[bytes], Floats]:
    return lambda raw: np.frombuffer(raw, kind).astype(np.float64)


def _bf16(raw: bytes) -> Floats:
    wide = np.frombuffer(raw, "<u2").astype(np.uint32) << np.uint32(16)
    return wide.view(np.float32).astype(np.float64)


def _complex(raw: bytes) -> Floats:
    return np.abs(np.frombuffer(raw, "<c8").astype(np.complex128))


def _table(values: Sequence[float]) -> Callable[[bytes], Floats]:
    table = np.array(values, dtype=np.float64)
    return lambda raw: table[np.frombuffer(raw, np.uint8)]


def _e4m3(byte: int) -> float:
    """OCP FP8 E4M3: no infinities, one NaN of each sign."""
    sign, exponent, mantissa = (-1.0 if byte & 0x80 else 1.0), byte >> 3 & 15, byte & 7
    if byte & 0x7F == 0x7F:
        return math.nan
    return sign * (mantissa / 8 * 2.0**-6 if exponent == 0 else (1 + mantissa / 8) * 2.0 ** (exponent - 7))


def _e5m2(raw: bytes) -> Floats:
    """Half precision with the last eight bits cut off."""
    return (np.frombuffer(raw, np.uint8).astype(np.uint16) << 8).view(np.float16).astype(np.float64)


_DECODERS: Mapping[str, Callable[[bytes], Floats]] = {
    "BOOL": _plain("u1"),
    "U8": _plain("u1"),
    "I8": _plain("i1"),
    "U16": _plain("<u2"),
    "I16": _plain("<i2"),
    "U32": _plain("<u4"),
    "I32": _plain("<i4"),
    "U64": _plain("<u8"),
    "I64": _plain("<i8"),
    "F16": _plain("<f2"),
    "F32": _plain("<f4"),
    "F64": _plain("<f8"),
    "BF16": _bf16,
    "C64": _complex,
    "F8_E4M3": _table([_e4m3(byte) for byte in range(256)]),
    "F8_E5M2": _e5m2,
    "F8_E8M0": _table([2.0 ** (byte - 127) if byte < 255 else math.nan for byte in range(256)]),
}


def _elements(spans: Spans, width: int) -> list[tuple[int, int]]:
    """Byte ranges as ranges of whole elements, joined where they touch."""
    found: list[tuple[int, int]] = []
    for start, stop in spans:
        first, last = start // width, -(-stop // width)
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def _rest(spans: Spans, length: int) -> Iterator[tuple[int, int]]:
    position = 0
    for start, stop in spans:
        if position < start:
            yield position, start
        position = stop
    if position < length:
        yield position, length


def _windows(spans: Spans | Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for start, stop in spans:
        for at in range(start, stop, WINDOW):
            yield at, min(at + WINDOW, stop)


def _part(read: Read, tensor: Tensor, start: int, stop: int) -> bytes:
    width = DTYPE_BITS[tensor.dtype] // 8
    return read(tensor.start + start * width, tensor.start + stop * width)
