"""Digests as types. A value of these types has been validated, so it may become a path or a key; a plain `str` may not.

Two notations live here. A SHA-256 is printed byte by byte. A Xet hash (32 bytes of keyed BLAKE3) is printed as four
little-endian 64-bit numbers of 16 digits each, so bytes 00 01 … 07 give `0706050403020100`.
"""

import re
import struct
from typing import Self

from models_registry.storage.exceptions import BadDigest

DIGEST_BYTES = 32
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


class _HexDigest(str):
    """64 lower-case hexadecimal digits, checked when the value is made."""

    __slots__ = ()

    def __new__(cls, value: str) -> Self:
        if not isinstance(value, str) or _HEX.fullmatch(value) is None:
            shown = value[:80] if isinstance(value, str) else type(value).__name__
            raise BadDigest(value=shown.encode("unicode_escape").decode())
        return super().__new__(cls, value)


class Sha256(_HexDigest):
    """The SHA-256 of a whole file: the name of content on the outside (the LFS oid)."""

    __slots__ = ()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        return cls(_require_length(raw).hex())

    def to_bytes(self) -> bytes:
        return bytes.fromhex(self)


class BlobDigest(_HexDigest):
    """The BLAKE3 of bytes as they lie in the blob store; the key of a blob."""

    __slots__ = ()


class XetHash(_HexDigest):
    """The hash of a chunk, a xorb or a file in its printed form."""

    __slots__ = ()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        return cls("".join(f"{word:016x}" for word in struct.unpack("<4Q", _require_length(raw))))

    def to_bytes(self) -> bytes:
        return struct.pack("<4Q", *(int(self[at : at + 16], 16) for at in range(0, 64, 16)))


def _require_length(raw: bytes) -> bytes:
    if len(raw) != DIGEST_BYTES:
        raise BadDigest(value=raw[:40].hex())
    return bytes(raw)
