"""A strict reader of ONNX files: the protobuf wire format walked field by field, weights skipped, nothing built.

It tells what matters before anything opens the file: opsets, operators of foreign domains (which would load a library),
where external data lie, names and shapes of inputs, outputs and weights. Field numbers are those of the public schema.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from models_registry.formats.errors import BadFormat, printable

MAX_FIELDS = 5_000_000
MAX_SECONDS = 20.0
MAX_DEPTH = 16
MAX_TEXT_BYTES = 65_536
MAX_TENSORS = 100_000
MAX_OPSET = 40
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# Domains whose operators every common runtime has built in.
KNOWN_DOMAINS = frozenset(
    {"", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training", "com.microsoft"}
)
_EXTERNAL = 1

# Name and bits of an element, by the number in the schema.
TYPES: Mapping[int, tuple[str, int]] = {
    1: ("F32", 32),
    2: ("U8", 8),
    3: ("I8", 8),
    4: ("U16", 16),
    5: ("I16", 16),
    6: ("I32", 32),
    7: ("I64", 64),
    8: ("STRING", 0),
    9: ("BOOL", 8),
    10: ("F16", 16),
    11: ("F64", 64),
    12: ("U32", 32),
    13: ("U64", 64),
    14: ("C64", 64),
    15: ("C128", 128),
    16: ("BF16", 16),
    17: ("F8_E4M3", 8),
    18: ("F8_E4M3UZ", 8),
    19: ("F8_E5M2", 8),
    20: ("F8_E5M2UZ", 8),
    21: ("U4", 4),
    22: ("I4", 4),
    23: ("F4", 4),
}


@dataclass(frozen=True)
class OnnxTensor:
    """A weight. `location` is the file that holds its bytes, or empty if this one does."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    size_bytes: int
    location: str = ""
    offset: int = 0

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


@dataclass
class OnnxModel:
    """What one file declares. `domains` maps each operator domain in use to how many nodes use it."""

    ir_version: int = 0
    producer: str = ""
    opsets: dict[str, int] = field(default_factory=dict)
    domains: dict[str, int] = field(default_factory=dict)
    operators: dict[str, int] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    tensors: list[OnnxTensor] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)

    @property
    def external_files(self) -> tuple[str, ...]:
        """Files that hold weights, as the model names them, each once."""
        return tuple(dict.fromkeys(tensor.location for tensor in self.tensors if tensor.location))

    @property
    def foreign_domains(self) -> tuple[str, ...]:
        """Domains whose operators come from a library that somebody would have to load."""
        return tuple(sorted(set(self.domains) - KNOWN_DOMAINS - self.functions))

    def by_dtype(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for tensor in self.tensors:
            counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.elements
        return counts


def looks_like(stream: BinaryIO, *, size_bytes: int) -> bool:
    """Whether the top level is a model: a small version number first, then known fields up to the end, with a graph."""
    walk = _Walk(stream, time.monotonic() + MAX_SECONDS)
    seen: set[int] = set()
    try:
        for number, wire, value, _ in walk.fields(0, size_bytes):
            if not seen and (number, wire) != (1, _VARINT):
                return False
            if number == 1 and not 1 <= value <= 64:
                return False
            if number not in _MODEL_WIRES or wire != _MODEL_WIRES[number] or walk.count > 100_000:
                return False
            seen.add(number)
    except BadFormat:
        # What begins like a model and then breaks is one that is broken.
        return len(seen) >= 3 and 7 in seen
    return 7 in seen


def read_file(path: Path) -> OnnxModel:
    """Read and check a file on disk."""
    with path.open("rb") as stream:
        return read_model(stream, size_bytes=path.stat().st_size)


def read_model(stream: BinaryIO, *, size_bytes: int) -> OnnxModel:
    """Walk a whole model. Memory grows with its graph's names alone, never with its weights.

    Raises:
        BadFormat: with a code that begins with `onnx_`.
    """
    walk = _Walk(stream, time.monotonic() + MAX_SECONDS)
    model, graphs = OnnxModel(), 0
    for number, wire, value, stop in walk.fields(0, size_bytes):
        if _MODEL_WIRES.get(number) != wire:
            raise BadFormat("onnx_field", f"The model has a field {number} that the format does not know.")
        if number == 1:
            model.ir_version = value
        elif number in (2, 3):
            model.producer = f"{model.producer} {walk.text(value, stop)}".strip()[:200]
        elif number == 7:
            graphs += 1
            _graph(walk, value, stop, model, depth=0)
        elif number == 8:
            _opset(walk, value, stop, model)
        elif number == 14:
            key, text = _pair(walk, value, stop)
            model.metadata[key[:200]] = text[:1000]
        elif number == 25:
            _function(walk, value, stop, model)
    if graphs != 1:
        raise BadFormat("onnx_graph", f"The model has {graphs} graphs; it must have one.")
    _check(model)
    return model


# Field numbers of a model with their wire types: what may stand at the top level.
_MODEL_WIRES = {
    1: _VARINT,
    5: _VARINT,
    **dict.fromkeys((2, 3, 4, 6, 7, 8, 14, 20, 25, 26), _BYTES),
}


def path_fault(location: str) -> str:
    """Why an external file's name is not a plain path inside the model's folder, or empty."""
    parts = location.replace("\\", "/").split("/")
    if not location or location.startswith(("/", "\\")) or ":" in location or not location.isprintable():
        return "is not a plain relative path"
    if "\\" in location or any(part in ("", "..") for part in parts):
        return "leaves the model's folder"
    return ""


class _Walk:
    """Fields of protobuf messages in a seekable stream, with limits on their number and the time."""

    def __init__(self, stream: BinaryIO, deadline: float) -> None:
        self._stream, self._deadline, self.count = stream, deadline, 0

    def fields(self, start: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
        """Yield number, wire type, and the value (varints) or the start and stop of the content (texts, messages)."""
        position = start
        while position < stop:
            self.count += 1
            if self.count > MAX_FIELDS or (self.count % 4096 == 0 and time.monotonic() > self._deadline):
                raise BadFormat("onnx_too_large", "The graph is longer than the reader's limit.")
            key, position = self._varint(position, stop)
            number, wire = key >> 3, key & 7
            if number == 0:
                raise BadFormat("onnx_field", f"Byte {position:,} begins no field.")
            if wire == _VARINT:
                value, position = self._varint(position, stop)
                yield number, wire, value, position
            elif wire in (_FIXED32, _FIXED64):
                width = 4 if wire == _FIXED32 else 8
                yield number, wire, position, position + width
                position += width
            elif wire == _BYTES:
                length, position = self._varint(position, stop)
                if length > stop - position:
                    raise BadFormat("onnx_truncated", f"A field at byte {position:,} claims {length:,} bytes too many.")
                yield number, wire, position, position + length
                position += length
            else:
                raise BadFormat("onnx_field", f"Byte {position:,} has the wire type {wire}, which nobody writes.")
        if position != stop:
            raise BadFormat("onnx_truncated", "A message ends inside one of its fields.")

    def text(self, start: int, stop: int) -> str:
        if stop - start > MAX_TEXT_BYTES:
            raise BadFormat("onnx_text", f"A name at byte {start:,} has {stop - start:,} bytes.")
        self._stream.seek(start)
        try:
            return self._stream.read(stop - start).decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadFormat("onnx_text", f"A name at byte {start:,} is not UTF-8.") from error

    def packed(self, start: int, stop: int) -> list[int]:
        """Varints without keys between them, as shapes are written; few."""
        values: list[int] = []
        while start < stop:
            value, start = self._varint(start, stop)
            values.append(value)
            if len(values) > 64:
                raise BadFormat("onnx_shape", "A tensor has more than 64 axes.")
        return values

    def _varint(self, position: int, stop: int) -> tuple[int, int]:
        self._stream.seek(position, os.SEEK_SET)
        value = 0
        for index, byte in enumerate(self._stream.read(min(10, stop - position))):
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                return value & (2**64 - 1), position + index + 1
        raise BadFormat("onnx_varint", f"The number at byte {position:,} has no end.")


def _graph(walk: _Walk, start: int, stop: int, model: OnnxModel, *, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise BadFormat("onnx_depth", f"Graphs nest deeper than {MAX_DEPTH} levels.")
    for number, wire, value, end in walk.fields(start, stop):
        if wire != _BYTES:
            continue
        if number == 1:
            _node(walk, value, end, model, depth=depth)
        elif number == 5:
            _add(model, _tensor(walk, value, end))
        elif number == 15:
            for inner, inner_wire, at, inner_end in walk.fields(value, end):
                if inner in (1, 2) and inner_wire == _BYTES:
                    _add(model, _tensor(walk, at, inner_end))
        elif number in (11, 12) and depth == 0:
            names = model.inputs if number == 11 else model.outputs
            names.append(_first_text(walk, value, end, 1))


def _node(walk: _Walk, start: int, stop: int, model: OnnxModel, *, depth: int) -> None:
    domain = operator = ""
    for number, wire, value, end in walk.fields(start, stop):
        if wire != _BYTES:
            continue
        if number == 4:
            operator = walk.text(value, end)
        elif number == 7:
            domain = walk.text(value, end)
        elif number == 5:
            _attribute(walk, value, end, model, depth=depth)
    name = printable(f"{domain}.{operator}" if domain else operator)
    model.operators[name] = model.operators.get(name, 0) + 1
    model.domains[domain] = model.domains.get(domain, 0) + 1
    if len(model.operators) > 10_000:
        raise BadFormat("onnx_too_large", "The graph has more kinds of operators than there are.")


def _attribute(walk: _Walk, start: int, stop: int, model: OnnxModel, *, depth: int) -> None:
    """Tensors and graphs inside attributes (constants, branches, loops) count like those of the graph."""
    for number, wire, value, end in walk.fields(start, stop):
        if wire != _BYTES:
            continue
        if number in (5, 10):
            _add(model, _tensor(walk, value, end))
        elif number in (6, 11):
            _graph(walk, value, end, model, depth=depth + 1)


def _function(walk: _Walk, start: int, stop: int, model: OnnxModel) -> None:
    """A function of the model's own, written in operators like others: calling it loads no library."""
    for number, wire, value, end in walk.fields(start, stop):
        if wire == _BYTES and number == 7:
            _node(walk, value, end, model, depth=1)
        elif wire == _BYTES and number == 10:
            model.functions.add(walk.text(value, end))


def _tensor(walk: _Walk, start: int, stop: int) -> OnnxTensor:
    shape: list[int] = []
    name, kind, inside, is_external = "", 0, 0, False
    external: dict[str, str] = {}
    for number, wire, value, end in walk.fields(start, stop):
        if number == 1:
            shape += [value] if wire == _VARINT else walk.packed(value, end)
        elif number == 2 and wire == _VARINT:
            kind = value
        elif number == 8 and wire == _BYTES:
            name = walk.text(value, end)
        elif number in (4, 5, 6, 7, 9, 10, 11) and wire == _BYTES:
            inside += end - value
        elif number == 13 and wire == _BYTES:
            key, text = _pair(walk, value, end)
            external[key] = text
        elif number == 14 and wire == _VARINT:
            is_external = value == _EXTERNAL
    if kind not in TYPES or len(shape) > 64 or any(axis >= 2**40 for axis in shape):
        raise BadFormat("onnx_tensor", f'Tensor "{printable(name)}" has an unknown type or an absurd shape.')
    dtype, bits = TYPES[kind]
    wanted = (math.prod(shape) * bits + 7) // 8
    if not is_external:
        return OnnxTensor(name, dtype, tuple(shape), inside)
    if not external.get("location"):
        raise BadFormat("onnx_path", f'Tensor "{printable(name)}" is kept outside, and nothing says where.')
    offset, length = (_natural(external.get(key, "0"), name) for key in ("offset", "length"))
    if length and length != wanted:
        raise BadFormat("onnx_tensor", f'Tensor "{printable(name)}" needs {wanted:,} bytes, and claims {length:,}.')
    return OnnxTensor(name, dtype, tuple(shape), wanted, external["location"], offset)


def _natural(digits: str, name: str) -> int:
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 15):
        raise BadFormat("onnx_tensor", f'Tensor "{printable(name)}" has an offset or length that is no number.')
    return int(digits)


def _add(model: OnnxModel, tensor: OnnxTensor) -> None:
    if len(model.tensors) >= MAX_TENSORS:
        raise BadFormat("onnx_too_large", f"The graph has more than {MAX_TENSORS:,} tensors.")
    model.tensors.append(tensor)


def _opset(walk: _Walk, start: int, stop: int, model: OnnxModel) -> None:
    domain, version = "", 0
    for number, wire, value, end in walk.fields(start, stop):
        if number == 1 and wire == _BYTES:
            domain = walk.text(value, end)
        elif number == 2 and wire == _VARINT:
            version = value
    if domain in model.opsets:
        raise BadFormat("onnx_opset", f'The opset of "{printable(domain or "ai.onnx")}" comes twice.')
    model.opsets[domain] = version


def _pair(walk: _Walk, start: int, stop: int) -> tuple[str, str]:
    found = {1: "", 2: ""}
    for number, wire, value, end in walk.fields(start, stop):
        if number in found and wire == _BYTES:
            found[number] = walk.text(value, end)
    return found[1], found[2]


def _first_text(walk: _Walk, start: int, stop: int, wanted: int) -> str:
    for number, wire, value, end in walk.fields(start, stop):
        if number == wanted and wire == _BYTES:
            return walk.text(value, end)
    return ""


def _check(model: OnnxModel) -> None:
    """What must hold of the whole: a known opset, named inputs, external files inside the folder."""
    opset = model.opsets.get("", model.opsets.get("ai.onnx", 0))
    if not 1 <= opset <= MAX_OPSET:
        raise BadFormat("onnx_opset", f"The opset {opset} is none that exists (1 to {MAX_OPSET}).")
    if not 1 <= model.ir_version <= 64:
        raise BadFormat("onnx_graph", "The version of its format is none that exists.")
    if not model.outputs or not all([*model.inputs, *model.outputs]):
        raise BadFormat("onnx_graph", "Its inputs or outputs have no names.")
    for location in model.external_files:
        if fault := path_fault(location):
            raise BadFormat("onnx_path", f'The external file "{printable(location)}" {fault}.')
