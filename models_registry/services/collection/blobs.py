"""Bytes that no pack of chunks and no upload in parts names: marked as leaving, then deleted, then their row."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from models_registry.models import Blob, BlobState, UploadPart, Xorb
from models_registry.services.content.blobs import drop
from models_registry.storage.blobs import BlobStore, StoredBlob, blob_store

_BATCH = 500


def collect(*, cutoff: datetime, dry_run: bool) -> tuple[int, int]:
    """Delete blobs that nothing needs. Returns how many, and their bytes."""
    store = blob_store()
    if dry_run:
        rows = list(_unneeded(cutoff).values_list("size_bytes", flat=True))
        return len(rows), sum(rows)
    count = freed_bytes = 0
    for left in Blob.objects.filter(state=BlobState.LEAVING):  # By a run that was killed.
        drop(left, store)
    adopt(store)
    for pk, seen in list(_unneeded(cutoff).values_list("pk", "touched_at")):
        blob = _mark(pk, seen)
        if blob is not None and drop(blob, store):
            count, freed_bytes = count + 1, freed_bytes + blob.size_bytes
    return count, freed_bytes


def adopt(store: BlobStore) -> int:
    """Write rows for bytes that have none, as after the restore of an older database. Their grace begins now."""
    adopted = 0
    for batch in _batches(store.iterate()):
        sizes = {blob.digest: blob.size_bytes for blob in batch}
        known = set(Blob.objects.filter(digest__in=sizes).values_list("digest", flat=True))
        rows = [Blob(digest=digest, size_bytes=size) for digest, size in sizes.items() if digest not in known]
        Blob.objects.bulk_create(rows, ignore_conflicts=True)
        adopted += len(rows)
    return adopted


def _unneeded(cutoff: datetime) -> QuerySet[Blob]:
    packs = Xorb.objects.filter(blob=OuterRef("digest"))
    parts = UploadPart.objects.filter(blob=OuterRef("digest"))
    return Blob.objects.filter(
        ~Exists(packs), ~Exists(parts), state=BlobState.PRESENT, touched_at__lte=cutoff
    ).order_by("pk")


@transaction.atomic
def _mark(pk: int, seen: datetime) -> Blob | None:
    """Say that a blob is leaving, unless somebody brought it since it was read or a pack names it by now."""
    blob = Blob.objects.select_for_update().filter(pk=pk, state=BlobState.PRESENT, touched_at=seen).first()
    if blob is None or any(model.objects.filter(blob=blob.digest).exists() for model in (Xorb, UploadPart)):
        return None
    blob.state = BlobState.LEAVING
    blob.save(update_fields=["state"])
    return blob


def _batches(blobs: Iterable[StoredBlob]) -> Iterator[list[StoredBlob]]:
    rest = iter(blobs)
    while batch := list(islice(rest, _BATCH)):
        yield batch
