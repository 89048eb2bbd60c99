"""Bringing bytes into the blob store so that no collection takes them before their row is written.

Three steps: the blob is noted and put (`keep`), then claimed (`claim`) in the transaction that writes the row which
needs it. A collection deletes only blobs that nobody has touched since it looked and that no row needs, and says so on
the blob's row first. So either the claim comes first and the collection leaves the blob alone, or the claim finds it
gone and the upload is refused cleanly. No clock decides between the two.
"""

import time
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from models_registry.models import Blob, BlobState
from models_registry.storage.blobs import BlobStore, Scratch
from models_registry.storage.digests import BlobDigest
from models_registry.storage.exceptions import BeingCollected

_WAIT_S = (0.0, 0.1, 0.3, 0.6, 1.0)
# A collection deletes one blob in far less. Who finds it at work for so long finishes for it.
_ABANDONED_AFTER = timedelta(minutes=10)


def keep(scratch: Scratch, store: BlobStore) -> BlobDigest:
    """Put the bytes of a scratch file into the store for good.

    Raises:
        BeingCollected: the same bytes are being deleted now.
        StoreFull, StoreUnavailable: they could not be kept.
    """
    digest = scratch.digest()
    _note(digest, scratch.size_bytes, store)
    return store.put(scratch)


def claim(digest: BlobDigest | str) -> None:
    """Hold a blob until the end of this transaction, which writes the row that needs it.

    Raises:
        BeingCollected: a collection came first.
    """
    rows = Blob.objects.filter(digest=digest, state=BlobState.PRESENT)
    if not rows.update(touched_at=timezone.now(), damage=""):
        raise BeingCollected


def drop(blob: Blob, store: BlobStore) -> bool:
    """Delete a blob that is marked as leaving, its bytes first. Says whether the row was still there."""
    store.delete(BlobDigest(blob.digest))
    return Blob.objects.filter(pk=blob.pk, state=BlobState.LEAVING).delete()[0] > 0


def _note(digest: BlobDigest, size_bytes: int, store: BlobStore) -> None:
    for pause_s in _WAIT_S:
        time.sleep(pause_s)
        with transaction.atomic():
            row = Blob(digest=digest, size_bytes=size_bytes)
            Blob.objects.bulk_create([row], ignore_conflicts=True)
            found = Blob.objects.select_for_update().filter(digest=digest).first()
            if found is not None and found.state == BlobState.PRESENT:
                Blob.objects.filter(pk=found.pk).update(touched_at=timezone.now())
                return
        if found is not None and (found.leaving_at or timezone.now()) < timezone.now() - _ABANDONED_AFTER:
            drop(found, store)
    raise BeingCollected
