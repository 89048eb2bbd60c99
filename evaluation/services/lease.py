"""Keeping a lease while the work goes on: a heartbeat beside it, and its live progress and log in the row."""

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from evaluation.exceptions import LeaseLost
from evaluation.sandbox import Session
from evaluation.services import runs
from evaluation.services.outcomes import Used
from evaluation.services.plain import plain_text
from evaluation.services.runs import Claim

logger = logging.getLogger("evaluation.lease")

SHOW_EVERY_S = 1.0
LOOK_EVERY_S = 1.0
MAX_LOG_CHARACTERS = 64_000


class Lease:
    """Holds a claim for the length of a `with` block.

    The heartbeat runs in a thread of its own with a connection of its own, so that a model that takes a minute over
    one answer is not thought dead. When it finds that the lease is lost it calls `stop`, which the work sets to
    whatever ends the model's process; the work then fails, and whatever it would write is refused by the fence.
    """

    def __init__(self, claim: Claim, *, log: str = "") -> None:
        self.claim = claim
        self.stop: Callable[[], None] | None = None
        self._lines = log
        self._progress, self._shown_at, self._changed = 0.0, 0.0, False
        self._lost, self._ended = threading.Event(), threading.Event()
        self._watched: list[tuple[Session, float]] = []
        self._began_cpu_s = time.process_time()
        self._thread = threading.Thread(target=self._beat, name=f"lease-{claim.run_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=30)

    def watch(self, session: Session) -> None:
        """End this session when the lease is lost, and count what it uses from now on as this run's."""
        self.stop = session.stop
        self._watched.append((session, session.usage().cpu_s))

    def used(self) -> Used:
        """What the attempt has cost so far."""
        own = time.process_time() - self._began_cpu_s
        found = [(session.usage(), before) for session, before in self._watched]
        peak = max((usage.peak_rss_bytes for usage, _ in found), default=None)
        return Used(own + sum(max(usage.cpu_s - before, 0.0) for usage, before in found), peak)

    @property
    def is_lost(self) -> bool:
        return self._lost.is_set()

    @property
    def log(self) -> str:
        """All that was said so far, the oldest cut away when it is too long."""
        return self._lines

    def say(self, line: str) -> None:
        """Add a line to the run's log.

        Raises:
            LeaseLost: the work is no longer wanted.
        """
        stamp = f"{timezone.now():%H:%M:%S}"
        self._lines = f"{self._lines}{stamp} {plain_text(line)}\n"[-MAX_LOG_CHARACTERS:]
        self._changed = True
        self._show()

    def progress(self, fraction: float) -> None:
        """Say how much is done, from 0 to 1. Call as often as you like: the row is written once a second.

        Raises:
            LeaseLost: the work is no longer wanted.
        """
        self._changed = self._changed or fraction != self._progress
        self._progress = fraction
        self._show()

    def check(self) -> None:
        """Raise LeaseLost if the work is no longer wanted."""
        if self.is_lost:
            raise LeaseLost(run=self.claim.run_id, attempt=self.claim.attempt)

    def _show(self) -> None:
        self.check()
        if not self._changed or time.monotonic() - self._shown_at < SHOW_EVERY_S:
            return
        self._shown_at, self._changed = time.monotonic(), False
        try:
            runs.note_progress(self.claim, progress=self._progress, log=self._lines)
        except LeaseLost:
            self._lost.set()
            raise

    def _beat(self) -> None:
        interval = runs.lease_length().total_seconds() / 6
        renewed = time.monotonic()
        try:
            while not self._ended.wait(min(LOOK_EVERY_S, interval)):
                is_due = time.monotonic() - renewed >= interval
                if not self._still_mine(renew=is_due):
                    return
                renewed = time.monotonic() if is_due else renewed
        finally:
            connection.close()

    def _still_mine(self, *, renew: bool) -> bool:
        """Renew the lease, or only look whether it was taken away; False if it is lost.

        Somebody may cancel the run: then its model must not work on until the next renewal. A database that is busy now
        will be asked again.
        """
        try:
            if runs.renew(self.claim) if renew else runs.is_wanted(self.claim):
                return True
        except DatabaseError:
            logger.warning("run %s: the lease could not be renewed now", self.claim.run_id, exc_info=True)
            return True
        if self._ended.is_set():
            return False
        self._lost.set()
        logger.warning("run %s: attempt %s lost its lease", self.claim.run_id, self.claim.attempt)
        if self.stop is not None:
            self.stop()
        return False
