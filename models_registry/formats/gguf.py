"""A strict reader of GGUF headers (versions 2 and 3, little endian): every count and offset is checked before use.

A header is: magic, version, how many tensors and how many keys; the keys with typed values; the tensors with shape,
type and offset. The data follow, each tensor aligned. Long lists (vocabularies) are walked and counted, not kept.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from models_registry.formats.errors import BadFormat, printable
from models_registry.formats.safetensors import Tensor

MAX_KEYS = 4096
MAX_TENSORS = 100_000
MAX_DIMENSIONS = 4
MAX_NAME_BYTES = 512
MAX_TEXT_BYTES = 4_000_000
MAX_LIST_ITEMS = 2_000_000
MAX_HEADER_BYTES = 256_000_000
_KEPT_ITEMS = 16
_MAGIC = b"GGUF"
_DEFAULT_ALIGNMENT = 32

# Name, elements of a block, bytes of a block.
TYPES: Mapping[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_BOOL, _TEXT, _LIST = 7, 8, 9

Scalar = str | int | float | bool


@dataclass(frozen=True)
class Listing:
    """A list among the keys: how long it is, and its first items (none of a list of lists)."""

    items: int
    first: tuple[Scalar, ...]


@dataclass(frozen=True)
class GgufHeader:
    """What one file declares. `tensors` are sorted by position; their shapes are outermost axis first."""

    version: int
    metadata: Mapping[str, Scalar | Listing]
    tensors: tuple[Tensor, ...]
    data_start: int
    size_bytes: int

    @property
    def architecture(self) -> str:
        value = self.metadata.get("general.architecture")
        return value if isinstance(value, str) else ""

    def integer(self, key: str) -> int | None:
        """A key of the model's own architecture (`context_length` …) as a natural number, if it is one."""
        value = self.metadata.get(f"{self.architecture}.{key}")
        return value if type(value) is int and value >= 0 else None

    def by_dtype(self) -> dict[str, int]:
        """Elements per type, e.g. `{"Q4_0": 1024}`."""
        counts: dict[str, int] = {}
        for tensor in self.tensors:
            counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.elements
        return counts


def read_file(path: Path) -> GgufHeader:
    """Read and check the header of a file on disk."""
    with path.open("rb") as stream:
        return read_header(stream, size_bytes=path.stat().st_size)


def read_header(stream: BinaryIO, *, size_bytes: int) -> GgufHeader:
    """Read the header from the start of `stream` and check it against the whole file's size.

    Raises:
        BadFormat: with a code that begins with `gguf_`; the text names the key or the tensor.
    """
    reader = _Reader(stream, min(size_bytes, MAX_HEADER_BYTES))
    if reader.take(4) != _MAGIC:
        raise BadFormat("gguf_magic", "The file does not begin with GGUF in little-endian order.")
    version = reader.number("<I")
    if version not in (2, 3):
        raise BadFormat("gguf_version", f"Version {version} of GGUF is not read, only 2 and 3.")
    tensor_count, key_count = reader.number("<Q"), reader.number("<Q")
    if tensor_count > MAX_TENSORS or key_count > MAX_KEYS:
        raise BadFormat("gguf_count", f"It claims {tensor_count:,} tensors and {key_count:,} keys, more than are read.")
    metadata = _metadata(reader, key_count)
    alignment = metadata.get("general.alignment", _DEFAULT_ALIGNMENT)
    if type(alignment) is not int or not 8 <= alignment <= 65_536 or alignment & (alignment - 1):
        raise BadFormat("gguf_alignment", "general.alignment must be a power of two from 8 to 65,536.")
    drafts = _drafts(reader, tensor_count)
    data_start = _aligned(reader.position, alignment)
    tensors = tuple(sorted((_placed(draft, data_start, alignment) for draft in drafts), key=lambda each: each.start))
    _check_cover(tensors, data_start=data_start, alignment=alignment, size_bytes=size_bytes)
    return GgufHeader(version, metadata, tensors, data_start, size_bytes)


class _Reader:
    """Takes values from a stream, never past its end."""

    def __init__(self, stream: BinaryIO, size_bytes: int) -> None:
        self._stream, self._size, self.position = stream, size_bytes, 0

    def take(self, length: int) -> bytes:
        raw = self._stream.read(length) if length <= self._size - self.position else b""
        if len(raw) != length:
            raise BadFormat("gguf_truncated", f"The header ends at byte {self.position:,}, inside a value.")
        self.position += length
        return raw

    def number(self, layout: str) -> int:
        (value,) = struct.unpack(layout, self.take(struct.calcsize(layout)))
        return int(value)

    def text(self, limit: int, code: str) -> str:
        length = self.number("<Q")
        if length > limit:
            raise BadFormat(code, f"A text at byte {self.position:,} claims {length:,} bytes; at most {limit:,} fit.")
        raw = self.take(length)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            # Vocabularies hold single bytes of letters; such a text is kept readable, never used as a name.
            if limit == MAX_NAME_BYTES:
                raise BadFormat(code, f"The name at byte {self.position:,} is not UTF-8.") from None
            return raw.decode("utf-8", "replace")

    def scalar(self, kind: int, name: str) -> Scalar:
        if kind == _TEXT:
            return self.text(MAX_TEXT_BYTES, "gguf_text")
        layout = _SCALARS.get(kind)
        if layout is None:
            raise BadFormat("gguf_type", f'"{printable(name)}" has the unknown type {kind}.')
        raw = self.take(struct.calcsize(layout))
        if kind == _BOOL and raw not in (b"\0", b"\1"):
            raise BadFormat("gguf_type", f'"{printable(name)}" is neither true nor false.')
        (value,) = struct.unpack(layout, raw)
        return value  # type: ignore[no-any-return]  # What the layouts give: int, float or bool.


def _metadata(reader: _Reader, count: int) -> dict[str, Scalar | Listing]:
    found: dict[str, Scalar | Listing] = {}
    for _ in range(count):
        name = _name(reader, "key")
        if name in found:
            raise BadFormat("gguf_duplicate", f'The key "{printable(name)}" comes twice.')
        kind = reader.number("<I")
        found[name] = _listing(reader, name) if kind == _LIST else reader.scalar(kind, name)
    return found


def _listing(reader: _Reader, name: str) -> Listing:
    """Walk a list; numbers are skipped as one block, texts one by one. Lists of lists are refused."""
    kind, count = reader.number("<I"), reader.number("<Q")
    if count > MAX_LIST_ITEMS:
        raise BadFormat("gguf_count", f'"{printable(name)}" claims {count:,} items, more than are read.')
    if kind == _LIST:
        raise BadFormat("gguf_type", f'"{printable(name)}" is a list of lists.')
    first = tuple(reader.scalar(kind, name) for _ in range(min(count, _KEPT_ITEMS)))
    if kind in _SCALARS and count > len(first):
        reader.take((count - len(first)) * struct.calcsize(_SCALARS[kind]))
    elif kind == _TEXT:
        for _ in range(count - len(first)):
            reader.scalar(kind, name)
    elif kind not in _SCALARS:
        raise BadFormat("gguf_type", f'"{printable(name)}" holds items of the unknown type {kind}.')
    return Listing(count, first)


@dataclass(frozen=True)
class _Draft:
    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int


def _drafts(reader: _Reader, count: int) -> list[_Draft]:
    found, names = [], set()
    for _ in range(count):
        name = _name(reader, "tensor")
        if name in names:
            raise BadFormat("gguf_duplicate", f'The tensor "{printable(name)}" comes twice.')
        names.add(name)
        axes = reader.number("<I")
        if not 0 <= axes <= MAX_DIMENSIONS:
            raise BadFormat("gguf_shape", f'Tensor "{printable(name)}" has {axes} axes; at most 4 are read.')
        # The file names the innermost axis first.
        shape = tuple(reader.number("<Q") for _ in range(axes))[::-1]
        found.append(_Draft(name, shape, reader.number("<I"), reader.number("<Q")))
    return found


def _placed(draft: _Draft, data_start: int, alignment: int) -> Tensor:
    """Check a tensor by itself: known type, whole blocks, aligned."""
    shown = printable(draft.name)
    if draft.kind not in TYPES:
        raise BadFormat("gguf_type", f'Tensor "{shown}" has the unknown type {draft.kind}.')
    dtype, per_block, block_bytes = TYPES[draft.kind]
    elements = math.prod(draft.shape)
    row = draft.shape[-1] if draft.shape else 1
    if elements > 2**50 or row % per_block:
        raise BadFormat("gguf_shape", f'Tensor "{shown}" {list(draft.shape)} does not fit blocks of {per_block}.')
    if draft.offset % alignment:
        raise BadFormat("gguf_alignment", f'Tensor "{shown}" at {draft.offset:,} is not aligned to {alignment} bytes.')
    start = data_start + draft.offset
    return Tensor(draft.name, dtype, draft.shape, start, start + elements // per_block * block_bytes)


def _check_cover(tensors: tuple[Tensor, ...], *, data_start: int, alignment: int, size_bytes: int) -> None:
    """Tensors follow one another with nothing but padding between and after them."""
    position = data_start
    for tensor in tensors:
        place = f'"{printable(tensor.name)}" (bytes {tensor.start:,}–{tensor.stop:,})'
        if tensor.start < position:
            raise BadFormat("gguf_overlap", f"Tensor {place} overlaps the one before it.")
        if tensor.start > _aligned(position, alignment):
            raise BadFormat("gguf_hole", f"Bytes {position:,}–{tensor.start:,} before {place} belong to no tensor.")
        if tensor.stop > size_bytes:
            raise BadFormat("gguf_truncated", f"Tensor {place} ends behind the file's {size_bytes:,} bytes.")
        position = tensor.stop
    if size_bytes > _aligned(position, alignment):
        raise BadFormat("gguf_trailing", f"Bytes {position:,}–{size_bytes:,} at the end belong to no tensor.")


def _name(reader: _Reader, what: str) -> str:
    name = reader.text(MAX_NAME_BYTES, "gguf_name")
    if not name or not name.isprintable():
        raise BadFormat("gguf_name", f"A {what}'s name is empty or holds control characters.")
    return name


def _aligned(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment
