"""Numbers out of the blocks of GGUF: each block has a scale, or a scale and a least value, and small integers.

Layouts are those of ggml. In all types a number is `scale · q` or `scale · q ± least`; the K types part a block of 256
into groups that have small scales of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from smallhub.runtimes._gguf_file import DTYPES, GgufTensor

Floats = npt.NDArray[np.float32]
Blocks = npt.NDArray[np.uint8]

_BLOCK_SIZES = {name: size for name, _, size in DTYPES.values()}


def read_tensor(path: Path, tensor: GgufTensor) -> Floats:
    """All numbers of a tensor as 32-bit floats, in its shape."""
    raw = np.fromfile(path, dtype=np.uint8, count=tensor.size_bytes, offset=tensor.start)
    if tensor.dtype == "F32":
        values = raw.view("<f4").astype(np.float32)
    elif tensor.dtype == "F16":
        values = raw.view("<f2").astype(np.float32)
    elif tensor.dtype == "BF16":
        values = (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        values = _TYPES[tensor.dtype](raw.reshape(-1, _BLOCK_SIZES[tensor.dtype]))
    return values.reshape(tensor.shape)


def _half(blocks: Blocks, start: int) -> Floats:
    """One 16-bit float of each block, as a column."""
    return np.ascontiguousarray(blocks[:, start : start + 2]).view("<f2").astype(np.float32)


def _nibbles(raw: Blocks) -> Blocks:
    """The low halves of all bytes, then the high ones."""
    return np.concatenate([raw & 15, raw >> 4], axis=1)


def _fifth_bits(raw: Blocks) -> Blocks:
    """32 single bits, the lowest first."""
    return np.unpackbits(raw, axis=1, bitorder="little")


def _q4_0(blocks: Blocks) -> Floats:
    return _half(blocks, 0) * (_nibbles(blocks[:, 2:]).astype(np.float32) - 8)


def _q4_1(blocks: Blocks) -> Floats:
    return _half(blocks, 0) * _nibbles(blocks[:, 4:]).astype(np.float32) + _half(blocks, 2)


def _q5_0(blocks: Blocks) -> Floats:
    values = _nibbles(blocks[:, 6:]) | _fifth_bits(blocks[:, 2:6]) << 4
    return _half(blocks, 0) * (values.astype(np.float32) - 16)


def _q5_1(blocks: Blocks) -> Floats:
    values = _nibbles(blocks[:, 8:]) | _fifth_bits(blocks[:, 4:8]) << 4
    return _half(blocks, 0) * values.astype(np.float32) + _half(blocks, 2)


def _q8_0(blocks: Blocks) -> Floats:
    return _half(blocks, 0) * np.ascontiguousarray(blocks[:, 2:]).view(np.int8).astype(np.float32)


def _six_bit_scales(raw: Blocks) -> tuple[Floats, Floats]:
    """Eight scales and eight least values, of six bits each, in twelve bytes."""
    first, second, third = raw[:, 0:4], raw[:, 4:8], raw[:, 8:12]
    scales = np.concatenate([first & 63, (third & 15) | (first >> 6) << 4], axis=1)
    least = np.concatenate([second & 63, (third >> 4) | (second >> 6) << 4], axis=1)
    return scales.astype(np.float32), least.astype(np.float32)


def _q4_k(blocks: Blocks) -> Any:
    scales, least = _six_bit_scales(blocks[:, 4:16])
    return _grouped(blocks, scales, least, _pairs(blocks[:, 16:]))


def _q5_k(blocks: Blocks) -> Any:
    scales, least = _six_bit_scales(blocks[:, 4:16])
    high = (blocks[:, None, 16:48] >> np.arange(8, dtype=np.uint8)[:, None]) & 1
    return _grouped(blocks, scales, least, _pairs(blocks[:, 48:]) | high << 4)


def _pairs(raw: Blocks) -> Any:
    """Four runs of 32 bytes: each gives a group of low halves, then one of high halves. Shape (blocks, 8, 32)."""
    runs = raw.reshape(len(raw), 4, 1, 32)
    return ((runs >> np.array([0, 4], dtype=np.uint8)[:, None]) & 15).reshape(len(raw), 8, 32)


def _grouped(blocks: Blocks, scales: Floats, least: Floats, values: Any) -> Any:
    by = (_half(blocks, 0) * scales)[:, :, None]
    less = (_half(blocks, 2) * least)[:, :, None]
    return (by * values.astype(np.float32) - less).reshape(len(blocks), 256)


def _q6_k(blocks: Blocks) -> Floats:
    low = blocks[:, :128].reshape(len(blocks), 2, 1, 64) >> np.array([0, 4], dtype=np.uint8)[:, None]
    high = blocks[:, 128:192].reshape(len(blocks), 2, 1, 32) >> np.array([0, 2, 4, 6], dtype=np.uint8)[:, None]
    values = (low & 15).reshape(len(blocks), 8, 32) | (high & 3).reshape(len(blocks), 8, 32) << 4
    scales = np.ascontiguousarray(blocks[:, 192:208]).view(np.int8).astype(np.float32) * _half(blocks, 208)
    signed = (values.astype(np.float32) - 32).reshape(len(blocks), 16, 16)
    return (scales[:, :, None] * signed).reshape(len(blocks), 256)


def _two_bits(raw: Blocks) -> Any:
    """Two runs of 32 bytes, each four times two bits. Shape (blocks, 16 groups, 16)."""
    runs = raw.reshape(len(raw), 2, 1, 32) >> np.array([0, 2, 4, 6], dtype=np.uint8)[:, None]
    return (runs & 3).reshape(len(raw), 16, 16)


def _q2_k(blocks: Blocks) -> Any:
    by = _half(blocks, 80) * (blocks[:, :16] & 15).astype(np.float32)
    less = _half(blocks, 82) * (blocks[:, :16] >> 4).astype(np.float32)
    values = _two_bits(blocks[:, 16:80]).astype(np.float32)
    found: Floats = (by[:, :, None] * values - less[:, :, None]).reshape(len(blocks), 256)
    return found


def _q3_k(blocks: Blocks) -> Any:
    packed = blocks[:, 96:108]
    low = np.concatenate([packed[:, :8] & 15, packed[:, :8] >> 4], axis=1)
    high = (packed[:, None, 8:] >> np.array([0, 2, 4, 6], dtype=np.uint8)[:, None] & 3).reshape(len(blocks), 16)
    scales = _half(blocks, 108) * ((low | high << 4).astype(np.float32) - 32)
    # A bit that is not set takes four away.
    bits = (blocks[:, None, :32] >> np.arange(8, dtype=np.uint8)[:, None] & 1).reshape(len(blocks), 16, 16)
    values = _two_bits(blocks[:, 32:96]).astype(np.float32) - 4.0 * (1 - bits.astype(np.float32))
    return (scales[:, :, None] * values).reshape(len(blocks), 256)


_TYPES: dict[str, Callable[[Blocks], Any]] = {
    "Q4_0": _q4_0,
    "Q4_1": _q4_1,
    "Q5_0": _q5_0,
    "Q5_1": _q5_1,
    "Q8_0": _q8_0,
    "Q2_K": _q2_k,
    "Q3_K": _q3_k,
    "Q4_K": _q4_k,
    "Q5_K": _q5_k,
    "Q6_K": _q6_k,
}
