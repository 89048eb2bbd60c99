"""Small GGUF and ONNX files, written byte by byte, so that tests can also write them wrong."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

_KINDS = {bool: (7, "<?"), int: (4, "<I"), float: (6, "<f")}
_INNER = _KINDS | {int: (5, "<i")}  # As llama.cpp's converter writes lists; its loader takes no other for token types.


def gguf(
    tensors: Sequence[tuple[str, tuple[int, ...], int, bytes]] = (),
    *,
    metadata: dict[str, Any] | None = None,
    version: int = 3,
    alignment: int = 32,
    offsets: Sequence[int] | None = None,
) -> bytes:
    """A file with these tensors: name, shape innermost axis first, type number, bytes."""
    keys = metadata if metadata is not None else {"general.architecture": "llama", "llama.context_length": 64}
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys))
    out += b"".join(text(name) + typed(value) for name, value in keys.items())
    body, placed = b"", []
    for _, _, _, content in tensors:
        body += b"\0" * (-len(body) % alignment)
        placed.append(len(body))
        body += content
    for index, (name, shape, kind, _) in enumerate(tensors):
        offset = offsets[index] if offsets else placed[index]
        out += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)
    return out + b"\0" * (-len(out) % alignment) + body if tensors else out


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def typed(value: Any) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    if isinstance(value, list):
        if isinstance(value[0], str):
            return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
        kind, layout = _INNER[type(value[0])]
        return struct.pack("<IIQ", 9, kind, len(value)) + b"".join(struct.pack(layout, item) for item in value)
    kind, layout = _KINDS[type(value)]
    return struct.pack("<I", kind) + struct.pack(layout, value)


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | bytes | str) -> bytes:
    """One protobuf field: a number or a length-delimited content."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def onnx_tensor(
    name: str, shape: Sequence[int], *, content: bytes = b"", location: str = "", length: int | None = None
) -> bytes:
    """A float32 weight, inside or in a file beside."""
    out = b"".join(field(1, axis) for axis in shape) + field(2, 1) + field(8, name)
    if not location:
        return out + field(9, content)
    out += field(13, field(1, "location") + field(2, location))
    if length is not None:
        out += field(13, field(1, "length") + field(2, str(length)))
    return out + field(14, 1)


def onnx(
    *,
    opset: int = 17,
    domain: str = "",
    tensors: Sequence[bytes] | None = None,
    graphs: int = 1,
    extra: bytes = b"",
    node_extra: bytes = b"",
) -> bytes:
    """A model of one node and these weights."""
    weights = tensors if tensors is not None else [onnx_tensor("w", [2, 2], content=b"\0" * 16)]
    node = field(1, "x") + field(1, "w") + field(2, "y") + field(4, "MatMul") + node_extra
    node += field(7, domain) if domain else b""
    graph = field(1, node) + field(2, "g") + b"".join(field(5, weight) for weight in weights)
    graph += field(11, field(1, "x")) + field(12, field(1, "y"))
    opsets = field(8, field(2, opset)) + (field(8, field(1, domain) + field(2, 1)) if domain else b"")
    return field(1, 8) + field(2, "test") + field(7, graph) * graphs + opsets + extra
