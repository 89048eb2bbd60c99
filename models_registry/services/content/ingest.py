"""Plain bytes in: git-lfs, browsers and our own client send whole files, and the hub chunks them as Xet clients do."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from django.conf import settings
from django.db import transaction

from accounts.models import User
from models_registry.models import Content, Repository, StorageUse
from models_registry.permissions import Action, require
from models_registry.services import quotas
from models_registry.services.content import links
from models_registry.services.content.blobs import keep
from models_registry.services.content.dedupe import KnownChunks
from models_registry.services.content.xorbs import Packed, deliver, index_chunks, record_xorb
from models_registry.services.limits import spend_delivery
from models_registry.storage.blobs import BlobStore, Scratch, blob_store
from models_registry.storage.chunking import MAX_BYTES as MAX_CHUNK_BYTES
from models_registry.storage.chunking import Chunker
from models_registry.storage.digests import Sha256, XetHash
from models_registry.storage.exceptions import FileTooLarge, HashMismatch
from models_registry.storage.hashing import Leaf, chunk_hash, file_hash
from models_registry.storage.reading import Readable, exactly
from models_registry.storage.table import ChunkTable
from models_registry.storage.terms import Term, joined
from models_registry.storage.xorb import MAX_CHUNKS, Packer

_XORB_RAW_BYTES = 64 * 2**20  # As clients pack them, so that equal uploads make equal xorbs.
_BATCH = 64  # Chunks looked up together: about 4 MiB.


def check_size(size_bytes: int) -> None:
    """Refuse a file that is too large, before a byte of it is read.

    Raises:
        FileTooLarge
    """
    limit = settings.SMALLHUB_MAX_FILE_BYTES
    if size_bytes > limit:
        raise FileTooLarge(size_bytes=size_bytes, limit_bytes=limit)


def ingest(
    *, repository: Repository, user: User, stream: Readable, size_bytes: int, sha256: str | None = None
) -> Content:
    """Take in a whole file of exactly `size_bytes` bytes and link it to the repository.

    Nothing of it can be seen before all of it is verified and on the disk. The body is read, hashed and, but for chunks
    that the caller may read anyway, written even if others have stored the same file.

    Args:
        sha256: what the file should hash to; None takes what it hashes to.

    Raises:
        RepositoryForbidden, RepositoryNotFound: no right to propose anything here.
        FileTooLarge, SizeMismatch, HashMismatch, BadDigest, StoreFull: nothing was kept.
        TooOften: more than a day's share of somebody who may only propose.
        QuotaExceeded: the namespace has no room for it; found before the body is read.
        BeingCollected: the same bytes are being removed now; the caller may try again.
    """
    require(user, Action.PROPOSE, repository)
    expected = Sha256(sha256) if sha256 is not None else None
    check_size(size_bytes)
    spend_delivery(user=user, repository=repository, size_bytes=size_bytes)
    store = blob_store()
    with ExitStack() as scratches:
        space = scratches.enter_context(
            quotas.reserved(repository=repository, user=user, size_bytes=size_bytes, key=expected or "")
        )
        packing = _Packing(store, scratches, KnownChunks(repository=repository, user=user, size_bytes=size_bytes))
        actual = packing.take(stream, size_bytes)
        if expected is not None and actual != expected:
            raise HashMismatch(what="file", actual=actual, expected=expected)
        packed, terms = packing.finish()
        file = links.NewFile(actual, file_hash(packing.leaves), size_bytes, terms)
        return _record(repository, file, packed, packing.leaves, store, space=space)


@transaction.atomic
def _record(
    repository: Repository,
    file: links.NewFile,
    packed: list[Packed],
    leaves: list[Leaf],
    store: BlobStore,
    *,
    space: str,
) -> Content:
    StorageUse.objects.lock(repository)  # First in the order in which rows are locked.
    quotas.release(repository=repository, keys=[space])  # The file itself is counted in its place.
    xorbs = {each.hash: record_xorb(each, store) for each in sorted(packed, key=lambda each: each.hash)}
    deliver(repository, [xorbs[each.hash] for each in packed])
    (content,) = links.record(repository=repository, files=[file])
    if file.terms and file.terms[0].xorb in xorbs:
        index_chunks(xorbs[file.terms[0].xorb], [(file.terms[0].start, leaves[0][0])])
    return content


class _Pack:
    """A xorb in the making, in a scratch file."""

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch
        self.hash: XetHash | None = None  # Known once it is closed.
        self.table: ChunkTable | None = None
        self._chunks: list[tuple[bytes, int, int]] = []
        self._raw_bytes = 0
        self._packer = Packer()

    def __len__(self) -> int:
        return len(self._chunks)

    @property
    def is_full(self) -> bool:
        return len(self._chunks) == MAX_CHUNKS or self._raw_bytes > _XORB_RAW_BYTES - MAX_CHUNK_BYTES

    def add(self, chunk: bytes, raw: bytes) -> int:
        """Pack a chunk and give its index."""
        frame = self._packer.pack(raw)
        self.scratch.write(frame)
        self._chunks.append((chunk, len(frame), len(raw)))
        self._raw_bytes += len(raw)
        return len(self._chunks) - 1

    def close(self) -> None:
        self.scratch.seal()
        self.table = ChunkTable.build(self._chunks)
        self.hash = self.table.xorb_hash()
        self._chunks = []


class _Packing:
    """Cuts a stream, leaves out what is known, and packs the rest. Memory: a batch of chunks, and 40 bytes for each."""

    def __init__(self, store: BlobStore, scratches: ExitStack, known: KnownChunks) -> None:
        self.leaves: list[Leaf] = []
        self._store = store
        self._scratches = scratches
        self._known = known
        self._packs: list[_Pack] = []
        self._places: dict[bytes, tuple[_Pack, int]] = {}  # Chunks of this very file.
        self._terms: list[tuple[_Pack | XetHash, int, int]] = []  # (where, index, raw bytes) of each chunk.

    def take(self, stream: Readable, size_bytes: int) -> Sha256:
        """Read the stream to its end. Returns its digest."""
        hasher = hashlib.sha256()
        chunker = Chunker()
        batch: list[bytes] = []
        for data in exactly(stream, size_bytes):
            hasher.update(data)
            for raw in chunker.feed(data):
                batch.append(raw)
                if len(batch) == _BATCH:
                    self._place(batch)
                    batch = []
        self._place([*batch, *chunker.finish()])
        return Sha256(hasher.hexdigest())

    def finish(self) -> tuple[list[Packed], list[Term]]:
        """Put the packs into the store for good. Returns them, and the file's terms."""
        packed = []
        for pack in self._packs:
            if pack.hash is None:
                pack.close()
            assert pack.hash is not None
            assert pack.table is not None
            blob = keep(pack.scratch, self._store)
            packed.append(Packed(pack.hash, blob, pack.scratch.size_bytes, pack.table))
        return packed, joined(self._single_terms())

    def _place(self, batch: Sequence[bytes]) -> None:
        hashes = [chunk_hash(raw) for raw in batch]
        known = self._known.find(hashes)
        for chunk, raw in zip(hashes, batch, strict=True):
            self.leaves.append((chunk, len(raw)))
            where: _Pack | XetHash
            if chunk in known:
                where, index = known[chunk]
            elif chunk in self._places:
                where, index = self._places[chunk]
            else:
                where = self._open_pack()
                index = where.add(chunk, raw)
                self._places[chunk] = (where, index)
                if where.is_full:
                    where.close()
            self._terms.append((where, index, len(raw)))

    def _open_pack(self) -> _Pack:
        if not self._packs or self._packs[-1].hash is not None:
            self._packs.append(_Pack(self._scratches.enter_context(self._store.scratch())))
        return self._packs[-1]

    def _single_terms(self) -> Iterator[Term]:
        for where, index, raw_bytes in self._terms:
            digest = where.hash if isinstance(where, _Pack) else where
            assert digest is not None
            yield Term(digest, index, index + 1, raw_bytes)
