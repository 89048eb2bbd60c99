"""Large content as clients send it: xorbs and shards made from bytes, and deliveries through the services."""

import hashlib
import io
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from accounts.models import User
from models_registry.models import Content, Repository
from models_registry.services import content
from models_registry.storage import hashing, shard
from models_registry.storage.chunking import Chunker
from models_registry.storage.digests import XetHash
from models_registry.storage.table import ChunkTable
from models_registry.storage.xorb import Scheme, pack


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that nothing compresses."""
    return np.random.default_rng(seed).bytes(size)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def chunks_of(data: bytes) -> list[bytes]:
    chunker = Chunker()
    return [*chunker.feed(data), *chunker.finish()]


@dataclass(frozen=True)
class Xorb:
    """A xorb as a client packs it."""

    hash: str
    body: bytes
    table: ChunkTable

    @classmethod
    def of(cls, chunks: list[bytes], scheme: Scheme = Scheme.STORED) -> "Xorb":
        frames = [pack(chunk, scheme) for chunk in chunks]
        table = ChunkTable.build(
            (hashing.chunk_hash(chunk), len(frame), len(chunk)) for chunk, frame in zip(chunks, frames, strict=True)
        )
        return cls(table.xorb_hash(), b"".join(frames), table)

    def term(self, start: int = 0, stop: int | None = None) -> tuple[bytes, int, int, int]:
        stop = len(self.table) if stop is None else stop
        return XetHash(self.hash).to_bytes(), self.table.raw_length(start, stop), start, stop

    def proof(self, start: int = 0, stop: int | None = None) -> bytes:
        return hashing.term_hash(self.table.hashes(start, stop))


def build_shard(files: Any = (), xorbs: Any = (), *, version: int = 2, footer: int = 0, tail: bytes = b"") -> bytes:
    """A shard as a client writes it: files are (hash, terms, proofs or None, sha256 or None)."""
    parts = [shard._TAG, struct.pack("<QQ", version, footer)]
    for digest, terms, proofs, sha in files:
        flags = (shard._HAS_VERIFICATION if proofs is not None else 0) | (shard._HAS_SHA256 if sha else 0)
        parts.append(digest + struct.pack("<II", flags, len(terms)) + bytes(8))
        parts += [xorb + struct.pack("<4I", 0, raw, start, stop) for xorb, raw, start, stop in terms]
        parts += [proof + bytes(16) for proof in proofs or ()]
        if sha:
            parts.append(XetHash(sha).to_bytes() + bytes(16))
    parts.append(shard._BOOKEND)
    for digest, chunks in xorbs:
        parts.append(digest + struct.pack("<4I", 0, len(chunks), sum(length for _, length in chunks), 7))
        parts += [chunk + struct.pack("<4I", 0, length, 0, 0) for chunk, length in chunks]
    return b"".join([*parts, shard._BOOKEND, tail])


def shard_of(
    xorb: Xorb, data: bytes, *, start: int = 0, stop: int | None = None, sha: str | None = None, **changes: Any
) -> bytes:
    """A shard that makes `data` of one run of chunks of a xorb, with every claim right unless changed."""
    file = {
        "hash": hashing.file_hash(xorb.table.leaves(start, stop)).to_bytes(),
        "terms": [xorb.term(start, stop)],
        "proofs": [xorb.proof(start, stop)],
        "sha256": sha if sha is not None else sha256(data),
    } | changes
    claims = [(XetHash(xorb.hash).to_bytes(), xorb.table.leaves())]
    return build_shard([(file["hash"], file["terms"], file["proofs"], file["sha256"])], claims)


def send_xorb(repository: Repository, xorb: Xorb, *, user: User | None = None) -> bool:
    return content.store_xorb(
        repository=repository,
        user=_writer(repository, user),
        xorb_hash=xorb.hash,
        body=io.BytesIO(xorb.body),
        length=len(xorb.body),
    )


def send(repository: Repository, data: bytes, *, user: User | None = None, scheme: Scheme = Scheme.STORED) -> Xorb:
    """Upload a file as the public client does: its xorb, then a shard."""
    xorb = Xorb.of(chunks_of(data), scheme)
    send_xorb(repository, xorb, user=user)
    content.register_shard(repository=repository, user=_writer(repository, user), body=shard_of(xorb, data))
    return xorb


def put_plain(repository: Repository, data: bytes, *, user: User | None = None) -> Content:
    """Upload a file as git-lfs and browsers do."""
    return content.ingest(
        repository=repository, user=_writer(repository, user), stream=io.BytesIO(data), size_bytes=len(data)
    )


def _writer(repository: Repository, user: User | None) -> User:
    writer = user or repository.creator
    assert writer is not None
    return writer
