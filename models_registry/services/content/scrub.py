"""Reading every stored byte once in a while, so that damage is found before somebody needs what is damaged.

Progress is kept with each blob's row, so it survives restarts and is shared by all workers. What was found is kept
there too, until good bytes come again.
"""

import logging
import time
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from models_registry.models import Blob, BlobState
from models_registry.storage.blobs import BlobStore, blob_store
from models_registry.storage.blobs.protocol import digest_of
from models_registry.storage.digests import BlobDigest
from models_registry.storage.exceptions import CorruptContent

logger = logging.getLogger(__name__)


@dataclass
class Scrubbed:
    """What one turn of the scrub read and found."""

    blobs: int = 0
    size_bytes: int = 0
    damaged: int = 0


def scrub(*, seconds: float, everything: bool = False) -> Scrubbed:
    """Check blobs for about so long, those first whose last check is longest ago, at a bounded rate.

    Args:
        everything: do not wait until a blob is due.

    Raises:
        StoreUnavailable: the store cannot be read now; nothing is noted of the blob that was to be next.
    """
    store, done, started = blob_store(), Scrubbed(), time.monotonic()
    began_at = timezone.now()
    # Half of the time between two checks is kept in reserve, for turns that do not come.
    due_before = began_at if everything else began_at - timedelta(days=settings.SMALLHUB_SCRUB_DAYS) / 2
    while time.monotonic() - started < seconds:
        due = Blob.objects.filter(Q(checked_at=None) | Q(checked_at__lt=due_before), state=BlobState.PRESENT)
        blob = due.order_by(F("checked_at").asc(nulls_first=True), "pk").first()
        if blob is None:
            break
        done.damaged += _check(blob, store)
        done.blobs, done.size_bytes = done.blobs + 1, done.size_bytes + blob.size_bytes
        ahead_s = done.size_bytes / max(settings.SMALLHUB_SCRUB_RATE_BYTES, 1) - (time.monotonic() - started)
        time.sleep(min(max(ahead_s, 0), max(seconds - (time.monotonic() - started), 0)))
    return done


def damaged_blobs() -> int:
    """How many blobs are known to be damaged."""
    return Blob.objects.exclude(damage="").count()


def _check(blob: Blob, store: BlobStore) -> bool:
    try:
        with store.open(BlobDigest(blob.digest)) as file:
            damage = "" if digest_of(file) == blob.digest else "wrong bytes"
    except CorruptContent:
        damage = "missing"
    # Not if somebody brought it anew while it was read, or a collection took it.
    rows = Blob.objects.filter(pk=blob.pk, state=BlobState.PRESENT, touched_at=blob.touched_at)
    noted = rows.update(checked_at=timezone.now(), damage=damage)
    if damage and noted:
        logger.error("blob %s is damaged: %s; manage.py fsck names the files", blob.digest, damage)
    return bool(damage and noted)
