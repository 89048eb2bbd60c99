"""Rows that belong to no app: which workers are alive."""

from django.db import models


class TimeStamped(models.Model):
    """Adds the moments of creation and of the last change."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class WorkerHeartbeat(models.Model):
    """The last sign of life of one worker process, so that `readyz` can tell whether anything is measured."""

    worker = models.CharField(max_length=200, unique=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.worker
