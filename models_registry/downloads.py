"""Counting downloads without a write per request.

Each process keeps a small tally and adds it to the rows now and then; a killed process loses seconds of counting,
never a download.
"""

import threading
import time
from collections import Counter

from django.db import OperationalError
from django.db.models import F
from django.http import HttpRequest

from models_registry.models import Repository
from models_registry.types import Entry

FLUSH_SECONDS = 10.0

_tally: Counter[int] = Counter()
_lock = threading.Lock()
_flushed_at = time.monotonic()


def note(repository: Repository, request: HttpRequest, entry: Entry) -> None:
    """Count a file request that stands for a download: a whole file, and one of the telling ones."""
    if entry.path == _telling(repository) and not request.headers.get("Range", "").startswith("bytes=1"):
        count(repository)


def count(repository: Repository) -> None:
    """Count one download, and write the tally if it is old enough."""
    global _flushed_at
    with _lock:
        _tally[repository.pk] += 1
        due = time.monotonic() - _flushed_at > FLUSH_SECONDS
        if due:
            _flushed_at = time.monotonic()
    if due:
        flush()


def flush() -> None:
    """Add the tally to the rows. When the database is busy the numbers wait for the next time."""
    with _lock:
        counted = Counter(_tally)
        _tally.clear()
    try:
        for pk, number in counted.items():
            Repository.objects.filter(pk=pk).update(downloads=F("downloads") + number)
            counted[pk] = 0
    except OperationalError:
        with _lock:
            _tally.update(+counted)


def _telling(repository: Repository) -> str:
    """One file stands for all, else a model of forty files would count forty times (as on the public hub)."""
    return "config.json" if repository.kind == "model" else "README.md"
