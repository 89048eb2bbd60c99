"""Numbers out of the plainest blocks of GGUF: a scale, perhaps a least value, and 32 small integers. Pure.

The layouts are those of ggml. What is packed more cleverly (the K and IQ types) is left to those who run models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Blocks = npt.NDArray[np.uint8]

ELEMENTS = 32
BLOCK_BYTES: Mapping[str, int] = {"Q8_0": 34, "Q4_0": 18, "Q4_1": 20, "Q5_0": 22, "Q5_1": 24}


def decode_blocks(raw: bytes, dtype: str) -> Floats:
    """All numbers of whole blocks, in order.

    Raises:
        KeyError: a type that is not read here.
    """
    size = BLOCK_BYTES[dtype]
    return _DECODERS[dtype](np.frombuffer(raw, np.uint8).reshape(-1, size)).reshape(-1)


def _scale(blocks: Blocks, at: int = 0) -> Floats:
    halves = np.ascontiguousarray(blocks[:, at : at + 2]).view("<f2")
    return halves.astype(np.float32)


def _halves(packed: Blocks) -> Floats:
    """Two integers of a byte: first all the low ones, then all the high ones."""
    return np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.float32)


def _with_fifth(bits: Blocks, packed: Blocks) -> Floats:
    fifth = np.unpackbits(np.ascontiguousarray(bits), axis=1, bitorder="little")
    return _halves(packed) + 16 * fifth.astype(np.float32)


def _q8_0(blocks: Blocks) -> Floats:
    return _scale(blocks) * np.ascontiguousarray(blocks[:, 2:]).view(np.int8).astype(np.float32)


_DECODERS: Mapping[str, Callable[[Blocks], Floats]] = {
    "Q8_0": _q8_0,
    "Q4_0": lambda blocks: _scale(blocks) * (_halves(blocks[:, 2:]) - 8),
    "Q4_1": lambda blocks: _scale(blocks) * _halves(blocks[:, 4:]) + _scale(blocks, 2),
    "Q5_0": lambda blocks: _scale(blocks) * (_with_fifth(blocks[:, 2:6], blocks[:, 6:]) - 16),
    "Q5_1": lambda blocks: _scale(blocks) * _with_fifth(blocks[:, 4:8], blocks[:, 8:]) + _scale(blocks, 2),
}
