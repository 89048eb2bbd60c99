"""Packs as nobody's Git would write them."""

import hashlib
import struct
import zlib

from models_registry.git.packing import entry_header

COMMIT, TREE, BLOB, TAG, OFS, REF = 1, 2, 3, 4, 6, 7


def pack(*entries: bytes, count: int | None = None, version: int = 2, tail: bytes = b"") -> bytes:
    """A pack with a right checksum around these entries."""
    number = len(entries) if count is None else count
    body = b"PACK" + struct.pack(">II", version, number) + b"".join(entries) + tail
    return body + hashlib.sha1(body).digest()


def plain(kind: int, body: bytes, *, size: int | None = None) -> bytes:
    return entry_header(kind, len(body) if size is None else size) + zlib.compress(body)


def ofs_delta(distance: int, delta: bytes) -> bytes:
    out = bytearray([distance & 0x7F])
    distance >>= 7
    while distance:
        distance -= 1
        out.insert(0, 0x80 | (distance & 0x7F))
        distance >>= 7
    return entry_header(OFS, len(delta)) + bytes(out) + zlib.compress(delta)


def ref_delta(base: bytes, delta: bytes) -> bytes:
    return entry_header(REF, len(delta)) + base + zlib.compress(delta)


def delta(source_size: int, size: int, *instructions: bytes) -> bytes:
    return _varint(source_size) + _varint(size) + b"".join(instructions)


def insert(data: bytes) -> bytes:
    return bytes([len(data)]) + data


def copy(offset: int, size: int) -> bytes:
    """A copy with all of offset and size spelled out."""
    return b"\xff" + struct.pack("<I", offset) + struct.pack("<I", size)[:3]


def object_id(kind: bytes, body: bytes) -> bytes:
    return hashlib.sha1(b"%s %d\0" % (kind, len(body)) + body).digest()


def blob_id(body: bytes) -> bytes:
    return object_id(b"blob", body)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(0x80 | (value & 0x7F))
        value >>= 7
    out.append(value)
    return bytes(out)
