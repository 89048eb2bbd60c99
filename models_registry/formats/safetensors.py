"""A strict reader of safetensors headers: everything is checked against the file's size before it is believed.

The format is eight bytes of length (little endian), that many bytes of JSON, then the tensors' bytes. Readers differ
in what they forgive; this one forgives nothing: no hole, no overlap, no byte that belongs to no tensor, no key twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from models_registry.formats import config_json
from models_registry.formats.errors import BadFormat, printable

MAX_HEADER_BYTES = 25_000_000
MAX_TENSORS = 200_000
MAX_NAME_LENGTH = 512
MAX_DIMENSIONS = 32
_HEADER_LIMITS = config_json.JsonLimits(size_bytes=MAX_HEADER_BYTES, depth=3)

# Bits of one element. The small floats pack several elements into a byte.
DTYPE_BITS: Mapping[str, int] = {
    name: bits
    for bits, names in {
        4: "F4",
        6: "F6_E2M3 F6_E3M2",
        8: "BOOL U8 I8 F8_E5M2 F8_E4M3 F8_E8M0",
        16: "I16 U16 F16 BF16",
        32: "I32 U32 F32",
        64: "I64 U64 F64 C64",
    }.items()
    for name in names.split()
}


@dataclass(frozen=True)
class Tensor:
    """One tensor. `start` and `stop` count bytes from the file's beginning, not from the header's end."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def size_bytes(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class SafetensorsHeader:
    """What one file declares, sorted by position. `data_start` is the first byte after the header."""

    tensors: tuple[Tensor, ...]
    metadata: Mapping[str, str]
    data_start: int
    size_bytes: int

    @property
    def parameters(self) -> int:
        return sum(tensor.elements for tensor in self.tensors)

    def by_dtype(self) -> dict[str, int]:
        """Elements per dtype, e.g. `{"F32": 1024}`."""
        counts: dict[str, int] = {}
        for tensor in self.tensors:
            counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.elements
        return counts


def looks_like(head: bytes, size_bytes: int) -> bool:
    """Tell from the first nine or more bytes whether this can be nothing but safetensors."""
    if len(head) < 9 or head[8:9] != b"{":
        return False
    return 2 <= int.from_bytes(head[:8], "little") <= min(size_bytes - 8, 2**40)


def read_file(path: Path) -> SafetensorsHeader:
    """Read and check the header of a file on disk."""
    with path.open("rb") as stream:
        return read_header(stream, size_bytes=path.stat().st_size)


def read_header(stream: BinaryIO, *, size_bytes: int) -> SafetensorsHeader:
    """Read the header from the start of `stream` and check it against the whole file's size.

    Only the header is read (at most 25 MB), so an upload can be checked while it is still arriving.

    Raises:
        BadFormat: with a code that begins with `safetensors_`; the text names the tensor and the byte range.
    """
    prefix = stream.read(8)
    if len(prefix) < 8:
        raise BadFormat("safetensors_truncated", f"The file ends after {len(prefix)} bytes, before its header.")
    length = int.from_bytes(prefix, "little")
    if length > MAX_HEADER_BYTES:
        raise BadFormat("safetensors_header_size", f"The header claims {length:,} bytes; at most 25,000,000 are read.")
    if length > size_bytes - 8:
        raise BadFormat(
            "safetensors_truncated", f"The header claims {length:,} bytes, but the file has {size_bytes:,} in all."
        )
    raw = stream.read(length)
    if len(raw) != length:
        raise BadFormat("safetensors_truncated", f"The header stops after {len(raw):,} of {length:,} bytes.")
    return _checked(_parse(raw), data_start=8 + length, size_bytes=size_bytes)


def _parse(raw: bytes) -> dict[str, Any]:
    """Parse the JSON, allowing the padding of spaces that writers add, and nothing else around it."""
    if not raw.startswith(b"{") or not raw.rstrip(b" ").endswith(b"}"):
        raise BadFormat("safetensors_header", 'The header does not begin with "{" and end with "}".')
    try:
        return config_json.parse_object(raw.rstrip(b" "), limits=_HEADER_LIMITS)
    except BadFormat as error:
        raise BadFormat("safetensors_header", f"The header is refused: {error.detail}") from error


def _checked(entries: dict[str, Any], *, data_start: int, size_bytes: int) -> SafetensorsHeader:
    """Turn the parsed header into tensors that cover the file's data exactly once."""
    metadata = _metadata(entries.pop("__metadata__", {}))
    if len(entries) > MAX_TENSORS:
        raise BadFormat("safetensors_count", f"The header lists {len(entries):,} tensors; at most 200,000 are read.")
    found = [_tensor(name, entry, data_start) for name, entry in entries.items()]
    tensors = tuple(sorted(found, key=lambda tensor: (tensor.start, tensor.stop)))
    _check_cover(tensors, data_start=data_start, size_bytes=size_bytes)
    return SafetensorsHeader(tensors=tensors, metadata=metadata, data_start=data_start, size_bytes=size_bytes)


def _metadata(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise BadFormat("safetensors_metadata", "__metadata__ must be an object of texts.")
    return value


def _tensor(name: str, entry: Any, data_start: int) -> Tensor:
    """Check one entry by itself: its keys, type, shape, and that its byte range has the size these ask for."""
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise BadFormat(
            "safetensors_name", f'The tensor name "{printable(name)}" is empty, too long or holds control characters.'
        )
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise BadFormat(
            "safetensors_entry", f'Tensor "{printable(name)}" must have dtype, shape and data_offsets, nothing else.'
        )
    bits = DTYPE_BITS.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if bits is None:
        raise BadFormat(
            "safetensors_dtype", f'Tensor "{printable(name)}" has the unknown type {printable(str(entry["dtype"]))}.'
        )
    shape = _naturals(entry["shape"], name, "shape")
    offsets = _naturals(entry["data_offsets"], name, "data_offsets")
    if len(shape) > MAX_DIMENSIONS or len(offsets) != 2:
        raise BadFormat(
            "safetensors_entry", f'Tensor "{printable(name)}" needs two offsets and at most {MAX_DIMENSIONS} axes.'
        )
    start, stop = offsets
    wanted_bits = math.prod(shape) * bits
    if wanted_bits % 8 or stop - start != wanted_bits // 8:
        raise BadFormat(
            "safetensors_size",
            f'Tensor "{printable(name)}" ({entry["dtype"]} {list(shape)[:8]}) needs {wanted_bits / 8:,.0f} bytes, '
            f"but its range {start:,}–{stop:,} has {stop - start:,}.",
        )
    return Tensor(name=name, dtype=entry["dtype"], shape=shape, start=data_start + start, stop=data_start + stop)


def _naturals(value: Any, name: str, what: str) -> tuple[int, ...]:
    """A list of integers from 0 on. `True` counts as an integer in Python, not here."""
    if not isinstance(value, list) or any(type(item) is not int or item < 0 for item in value):
        raise BadFormat(
            "safetensors_entry", f'Tensor "{printable(name)}": {what} must be a list of integers from 0 on.'
        )
    return tuple(value)


def _check_cover(tensors: Iterable[Tensor], *, data_start: int, size_bytes: int) -> None:
    """Every byte after the header belongs to exactly one tensor."""
    position = data_start
    previous: Tensor | None = None
    for tensor in tensors:
        if tensor.start > position:
            raise BadFormat(
                "safetensors_hole", f"Bytes {position:,}–{tensor.start:,} before {_place(tensor)} belong to no tensor."
            )
        if tensor.start < position:
            raise BadFormat("safetensors_overlap", f"Tensor {_place(tensor)} overlaps {_place(previous)}.")
        position, previous = tensor.stop, tensor
    if position > size_bytes:
        raise BadFormat(
            "safetensors_truncated",
            f"Tensor {_place(previous)} ends at byte {position:,}, but the file has {size_bytes:,}.",
        )
    if position < size_bytes:
        raise BadFormat("safetensors_trailing", f"Bytes {position:,}–{size_bytes:,} at the end belong to no tensor.")


def _place(tensor: Tensor | None) -> str:
    """A tensor's name and bytes, for a sentence."""
    return f'"{printable(tensor.name)}" (bytes {tensor.start:,}–{tensor.stop:,})' if tensor else "the header"
