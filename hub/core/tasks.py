"""The queue's own sign of life."""

import socket
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from hub.core.models import WorkerHeartbeat


@shared_task
def heartbeat() -> None:
    """Note that a worker on this machine took a task just now, and forget those silent for a day."""
    now = timezone.now()
    WorkerHeartbeat.objects.update_or_create(worker=socket.gethostname(), defaults={"seen_at": now})
    WorkerHeartbeat.objects.filter(seen_at__lt=now - timedelta(days=1)).delete()
