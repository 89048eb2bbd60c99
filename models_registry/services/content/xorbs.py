"""Xorbs: verified, stored once, and usable by those who delivered them or may read where they were delivered."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from models_registry.models import Blob, Chunk, Repository, RepositoryXorb, Xorb
from models_registry.permissions import Action, require
from models_registry.services import quotas
from models_registry.services.content.blobs import claim, keep
from models_registry.services.limits import spend_delivery
from models_registry.storage.blobs import BlobStore, blob_store
from models_registry.storage.digests import BlobDigest, XetHash
from models_registry.storage.exceptions import BeingCollected, CorruptContent, HashMismatch
from models_registry.storage.reading import Readable
from models_registry.storage.table import ChunkTable
from models_registry.storage.xorb import scan_xorb

INDEX_EVERY = 16  # Of so many chunks one gets an index row, chosen by its hash, so that all uploads choose alike.
QUERY_BATCH = 500


@dataclass(frozen=True)
class Packed:
    """A xorb whose bytes are in the blob store."""

    hash: XetHash
    blob: BlobDigest
    stored_bytes: int
    table: ChunkTable


def store_xorb(*, repository: Repository, user: User, xorb_hash: str, body: Readable, length: int) -> bool:
    """Take in a xorb of exactly `length` bytes. Says whether this repository did not have it yet.

    The body is read, unpacked and hashed in full even if the same xorb is here already: answer and work must not tell
    what others have stored.

    Raises:
        RepositoryForbidden, RepositoryNotFound: no right to propose anything here.
        BadDigest, MalformedXorb, SizeMismatch, BodyTooLarge, HashMismatch: nothing was kept.
        TooOften: more than a day's share of somebody who may only propose.
        QuotaExceeded: the namespace has no room for it.
        BeingCollected: the same bytes are being removed now; the caller may try again.
    """
    require(user, Action.PROPOSE, repository)
    expected = XetHash(xorb_hash)
    spend_delivery(user=user, repository=repository, size_bytes=length)
    store = blob_store()
    with store.scratch() as scratch:
        table = scan_xorb(body, length, scratch.write)
        actual = table.xorb_hash()
        if actual != expected:
            raise HashMismatch(what="xorb", actual=actual, expected=expected)
        # Until a file is made of it, the pack itself takes space: so many packs as the quota has room for, not more.
        quotas.reserve(repository=repository, user=user, key=reservation_key(actual), size_bytes=scratch.size_bytes)
        blob = keep(scratch, store)
        packed = Packed(hash=actual, blob=blob, stored_bytes=scratch.size_bytes, table=table)
    with transaction.atomic():
        xorb = record_xorb(packed, store)
        return deliver(repository, [xorb]) > 0


def reservation_key(xorb: XetHash) -> str:
    """The name under which space for a delivered pack is reserved."""
    return f"xorb-{xorb}"


def record_xorb(packed: Packed, store: BlobStore) -> Xorb:
    """Write the rows of a stored xorb. Where it exists, its own body is kept unless that is lost.

    Raises:
        BeingCollected: its bytes were collected since they were put.
    """
    table = packed.table
    claim(packed.blob)
    row = Xorb(
        hash=packed.hash,
        blob=packed.blob,
        stored_bytes=packed.stored_bytes,
        raw_bytes=table.raw_offset(len(table)),
        chunk_count=len(table),
        chunk_table=table.to_bytes(),
    )
    Xorb.objects.bulk_create([row], ignore_conflicts=True)
    if not Xorb.objects.filter(hash=packed.hash).update(touched_at=timezone.now()):
        raise BeingCollected
    xorb = Xorb.objects.get(hash=packed.hash)
    if xorb.blob != packed.blob and _is_lost(xorb, store):
        xorb.blob, xorb.stored_bytes, xorb.chunk_table = packed.blob, packed.stored_bytes, table.to_bytes()
        xorb.save(update_fields=["blob", "stored_bytes", "chunk_table"])
    index_chunks(
        xorb, ((index, chunk) for index, chunk in enumerate(table.hashes()) if index == 0 or is_indexed(chunk))
    )
    return xorb


def _is_lost(xorb: Xorb, store: BlobStore) -> bool:
    is_damaged = Blob.objects.filter(digest=xorb.blob).exclude(damage="").exists()
    return is_damaged or store.size(BlobDigest(xorb.blob)) != xorb.stored_bytes


def deliver(repository: Repository, xorbs: Iterable[Xorb]) -> int:
    """Note that these xorbs were delivered to this repository. Returns how many had not been."""
    xorbs = list(xorbs)
    known = RepositoryXorb.objects.filter(repository=repository, xorb__in=xorbs).count()
    rows = [RepositoryXorb(repository=repository, xorb=xorb) for xorb in xorbs]
    RepositoryXorb.objects.bulk_create(rows, ignore_conflicts=True)
    return len(xorbs) - known


def index_chunks(xorb: Xorb, chunks: Iterable[tuple[int, bytes]]) -> None:
    """Make chunks of a xorb, given as (index, hash), findable by their hash."""
    rows = [Chunk(prefix=prefix_of(chunk), xorb=xorb, index=index) for index, chunk in chunks]
    Chunk.objects.bulk_create(rows, ignore_conflicts=True, batch_size=QUERY_BATCH)


def is_indexed(chunk: bytes) -> bool:
    """Does this chunk get an index row wherever it lies? By the same digits as clients choose what to ask for."""
    return int.from_bytes(chunk[24:], "little") % INDEX_EVERY == 0


def prefix_of(chunk: bytes) -> int:
    """The number by which the index knows a chunk."""
    return int.from_bytes(chunk[:8], "little", signed=True)


def delivered_xorb(*, repository: Repository, xorb_hash: str) -> Xorb | None:
    """A xorb that was delivered to this repository."""
    rows = Xorb.objects.filter(hash=XetHash(xorb_hash), links__repository=repository)
    return rows.defer("chunk_table").first()


def usable_by(user: User | AnonymousUser, repository: Repository) -> QuerySet[Xorb]:
    """The xorbs whose chunks this person may use in this repository: delivered here, or where she may download."""
    readable = Repository.objects.downloadable_by(user).values("pk")
    mine = RepositoryXorb.objects.filter(Q(repository=repository) | Q(repository__in=readable), xorb=OuterRef("pk"))
    return Xorb.objects.filter(Exists(mine))


class Shelf:
    """The last few xorbs with their chunk tables, read from the database as they are needed.

    A table has up to 330 kB, so a file of many xorbs must not bring all of them into memory at once.
    """

    MOST = 64

    def __init__(self) -> None:
        self._kept: OrderedDict[XetHash, tuple[Xorb, ChunkTable]] = OrderedDict()

    def get(self, digest: XetHash) -> tuple[Xorb, ChunkTable]:
        """The xorb of this hash. Whether somebody may use it, the caller has checked.

        Raises:
            CorruptContent: there is no such row.
        """
        if digest in self._kept:
            self._kept.move_to_end(digest)
            return self._kept[digest]
        xorb = Xorb.objects.filter(hash=digest).first()
        if xorb is None:
            raise CorruptContent(hash=digest)
        self._kept[digest] = (xorb, ChunkTable.from_bytes(xorb.chunk_table))
        if len(self._kept) > self.MOST:
            self._kept.popitem(last=False)
        return self._kept[digest]


def in_batches(values: Iterable[XetHash]) -> Iterator[list[XetHash]]:
    """Cut a list to what one query should carry."""
    rest = list(values)
    for at in range(0, len(rest), QUERY_BATCH):
        yield rest[at : at + QUERY_BATCH]
