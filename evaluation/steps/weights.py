"""A look at the values of all weights, streamed from the file: not finite, all zero, all the same.

The bytes are plain numbers that our own reader has placed, so this needs no library and no sandbox.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models_registry.formats import safetensors
from models_registry.formats.safetensors import Tensor

_BLOCK_ELEMENTS = 1 << 20
_FLOATS: dict[str, np.dtype[Any]] = {
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "BF16": np.dtype("<u2"),
}


@dataclass(frozen=True)
class WeightReport:
    """Names of faulty tensors. `checked` counts float tensors; other types have no NaN and are not looked at."""

    checked: int
    not_finite: dict[str, int]
    all_zero: tuple[str, ...]
    constant: tuple[str, ...]


def check(folder: Path, *, logarithms: bool = False) -> WeightReport:
    """Look at every float tensor of every safetensors file at the top of a folder.

    Args:
        logarithms: the values are logarithms of probabilities, so that minus infinity is a value like others.

    Raises:
        BadFormat: a header is not sound.
    """
    not_finite: dict[str, int] = {}
    zero: list[str] = []
    constant: list[str] = []
    checked = 0
    for path in sorted(folder.glob("*.safetensors")):
        for tensor in safetensors.read_file(path).tensors:
            if tensor.dtype not in _FLOATS or not tensor.elements:
                continue
            checked += 1
            bad, low, high = _extremes(path, tensor, logarithms=logarithms)
            if bad:
                not_finite[tensor.name] = bad
            elif low == high and len(tensor.shape) > 1 and tensor.elements > 1:
                (zero if low == 0 else constant).append(tensor.name)
    return WeightReport(checked, not_finite, tuple(zero), tuple(constant))


def _extremes(path: Path, tensor: Tensor, *, logarithms: bool) -> tuple[int, float, float]:
    """How many values are not finite, and the least and greatest of all."""
    bad, low, high = 0, np.inf, -np.inf
    for block in _blocks(path, tensor):
        good = np.isfinite(block) | np.isneginf(block) if logarithms else np.isfinite(block)
        bad += int(block.size - np.count_nonzero(good))
        low, high = min(low, float(block.min())), max(high, float(block.max()))
    return bad, low, high


def values(path: Path, tensor: Tensor) -> Iterator[npt.NDArray[Any]]:
    """A tensor's values in blocks of four megabytes; nothing of a type that is no float."""
    return _blocks(path, tensor) if tensor.dtype in _FLOATS else iter(())


def _blocks(path: Path, tensor: Tensor) -> Iterator[npt.NDArray[Any]]:
    """A tensor's values, four megabytes at a time."""
    dtype = _FLOATS[tensor.dtype]
    with path.open("rb") as stream:
        stream.seek(tensor.start)
        remaining = tensor.elements
        while remaining:
            raw = np.fromfile(stream, dtype=dtype, count=min(_BLOCK_ELEMENTS, remaining))
            remaining -= len(raw)
            if tensor.dtype == "BF16":
                # A bfloat16 is the upper half of a float32.
                yield (raw.astype("<u4") << 16).view("<f4")
            else:
                yield raw
