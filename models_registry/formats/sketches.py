"""What is kept of a model's weights to tell whether others were made from them: a few numbers of each tensor. Pure.

Of every tensor that can tell models apart a sketch has its shape, a hash of its bytes, and 64 of its numbers, taken at
places that depend on its size alone. Tensors of one shape are therefore laid beside each other number by number,
whatever they are called. A file is read once, in windows: memory does not grow with it.

What says nothing about where a model comes from is left out: vectors (norms and biases are near one and zero
everywhere), integers, masks and other tables of few values, and tables of sines, which are the same in all models.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from models_registry.formats import blocks
from models_registry.formats.errors import BadFormat
from models_registry.formats.safetensors import DTYPE_BITS, Tensor
from models_registry.formats.tensor_diff import decode

Floats = npt.NDArray[np.float32]
Read = Callable[[int, int], bytes]

SAMPLES = 64
HASH_BYTES = 16
MAX_TENSORS = 512
MIN_ELEMENTS = 1024
_FEW_VALUES = 8
_WINDOW_BYTES = 1 << 20
_FLOATS = ("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2")
DTYPES = (*_FLOATS, *blocks.BLOCK_BYTES)
_MAGIC = b"SKT1"


@dataclass(frozen=True)
class Sketch:
    """The tensors of one model, those of one shape side by side.

    Attributes:
        shapes: of each tensor, outermost axis first; sorted, so that equal ones are neighbours.
        dtypes: of each tensor, as its file says.
        hashes: of each tensor's bytes.
        samples: a row of numbers of each tensor.
        elements: of all tensors of the model, also of those that are not kept.
    """

    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    hashes: tuple[bytes, ...]
    samples: Floats
    elements: int

    @property
    def sizes(self) -> npt.NDArray[np.float64]:
        """Elements of each tensor."""
        return np.array([math.prod(shape) for shape in self.shapes], dtype=np.float64)

    def groups(self) -> Iterator[tuple[tuple[int, ...], slice]]:
        """Each shape, and where its tensors lie."""
        start = 0
        for stop in range(1, len(self.shapes) + 1):
            if stop == len(self.shapes) or self.shapes[stop] != self.shapes[start]:
                yield self.shapes[start], slice(start, stop)
                start = stop


@dataclass(frozen=True)
class Source:
    """One file of weights that is open: its tensors, and how to read a range of its bytes."""

    tensors: tuple[Tensor, ...]
    read: Read


def is_telling(tensor: Tensor) -> bool:
    """Whether a tensor may tell models apart, by its header."""
    shape = [axis for axis in tensor.shape if axis != 1]
    return len(shape) >= 2 and tensor.elements >= MIN_ELEMENTS and tensor.dtype in DTYPES


def take(sources: Iterable[Source], *, heard: Callable[[], None] = lambda: None) -> Sketch:
    """The sketch of a model in one or several files. `heard` is called now and then while it reads.

    Raises:
        BadFormat: a file ends before its tensors do.
    """
    opened = list(sources)
    every = [(tensor, source.read) for source in opened for tensor in source.tensors]
    chosen = [pair for pair in every if is_telling(pair[0])]
    chosen.sort(key=lambda pair: (-pair[0].elements, pair[0].name))
    found: list[tuple[tuple[int, ...], str, bytes, Floats]] = []
    for tensor, read in chosen[:MAX_TENSORS]:
        heard()
        digest, numbers, is_table = _look(tensor, read, heard)
        if not is_table:
            found.append((tensor.shape, tensor.dtype, digest, numbers))
    found.sort(key=lambda each: each[:3])
    samples = np.array([each[3] for each in found], dtype=np.float32).reshape(len(found), SAMPLES)
    return Sketch(
        tuple(each[0] for each in found),
        tuple(each[1] for each in found),
        tuple(each[2] for each in found),
        samples,
        sum(tensor.elements for tensor, _ in every),
    )


@lru_cache(maxsize=1024)
def places(elements: int) -> npt.NDArray[np.int64]:
    """Which numbers of a tensor of this size are kept: one of each of 64 equal parts, at no regular distance, for a
    regular one would fall into one column.
    """
    part = np.arange(SAMPLES, dtype=np.uint64)
    mixed = (part + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    starts = part * np.uint64(elements) // np.uint64(SAMPLES)
    widths = (part + np.uint64(1)) * np.uint64(elements) // np.uint64(SAMPLES) - starts
    return (starts + mixed % widths).astype(np.int64)


def pack(sketch: Sketch) -> bytes:
    """As bytes for a row."""
    head = json.dumps(
        {"shapes": [list(shape) for shape in sketch.shapes], "dtypes": sketch.dtypes, "elements": sketch.elements},
        separators=(",", ":"),
    ).encode()
    return b"".join(
        [_MAGIC, struct.pack("<I", len(head)), head, *sketch.hashes, sketch.samples.astype("<f4").tobytes()]
    )


def unpack(raw: bytes) -> Sketch:
    """What `pack` wrote.

    Raises:
        BadFormat: something else did.
    """
    if raw[:4] != _MAGIC:
        raise BadFormat("sketch_magic", "These bytes are no sketch.")
    (length,) = struct.unpack_from("<I", raw, 4)
    head = json.loads(raw[8 : 8 + length])
    count, start = len(head["shapes"]), 8 + length
    if len(raw) != start + count * (HASH_BYTES + 4 * SAMPLES):
        raise BadFormat("sketch_size", "The sketch is cut short.")
    hashes = tuple(raw[start + at * HASH_BYTES : start + (at + 1) * HASH_BYTES] for at in range(count))
    samples = np.frombuffer(raw, "<f4", offset=start + count * HASH_BYTES).reshape(count, SAMPLES)
    shapes = tuple(tuple(shape) for shape in head["shapes"])
    return Sketch(shapes, tuple(head["dtypes"]), hashes, samples, int(head["elements"]))


def _look(tensor: Tensor, read: Read, heard: Callable[[], None]) -> tuple[bytes, Floats, bool]:
    """A tensor's hash and its numbers, in one pass; and whether it is a table that says nothing."""
    digest = hashlib.blake2b(tensor.dtype.encode(), digest_size=HASH_BYTES)
    step_elements, step_bytes = _step(tensor.dtype)
    wanted, numbers = places(tensor.elements), np.zeros(SAMPLES, dtype=np.float32)
    window = max(1, _WINDOW_BYTES // step_bytes) * step_bytes
    first_row: Floats = np.zeros(0, dtype=np.float32)
    for start in range(0, tensor.size_bytes, window):
        stop = min(start + window, tensor.size_bytes)
        raw = read(tensor.start + start, tensor.start + stop)
        if len(raw) != stop - start:
            raise BadFormat("sketch_truncated", "The file ends before its tensors do.")
        heard()
        digest.update(raw)
        low = start // step_bytes * step_elements
        high = low + (stop - start) // step_bytes * step_elements
        here = np.flatnonzero((wanted >= low) & (wanted < high))
        if start == 0:
            width = min(tensor.shape[-1], high)
            first_row = _numbers(raw[: -(-width // step_elements) * step_bytes], tensor.dtype)[:width]
        for at in here:
            block = (int(wanted[at]) - low) // step_elements
            values = _numbers(raw[block * step_bytes : (block + 1) * step_bytes], tensor.dtype)
            numbers[at] = values[(int(wanted[at]) - low) % step_elements]
    numbers = np.nan_to_num(numbers, nan=0.0, posinf=0.0, neginf=0.0)
    return digest.digest(), numbers, _is_table(numbers, first_row)


def _step(dtype: str) -> tuple[int, int]:
    """Elements and bytes that are read together."""
    if dtype in blocks.BLOCK_BYTES:
        return blocks.ELEMENTS, blocks.BLOCK_BYTES[dtype]
    return 1, DTYPE_BITS[dtype] // 8


def _numbers(raw: bytes, dtype: str) -> Floats:
    if dtype in blocks.BLOCK_BYTES:
        return blocks.decode_blocks(raw, dtype)
    with np.errstate(all="ignore"):
        return decode(raw, dtype).astype(np.float32)


def _is_table(numbers: Floats, first_row: Floats) -> bool:
    """Few values, or sines and cosines of positions: the first position gives zeros and ones alone."""
    if len(np.unique(numbers)) <= _FEW_VALUES or not np.std(numbers) > 0:
        return True
    is_wave = bool(np.all(np.abs(numbers) <= 1.0)) and bool(np.all(np.isin(first_row, (0.0, 1.0))))
    return is_wave and len(first_row) > 1
