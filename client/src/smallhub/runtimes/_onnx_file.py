"""A strict look into an ONNX file before any library opens it: what it asks for, and where its weights lie.

ONNX is protobuf: fields of a number and a wire type. Only the fields that matter here are followed; every length is
checked against what surrounds it, and nothing is copied but names.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from smallhub._exceptions import UnsupportedModel

# Domains whose operators the runtime itself has.
KNOWN_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
MAX_OPSET = 26
_MAX_DEPTH = 8
_MAX_FIELDS = 5_000_000
_DTYPES = {1: "F32", 2: "U8", 3: "I8", 6: "I32", 7: "I64", 9: "BOOL", 10: "F16", 11: "F64", 16: "BF16"}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass
class OnnxFile:
    """What one file declares. `external` are the files that hold weights, as the model names them."""

    opsets: dict[str, int] = field(default_factory=dict)
    domains: set[str] = field(default_factory=set)
    external: set[str] = field(default_factory=set)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    parameters_by_dtype: dict[str, int] = field(default_factory=dict)
    nodes: int = 0
    tensors: int = 0
    functions: int = 0


def read_onnx(path: Path) -> OnnxFile:
    """Read a file, and refuse what would need more than the file and its folder.

    Raises:
        UnsupportedModel: it is broken, uses operators of a foreign library or a newer version, or points elsewhere.
    """
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as raw:
            found = _Walk(raw).model()
    except (ValueError, UnicodeDecodeError) as error:
        raise UnsupportedModel(
            "broken_model", f"{path.name} is no whole ONNX file: {error}.", file=path.name
        ) from error
    if foreign := sorted(found.domains - KNOWN_DOMAINS):
        raise UnsupportedModel(
            "custom_operators",
            f"{path.name} uses operators of {foreign[0]!r}, which no plain runtime has.",
            file=path.name,
        )
    if found.functions:
        raise UnsupportedModel("custom_operators", f"{path.name} brings functions of its own.", file=path.name)
    if (version := found.opsets.get("", found.opsets.get("ai.onnx", 0))) not in range(1, MAX_OPSET + 1):
        raise UnsupportedModel(
            "opset", f"{path.name} needs version {version} of the operators; 1 to {MAX_OPSET} are known."
        )
    for name in sorted(found.external):
        _check_beside(path, name)
    return found


def _check_beside(path: Path, name: str) -> None:
    """A file with weights is a plain one in the model's own folder."""
    if not name or name in (".", "..") or any(mark in name for mark in "/\\\0:"):
        raise UnsupportedModel("external_data", f"{path.name} keeps weights in {name!r}, outside its folder.")
    beside = path.parent / name
    if beside.is_symlink() or not beside.is_file():
        raise UnsupportedModel("missing_file", f"{path.name} keeps weights in {name!r}, which is not there.", file=name)


class _Walk:
    """One pass over the file."""

    def __init__(self, raw: mmap.mmap) -> None:
        self._raw = raw
        self._fields = 0
        self._found = OnnxFile()

    def model(self) -> OnnxFile:
        graphs = 0
        for number, start, stop in self._parts(0, len(self._raw)):
            if number == 7:
                graphs += 1
                self._graph(start, stop, depth=0)
            elif number == 8:
                self._opset(start, stop)
            elif number == 25:
                self._found.functions += 1
        if graphs != 1:
            raise ValueError(f"it holds {graphs} graphs")
        return self._found

    def _graph(self, start: int, stop: int, *, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise ValueError("its graphs are nested too deeply")
        for number, first, last in self._parts(start, stop):
            if number == 1:
                self._node(first, last, depth=depth)
            elif number == 5:
                self._tensor(first, last)
            elif number in (11, 12) and not depth:
                names = self._found.inputs if number == 11 else self._found.outputs
                names += [self._text(a, b) for field_number, a, b in self._parts(first, last) if field_number == 1]
            elif number == 15:
                raise ValueError("it holds sparse weights")

    def _node(self, start: int, stop: int, *, depth: int) -> None:
        self._found.nodes += 1
        domain = ""
        for number, first, last in self._parts(start, stop):
            if number == 7:
                domain = self._text(first, last)
            elif number == 5:
                for kind, a, b in self._parts(first, last):
                    if kind in (5, 10):
                        self._tensor(a, b)
                    elif kind in (6, 11):
                        self._graph(a, b, depth=depth + 1)
        self._found.domains.add(domain)

    def _tensor(self, start: int, stop: int) -> None:
        shape: list[int] = []
        kind = 0
        self._found.tensors += 1
        for number, wire, value, after in self._all(start, stop):
            if number == 1 and wire == _VARINT:
                shape.append(value)
            elif number == 1 and wire == _BYTES:
                shape += self._packed(value, after)
            elif number == 2 and wire == _VARINT:
                kind = value
            elif number == 13 and wire == _BYTES:
                pair = {key: self._text(a, b) for key, a, b in self._parts(value, after) if key in (1, 2)}
                if pair.get(1) == "location":
                    self._found.external.add(pair.get(2, ""))
        dtype = _DTYPES.get(kind, f"type {kind}")
        if dtype not in ("I64", "BOOL"):  # Shapes and masks: nothing that was learnt.
            counts = self._found.parameters_by_dtype
            counts[dtype] = counts.get(dtype, 0) + math.prod(shape)

    def _opset(self, start: int, stop: int) -> None:
        domain, version = "", 0
        for number, wire, value, after in self._all(start, stop):
            if number == 1 and wire == _BYTES:
                domain = self._text(value, after)
            elif number == 2 and wire == _VARINT:
                version = value
        self._found.opsets[domain] = version

    def _text(self, start: int, stop: int) -> str:
        return self._raw[start:stop].decode("utf-8")

    def _packed(self, start: int, stop: int) -> list[int]:
        values = []
        while start < stop:
            value, start = self._varint(start, stop)
            values.append(value)
        return values

    def _parts(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """The length-delimited fields: number, and where the content lies."""
        for number, wire, first, last in self._all(start, stop):
            if wire == _BYTES:
                yield number, first, last

    def _all(self, start: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
        """All fields: number, wire type, then a value, or where the content begins and ends."""
        at = start
        while at < stop:
            self._fields += 1
            if self._fields > _MAX_FIELDS:
                raise ValueError("it has too many fields")
            key, at = self._varint(at, stop)
            number, wire = key >> 3, key & 7
            if wire == _VARINT:
                value, at = self._varint(at, stop)
                yield number, wire, value, at
            elif wire in (_FIXED64, _FIXED32):
                at += 8 if wire == _FIXED64 else 4
            elif wire == _BYTES:
                length, at = self._varint(at, stop)
                if length > stop - at:
                    raise ValueError("a length reaches past its end")
                yield number, wire, at, at + length
                at += length
            else:
                raise ValueError(f"a field has the wire type {wire}")
        if at != stop:
            raise ValueError("a field reaches past its end")

    def _varint(self, at: int, stop: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            if at >= stop:
                break
            byte = self._raw[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, at
        raise ValueError("a number does not end")
