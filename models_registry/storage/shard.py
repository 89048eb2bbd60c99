"""The shard format: how clients say which chunks make up a file, and how the hub answers dedupe questions.

Little-endian records of 48 bytes: a header; the file section; the xorb section; in shards that the hub makes, a footer.
A shard from a client is data to check, never to believe: this module checks its form, the services check its claims.

Source: the Xet shard format; the hub's answers are checked against the public client in the tests.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models_registry.storage.digests import DIGEST_BYTES, Sha256, XetHash
from models_registry.storage.exceptions import BadDigest, BodyTooLarge, MalformedShard
from models_registry.storage.hashing import Leaf, hidden_hash
from models_registry.storage.terms import Term

MAX_BODY_BYTES = 64 * 2**20
MAX_FILES = 65_536
MAX_XORBS = 65_536

_RECORD = 48
_FOOTER = 200
_VERSION = 2
_TAG = b"HFRepoMetaData" + bytes.fromhex("00556967456a7b815783a5bdd95ccdd14aa9")
_BOOKEND = b"\xff" * DIGEST_BYTES + bytes(16)
_HAS_VERIFICATION, _HAS_SHA256 = 1 << 31, 1 << 30
_DEDUPE_QUERY = 1 << 31  # On a chunk: clients with other caches may ask for it.
_ASKED_EVERY = 1024  # Clients ask for chunks whose hash is divisible by this, and for each file's first.

_TERM = np.dtype([("xorb", "V32"), ("flags", "<u4"), ("raw_bytes", "<u4"), ("start", "<u4"), ("stop", "<u4")])
_PROOF = np.dtype([("hash", "V32"), ("unused", "V16")])
_CHUNK = np.dtype([("hash", "V32"), ("start", "<u4"), ("raw_bytes", "<u4"), ("flags", "<u4"), ("unused", "<u4")])


@dataclass(frozen=True)
class FileClaim:
    """What a shard says of one file. `proofs` has one 32-byte hash for each term; `sha256` may be left out."""

    hash: XetHash
    sha256: Sha256 | None
    _terms: npt.NDArray[np.void]
    _proofs: npt.NDArray[np.void]

    @property
    def terms(self) -> list[Term]:
        return [
            Term(XetHash.from_bytes(row["xorb"].tobytes()), int(row["start"]), int(row["stop"]), int(row["raw_bytes"]))
            for row in self._terms
        ]

    @property
    def proofs(self) -> list[bytes]:
        return [row["hash"].tobytes() for row in self._proofs]

    @property
    def size_bytes(self) -> int:
        return int(self._terms["raw_bytes"].sum(dtype=np.uint64))


@dataclass(frozen=True)
class XorbClaim:
    """What a shard says of one xorb: its chunks in order."""

    hash: XetHash
    raw_bytes: int
    stored_bytes: int
    _chunks: npt.NDArray[np.void]

    def leaves(self) -> list[Leaf]:
        return [(row["hash"].tobytes(), int(row["raw_bytes"])) for row in self._chunks]


@dataclass(frozen=True)
class Shard:
    files: tuple[FileClaim, ...]
    xorbs: tuple[XorbClaim, ...]


def read_shard(body: bytes) -> Shard:
    """Parse a shard as clients send it.

    Raises:
        MalformedShard: it breaks the format.
        BodyTooLarge: it is longer than a shard may be.
    """
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLarge(what="shard", size_bytes=len(body), limit_bytes=MAX_BODY_BYTES)
    if len(body) < _RECORD or body[:DIGEST_BYTES] != _TAG:
        raise MalformedShard(reason="it does not begin as a shard")
    version, footer_bytes = struct.unpack_from("<QQ", body, DIGEST_BYTES)
    if version != _VERSION or footer_bytes not in (0, _FOOTER):
        raise MalformedShard(reason=f"version {version} with a footer of {footer_bytes} bytes is unknown")
    cursor = _Cursor(body, at=_RECORD)
    try:
        files = tuple(_files(cursor))
        xorbs = tuple(_xorbs(cursor))
    except BadDigest as error:
        raise MalformedShard(reason="a hash has the wrong form") from error
    if footer_bytes == 0 and cursor.left:
        raise MalformedShard(reason=f"{cursor.left} bytes follow its end")
    return Shard(files, xorbs)


def write_dedupe_shard(
    xorbs: Iterable[tuple[XetHash, int, Sequence[Leaf]]], *, key: bytes, created_at_s: int, expires_at_s: int
) -> bytes:
    """A shard that tells a client of xorbs it may use, given as (hash, stored bytes, chunks).

    Args:
        key: 32 bytes under which the chunk hashes are hidden, so that only a client that has a chunk recognises it.
    """
    sections = [_TAG + struct.pack("<QQ", _VERSION, _FOOTER), _BOOKEND]
    xorbs_at = len(_TAG) + 16 + _RECORD
    for digest, stored_bytes, leaves in xorbs:
        raw_bytes = sum(length for _, length in leaves)
        sections.append(digest.to_bytes() + struct.pack("<4I", 0, len(leaves), raw_bytes, stored_bytes))
        sections.append(_chunk_records(leaves, key))
    sections.append(_BOOKEND)
    footer_at = sum(map(len, sections))
    # Three lookup tables, all empty; clients take the start of the first for the end of the xorb section.
    footer = struct.pack("<9Q", 1, _RECORD, xorbs_at, *(footer_at, 0) * 3)
    footer += key + struct.pack("<QQ", created_at_s, expires_at_s)
    sections.append(footer + bytes(_FOOTER - len(footer) - 8) + struct.pack("<Q", footer_at))
    return b"".join(sections)


def is_asked_for(chunk: bytes) -> bool:
    """Do clients ask the hub for this chunk, wherever it lies in a file?"""
    return int.from_bytes(chunk[24:], "little") % _ASKED_EVERY == 0


class _Cursor:
    """Takes records from a body, never past its end."""

    def __init__(self, body: bytes, *, at: int) -> None:
        self._body = body
        self._at = at

    @property
    def left(self) -> int:
        return len(self._body) - self._at

    def record(self) -> bytes:
        return self.records(1, np.dtype("V48")).tobytes()

    def records(self, count: int, kind: np.dtype[np.void]) -> npt.NDArray[np.void]:
        if count * _RECORD > self.left:
            raise MalformedShard(reason="it ends too early")
        taken = np.frombuffer(self._body, dtype=kind, count=count, offset=self._at)
        self._at += count * _RECORD
        return taken


def _files(cursor: _Cursor) -> Iterable[FileClaim]:
    count = 0
    while (head := cursor.record())[:DIGEST_BYTES] != _BOOKEND[:DIGEST_BYTES]:
        count += 1
        if count > MAX_FILES:
            raise MalformedShard(reason=f"it has more than {MAX_FILES} files")
        flags, length = struct.unpack_from("<II", head, DIGEST_BYTES)
        if flags & ~(_HAS_VERIFICATION | _HAS_SHA256):
            raise MalformedShard(reason=f"file flags {flags:#x} are unknown")
        terms = cursor.records(length, _TERM)
        if length and bool((terms["start"] >= terms["stop"]).any()):
            raise MalformedShard(reason="a term holds no chunk")
        proofs = cursor.records(length if flags & _HAS_VERIFICATION else 0, _PROOF)
        # The SHA-256 is stored as if it were a Xet hash: each group of 8 bytes reversed.
        sha256 = Sha256(XetHash.from_bytes(cursor.record()[:DIGEST_BYTES])) if flags & _HAS_SHA256 else None
        yield FileClaim(XetHash.from_bytes(head[:DIGEST_BYTES]), sha256, terms, proofs)


def _xorbs(cursor: _Cursor) -> Iterable[XorbClaim]:
    count = 0
    while (head := cursor.record())[:DIGEST_BYTES] != _BOOKEND[:DIGEST_BYTES]:
        count += 1
        if count > MAX_XORBS:
            raise MalformedShard(reason=f"it has more than {MAX_XORBS} xorbs")
        _, length, raw_bytes, stored_bytes = struct.unpack_from("<4I", head, DIGEST_BYTES)
        yield XorbClaim(
            XetHash.from_bytes(head[:DIGEST_BYTES]), raw_bytes, stored_bytes, cursor.records(length, _CHUNK)
        )


def _chunk_records(leaves: Sequence[Leaf], key: bytes) -> bytes:
    records = np.zeros(len(leaves), dtype=_CHUNK)
    lengths = np.array([length for _, length in leaves], dtype=np.uint32)
    hidden = b"".join(hidden_hash(key, digest) for digest, _ in leaves)
    records["hash"] = np.frombuffer(hidden, dtype="V32")
    records["raw_bytes"] = lengths
    records["start"] = np.cumsum(lengths, dtype=np.uint32) - lengths
    records["flags"] = [_DEDUPE_QUERY if is_asked_for(digest) else 0 for digest, _ in leaves]
    return records.tobytes()
