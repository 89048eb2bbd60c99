"""Large files in parts: each part is on the disk before it is acknowledged, and the file is made when all are here.

Parts are blobs of the store, so it matters not which server takes which. Their rows go when the file is made, or when
nothing came for a day; blobs without a row are then collected like any others.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from models_registry.models import Content, PartialUpload, Repository, UploadPart
from models_registry.services.content.blobs import claim, keep
from models_registry.services.content.ingest import check_size, ingest
from models_registry.storage.blobs import BlobStore, blob_store
from models_registry.storage.digests import BlobDigest, Sha256
from models_registry.storage.exceptions import CorruptContent, MissingPart
from models_registry.storage.reading import STEP_BYTES, Readable, exactly

PART_BYTES = 64 * 2**20
MAX_PARTS = 500
ABANDONED_AFTER = timedelta(days=1)


def needs_parts(size_bytes: int) -> bool:
    """Is a file so large that it should rather come in parts?"""
    return size_bytes > PART_BYTES


def begin_parts(*, repository: Repository, user: User, sha256: str, size_bytes: int) -> PartialUpload:
    """Expect a file in parts. Asked again, the same upload goes on with the parts that are here.

    Raises:
        BadDigest, FileTooLarge
    """
    check_size(size_bytes)
    part_bytes = max(PART_BYTES, -(-size_bytes // MAX_PARTS))
    found, _ = PartialUpload.objects.update_or_create(
        repository=repository,
        user=user,
        sha256=Sha256(sha256),
        size_bytes=size_bytes,
        defaults={"touched_at": timezone.now()},
        create_defaults={"touched_at": timezone.now(), "part_bytes": part_bytes},
    )
    return found


def part_sizes(upload: PartialUpload) -> list[int]:
    """How long each part must be."""
    whole, rest = divmod(upload.size_bytes, upload.part_bytes)
    return [upload.part_bytes] * whole + ([rest] if rest else [])


def put_part(*, upload: PartialUpload, number: int, stream: Readable) -> str:
    """Take in one part. Returns its tag, by which the sender names it at the end.

    Raises:
        SizeMismatch, StoreFull, BeingCollected: nothing of it was kept.
        MissingPart: there is no part of this number.
    """
    sizes = part_sizes(upload)
    if not 1 <= number <= len(sizes):
        raise MissingPart(number=number)
    store = blob_store()
    with store.scratch() as scratch:
        for data in exactly(stream, sizes[number - 1]):
            scratch.write(data)
        blob = keep(scratch, store)
    with transaction.atomic():
        claim(blob)
        UploadPart.objects.update_or_create(upload=upload, number=number, defaults={"blob": blob})
        PartialUpload.objects.filter(pk=upload.pk).update(touched_at=timezone.now())
    return str(blob)


def complete_parts(*, upload: PartialUpload, tags: Mapping[int, str]) -> Content:
    """Make the file of its parts, hash it, and link it to the repository.

    Args:
        tags: what `put_part` gave for each number.

    Raises:
        MissingPart: one is not here, or is not the one that was named; send it again.
        HashMismatch: the parts make another file than was announced.
        and what `ingest` raises
    """
    here = dict(upload.parts.values_list("number", "blob"))
    for number in range(1, len(part_sizes(upload)) + 1):
        if number not in here or tags.get(number) != here[number]:
            raise MissingPart(number=number)
    stream = _Joined(blob_store(), [BlobDigest(here[number]) for number in sorted(here)])
    content = ingest(
        repository=upload.repository,
        user=upload.user,
        stream=stream,
        size_bytes=upload.size_bytes,
        sha256=upload.sha256,
    )
    upload.delete()
    return content


def drop_abandoned() -> int:
    """Forget uploads to which nothing came for a day. Returns how many."""
    _, deleted = PartialUpload.objects.filter(touched_at__lt=timezone.now() - ABANDONED_AFTER).delete()
    return deleted.get(PartialUpload._meta.label, 0)


class _Joined:
    """Blobs one after the other, as one stream."""

    def __init__(self, store: BlobStore, blobs: list[BlobDigest]) -> None:
        self._pieces = _pieces(store, blobs)
        self._held = b""

    def read(self, size: int = STEP_BYTES, /) -> bytes:
        if not self._held:
            self._held = next(self._pieces, b"")
        data, self._held = self._held[:size], self._held[size:]
        return data


def _pieces(store: BlobStore, blobs: list[BlobDigest]) -> Iterator[bytes]:
    for number, blob in enumerate(blobs, 1):
        try:
            file = store.open(blob)
        except CorruptContent:
            raise MissingPart(number=number) from None
        with file:
            while data := file.read(STEP_BYTES):
                yield data
