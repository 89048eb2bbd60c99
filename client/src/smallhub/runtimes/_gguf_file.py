"""A strict reader of GGUF files: every count and place is checked against the file before anything is read from it."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from smallhub._exceptions import UnsupportedModel

MAX_KEYS = 10_000
MAX_TENSORS = 100_000
MAX_ITEMS = 5_000_000
MAX_HEADER_BYTES = 256 * 1024 * 1024
MAX_TEXT_BYTES = 4 * 1024 * 1024
# Types of numbers: name, elements of a block, bytes of a block.
DTYPES = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    30: ("BF16", 1, 2),
}
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_TEXT, _LIST = 8, 9


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """One tensor. `shape` has the outermost axis first; `start` is a position in the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    size_bytes: int

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class GgufFile:
    """Keys and tensors of one file."""

    path: Path
    metadata: Mapping[str, Any]
    tensors: Mapping[str, GgufTensor]

    @property
    def architecture(self) -> str:
        """The architecture that the file names."""
        return str(self.metadata.get("general.architecture", ""))

    def integer(self, key: str, default: int | None = None) -> int:
        """A natural number among the architecture's own keys.

        Raises:
            UnsupportedModel: it is missing or no natural number.
        """
        value = self.metadata.get(f"{self.architecture}.{key}", default)
        if type(value) is not int or not 0 <= value < 1 << 31:
            raise UnsupportedModel("broken_model", f"{self.path.name}: {self.architecture}.{key} is no natural number.")
        return value

    def by_dtype(self) -> dict[str, int]:
        """Elements per type of number."""
        counts: dict[str, int] = {}
        for tensor in self.tensors.values():
            counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.elements
        return counts


def read_gguf(path: Path) -> GgufFile:
    """Read keys and the list of tensors; no weight is read.

    Raises:
        UnsupportedModel: the file contradicts itself, or has numbers of a type that is not read; `code` says which.
    """
    try:
        with path.open("rb") as stream:
            return _Reader(stream, path).file()
    except (ValueError, struct.error, UnicodeDecodeError) as error:
        raise UnsupportedModel(
            "broken_model", f"{path.name} is no whole GGUF file: {error}.", file=path.name
        ) from error


class _Reader:
    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream, self._path = stream, path
        self._size_bytes = path.stat().st_size
        self._items = 0

    def file(self) -> GgufFile:
        if self._take(4) != b"GGUF":
            raise ValueError("it does not begin with GGUF in little-endian order")
        if (version := self._number("<I")) not in (2, 3):
            raise ValueError(f"it is of version {version}")
        tensor_count, key_count = self._number("<Q"), self._number("<Q")
        if tensor_count > MAX_TENSORS or key_count > MAX_KEYS:
            raise ValueError(f"it claims {tensor_count:,} tensors and {key_count:,} keys")
        metadata: dict[str, Any] = {}
        for _ in range(key_count):
            name = self._text()
            if name in metadata:
                raise ValueError(f"the key {name[:80]!r} stands twice")
            metadata[name] = self._value(self._number("<I"), depth=0)
        alignment = metadata.get("general.alignment", 32)
        if type(alignment) is not int or not 8 <= alignment <= 65_536 or alignment & (alignment - 1):
            raise ValueError("general.alignment is no power of two from 8 to 65,536")
        drafts = [self._draft() for _ in range(tensor_count)]
        start = -(-self._stream.tell() // alignment) * alignment
        tensors = [self._placed(draft, start, alignment) for draft in drafts]
        _check_apart(tensors)
        if len({tensor.name for tensor in tensors}) != len(tensors):
            raise ValueError("two tensors have one name")
        return GgufFile(self._path, metadata, {tensor.name: tensor for tensor in tensors})

    def _draft(self) -> tuple[str, tuple[int, ...], int, int]:
        name, axes = self._text(), self._number("<I")
        if not 1 <= axes <= 4:
            raise ValueError(f"the tensor {name[:80]!r} has {axes} axes")
        shape = tuple(self._number("<Q") for _ in range(axes))
        return name, shape[::-1], self._number("<I"), self._number("<Q")

    def _placed(self, draft: tuple[str, tuple[int, ...], int, int], start: int, alignment: int) -> GgufTensor:
        name, shape, kind, offset = draft
        if kind not in DTYPES:
            raise UnsupportedModel(
                "quantised", f"{self._path.name}: {name[:80]!r} has numbers of type {kind}, which is not read yet."
            )
        dtype, block, block_bytes = DTYPES[kind]
        elements = math.prod(shape)
        if not elements or shape[-1] % block or offset % alignment:
            raise ValueError(f"the tensor {name[:80]!r} does not fit its type or its place")
        size_bytes = elements // block * block_bytes
        if start + offset + size_bytes > self._size_bytes:
            raise ValueError(f"the tensor {name[:80]!r} reaches past its end")
        return GgufTensor(name, dtype, shape, start + offset, size_bytes)

    def _value(self, kind: int, *, depth: int) -> Any:
        if kind in _SCALARS:
            return self._number(_SCALARS[kind])
        if kind == _TEXT:
            return self._text()
        if kind != _LIST or depth > 1:
            raise ValueError(f"a key has the type {kind}")
        inner, count = self._number("<I"), self._number("<Q")
        self._items += count
        if self._items > MAX_ITEMS:
            raise ValueError("its lists are too long")
        if inner in _SCALARS:
            layout = _SCALARS[inner]
            raw = self._take(count * struct.calcsize(layout))
            return [value for (value,) in struct.iter_unpack(layout, raw)]
        return [self._value(inner, depth=depth + 1) for _ in range(count)]

    def _number(self, layout: str) -> Any:
        return struct.unpack(layout, self._take(struct.calcsize(layout)))[0]

    def _text(self) -> str:
        length = self._number("<Q")
        if length > MAX_TEXT_BYTES:
            raise ValueError("a text is too long")
        return self._take(length).decode("utf-8", "surrogateescape" if length < 64 else "strict")

    def _take(self, count: int) -> bytes:
        at = self._stream.tell()
        if count > self._size_bytes - at or at + count > MAX_HEADER_BYTES:
            raise ValueError("it ends too early, or its keys are too long")
        return self._stream.read(count)


def _check_apart(tensors: list[GgufTensor]) -> None:
    end = 0
    for tensor in sorted(tensors, key=lambda each: each.start):
        if tensor.start < end:
            raise ValueError(f"the tensor {tensor.name[:80]!r} lies over another")
        end = tensor.start + tensor.size_bytes
