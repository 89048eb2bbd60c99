"""Noticing what is fetched again and again, so that a whole copy of it is made ready."""

import logging

from celery.exceptions import CeleryError
from django.conf import settings
from django.core.cache import cache
from kombu.exceptions import KombuError

from models_registry import tasks
from models_registry.models import Content

logger = logging.getLogger(__name__)

_WORTH_BYTES = 4 * 2**20  # Below this, putting chunks together costs next to nothing.
_SECOND = 2
_WITHIN_S = 24 * 3600


def note_demand(content: Content) -> bool:
    """Count a fetch of content that had no whole copy; at the second in a day, ask for one. Says whether it did.

    The count is each process's own and a lost job is no loss: a later fetch asks again.
    """
    if not _WORTH_BYTES <= content.size_bytes <= settings.SMALLHUB_CACHE_BYTES:
        return False
    key = f"content-demand-{content.pk}"
    if cache.add(key, 1, timeout=_WITHIN_S):
        return False
    try:
        count = cache.incr(key)
    except ValueError:  # It ran out between the two lines.
        return False
    if count != _SECOND:
        return False
    if not ask_for_copy(content):
        cache.delete(key)
        return False
    return True


def ask_for_copy(content: Content) -> bool:
    """Have a worker make a whole copy of content. False when the queue does not answer; asking again is harmless."""
    try:
        tasks.materialise_content.delay(content.pk)
    except (OSError, KombuError, CeleryError):
        logger.warning("No whole copy of content %s was asked for: the queue does not answer.", content.pk)
        return False
    return True
