"""Writing packs: a header, each object deflated on its own, a checksum. One object in memory at a time."""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator

_LEVEL = 3  # What is sent once and read once should not cost much to make.


def write_pack(count: int, objects: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    """The bytes of a pack of `count` objects, given as type number and content."""
    checksum = hashlib.sha1(usedforsecurity=False)
    header = b"PACK" + struct.pack(">II", 2, count)
    checksum.update(header)
    yield header
    for kind, body in objects:
        data = entry_header(kind, len(body)) + zlib.compress(body, _LEVEL)
        checksum.update(data)
        yield data
    yield checksum.digest()


def entry_header(kind: int, size: int) -> bytes:
    """Type and unpacked size of an entry, in Git's variable length."""
    byte = (kind << 4) | (size & 0x0F)
    size >>= 4
    out = bytearray()
    while size:
        out.append(byte | 0x80)
        byte = size & 0x7F
        size >>= 7
    out.append(byte)
    return bytes(out)
