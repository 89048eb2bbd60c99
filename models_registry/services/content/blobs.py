"""Bringing bytes into the blob store so that no collection takes them before their row is written.

Three steps: the blob is noted and put (`keep`), then claimed (`claim`) in the transaction that writes the row which
needs it. A collection deletes only blobs that nobody has touched since it looked and that no row needs, and says so on
the blob's row first. So either the claim comes first and the collection leaves the blob alone, or the claim finds it
gone and the upload is refused cleanly. No clock decides between the two.
"""

from django.db import transaction
from django.utils import timezone

from models_registry.models import Blob, BlobState
from models_registry.storage.blobs import BlobStore, Scratch
from models_registry.storage.digests import BlobDigest
from models_registry.storage.exceptions import BeingCollected

_ROUNDS = 4


def keep(scratch: Scratch, store: BlobStore) -> BlobDigest:
    """Put the bytes of a scratch file into the store for good.

    Raises:
        BeingCollected: collections deleted the same bytes again and again meanwhile.
        StoreFull, StoreUnavailable: they could not be kept.
    """
    digest = scratch.digest()
    _note(digest, scratch.size_bytes)
    return store.put(scratch)


def claim(digest: BlobDigest | str) -> None:
    """Hold a blob until the end of this transaction, which writes the row that needs it.

    Raises:
        BeingCollected: a collection came first.
    """
    rows = Blob.objects.filter(digest=digest, state=BlobState.PRESENT)
    if not rows.update(touched_at=timezone.now(), damage=""):
        raise BeingCollected


@transaction.atomic
def drop(blob: Blob, store: BlobStore) -> bool:
    """Delete a blob that is marked as leaving, its bytes first. False if somebody brought it again in the meantime.

    The row stays locked until both are gone: who brings the same bytes waits for that, or came before and took the
    mark away. However long this process is stopped in between, it deletes nothing that anybody relies on.
    """
    held = Blob.objects.select_for_update().filter(pk=blob.pk, state=BlobState.LEAVING).first()
    if held is None:
        return False
    store.delete(BlobDigest(held.digest))
    held.delete()
    return True


@transaction.atomic
def _note(digest: BlobDigest, size_bytes: int) -> None:
    """Make the row, or take the mark of a collection off it. The bytes are put after this, wherever they were."""
    for _ in range(_ROUNDS):
        Blob.objects.bulk_create([Blob(digest=digest, size_bytes=size_bytes)], ignore_conflicts=True)
        # Waits for a deletion that is under way, after which there is no row to update any more.
        if Blob.objects.filter(digest=digest).update(state=BlobState.PRESENT, touched_at=timezone.now()):
            return
    raise BeingCollected
