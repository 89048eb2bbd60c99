"""The lease on a conversion, by the rules of runs: one worker at a time, kept alive, taken back, ended once.

The row is the truth. Every write is a compare-and-swap on (id, running, attempt): what a worker that was thought dead
brings late is not written, and no second pull request is opened.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self

from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from evaluation.exceptions import LeaseLost
from evaluation.models import Conversion
from evaluation.services import runs, workers
from evaluation.services.plain import plain_text

logger = logging.getLogger("evaluation.conversions")

MAX_LOSSES = 3
SILENCE = timedelta(minutes=1)
AT_ONCE = 50
_MAX_REASON = 2000


def claim(conversion_id: int) -> Conversion | None:
    """Lease a conversion that waits, or one whose worker died or fell silent; None if there is nothing to do."""
    now = timezone.now()
    row = Conversion.objects.filter(pk=conversion_id).first()
    if row is None or not (row.state == Conversion.State.QUEUED or _is_lost(row, now)):
        return None
    if row.state == Conversion.State.RUNNING:
        take_back(row, at=now)
        row.refresh_from_db()
    mine = Conversion.objects.filter(pk=row.pk, state=Conversion.State.QUEUED, attempt=row.attempt)
    taken = mine.update(
        state=Conversion.State.RUNNING,
        attempt=row.attempt + 1,
        worker=workers.this_worker(),
        lease_until=now + runs.lease_length(),
        started_at=now,
        finished_at=None,
    )
    if not taken:
        return None
    return Conversion.objects.select_related("repository__namespace", "commit", "requested_by").get(pk=row.pk)


def take_back(row: Conversion, *, at: datetime) -> bool:
    """Let a conversion whose worker is gone wait for another; after three losses it has failed. True if it waits."""
    if not _is_lost(row, at):
        return False
    return give_back(row, gettext("its worker died or fell silent"), at=at)


def give_back(row: Conversion, why: str, *, at: datetime) -> bool:
    """Let a conversion that is worked on wait, and count it; after three times it has failed. True if it waits."""
    if row.losses + 1 < MAX_LOSSES:
        changes: dict[str, Any] = {"state": Conversion.State.QUEUED, "dispatched_at": None}
    else:
        text = gettext("Given up after %(count)s attempts: %(why)s.")
        reason = text % {"count": row.losses + 1, "why": why.rstrip(".")}
        changes = {"state": Conversion.State.FAILED, "reason": plain_text(reason)[:_MAX_REASON], "finished_at": at}
    done = _mine(row).update(losses=row.losses + 1, lease_until=None, **changes)
    return bool(done) and changes["state"] == Conversion.State.QUEUED


def end(row: Conversion, state: Conversion.State, **changes: Any) -> None:
    """End a conversion, if this attempt still holds it. Part of the transaction that writes what it made.

    Raises:
        LeaseLost: it does not; nothing may be written.
    """
    reason = plain_text(str(changes.pop("reason", "")))[:_MAX_REASON]
    ended = _mine(row).update(state=state, reason=reason, lease_until=None, finished_at=timezone.now(), **changes)
    if not ended:
        raise LeaseLost(run=row.pk, attempt=row.attempt)


def tell_again(tell: Callable[[int], None]) -> int:
    """Take back what was lost, and tell the queue again of what waits for a while. Says of how many."""
    now = timezone.now()
    for row in Conversion.objects.filter(state=Conversion.State.RUNNING):
        if take_back(row, at=now):
            logger.warning("conversion %s: attempt %s was lost, it waits again", row.pk, row.attempt)
    unheard = Q(dispatched_at__isnull=True, created_at__lt=now - SILENCE) | Q(dispatched_at__lt=now - SILENCE)
    lost = Q(dispatched_at__isnull=True, losses__gt=0)
    waiting = Conversion.objects.filter(unheard | lost, state=Conversion.State.QUEUED).order_by("pk")
    told: Sequence[int] = list(waiting.values_list("pk", flat=True)[:AT_ONCE])
    Conversion.objects.filter(pk__in=told).update(dispatched_at=now)
    for pk in told:
        transaction.on_commit(partial(tell, pk))
    return len(told)


class Keeper:
    """Renews a lease for the length of a `with` block, in a thread with a connection of its own.

    When the lease is lost it calls `stop`, which the work sets to what ends the process that reads the file.
    """

    def __init__(self, row: Conversion) -> None:
        self.stop: Callable[[], None] | None = None
        self._row = row
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"conversion-{row.pk}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=30)

    def _beat(self) -> None:
        try:
            while not self._ended.wait(runs.lease_length().total_seconds() / 6):
                try:
                    kept = _mine(self._row).update(lease_until=timezone.now() + runs.lease_length())
                except DatabaseError:
                    logger.warning("conversion %s: the lease could not be renewed now", self._row.pk, exc_info=True)
                    continue
                if not kept and not self._ended.is_set():
                    logger.warning("conversion %s: attempt %s lost its lease", self._row.pk, self._row.attempt)
                    if self.stop is not None:
                        self.stop()
                    return
        finally:
            connection.close()


def _mine(row: Conversion) -> "QuerySet[Conversion]":
    return Conversion.objects.filter(pk=row.pk, state=Conversion.State.RUNNING, attempt=row.attempt)


def _is_lost(row: Conversion, at: datetime) -> bool:
    if row.state != Conversion.State.RUNNING:
        return False
    return row.lease_until is None or row.lease_until < at or workers.is_gone(row.worker)
