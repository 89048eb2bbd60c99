"""Signs of life of workers."""

import logging
from datetime import timedelta

from django.db import DatabaseError, connection
from django.utils import timezone

from hub.core.models import WorkerHeartbeat

logger = logging.getLogger("hub.heartbeat")


def beat(*, worker: str) -> None:
    """Note that a worker lives, and forget those silent for a day. A busy database costs one beat, not the worker."""
    now = timezone.now()
    try:
        WorkerHeartbeat.objects.update_or_create(worker=worker, defaults={"seen_at": now})
        WorkerHeartbeat.objects.filter(seen_at__lt=now - timedelta(days=1)).delete()
    except DatabaseError:
        logger.warning("could not note the heartbeat of %s", worker, exc_info=True)
    finally:
        connection.close()  # The pool forks from this process; no child may inherit an open connection.
