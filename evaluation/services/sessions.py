"""Loaded models that a worker keeps for its next runs of the same commit.

One at most, in this process alone, and never for another commit: whatever a model could leave in its own process is
met by that same model only. A session is left when another commit comes, when the cost is to be measured, when it has
used a good part of its processor time, and when nobody has wanted it for a while.
"""

import atexit
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from evaluation import sandbox
from evaluation.sandbox import Limits, Session, Usage
from evaluation.services import cores
from evaluation.services.lease import Lease

logger = logging.getLogger("evaluation.sessions")

KEEP_S = 30.0
_CPU_SHARE = 0.25


@dataclass(frozen=True)
class Loaded:
    """A session with a loaded model. `is_fresh`: it was loaded for this run."""

    session: Session
    is_fresh: bool
    before: Usage

    def usage(self) -> Usage:
        """What this run has used: time since it began; the peak of memory is that of the process."""
        now = self.session.usage()
        cpu_s, wall_s = max(0.0, now.cpu_s - self.before.cpu_s), max(0.0, now.wall_s - self.before.wall_s)
        return Usage(now.peak_rss_bytes, now.rss_bytes, cpu_s, wall_s)


@dataclass
class _Kept:
    owner: int
    model: str
    session: Session
    timer: threading.Timer


_LOCK = threading.Lock()
_kept: _Kept | None = None


def limits(*, threads: int | None = None) -> Limits:
    """What one run may use, by the settings; `threads` instead of theirs where a check asks for another number."""
    seconds = settings.SMALLHUB_RUN_SECONDS
    return Limits(
        memory_bytes=settings.SMALLHUB_RUN_MEMORY_BYTES,
        wall_s=float(seconds),
        cpu_s=seconds * max(settings.SMALLHUB_RUN_THREADS, 1),
        call_s=float(min(seconds, 300)),
        compute_threads=threads or settings.SMALLHUB_RUN_THREADS,
        cores=cores.own(threads or settings.SMALLHUB_RUN_THREADS),
    )


def open_session(
    folder: Path,
    lease: Lease,
    *,
    threads: int | None = None,
    loader: sandbox.Loader | None = None,
    warm: bool = True,
) -> Session:
    """A sandbox over a folder, which ends when the lease is lost. `warm=False` starts it as on a fresh machine."""
    session = sandbox.open(folder, limits=limits(threads=threads), loader=loader, warm=warm)
    lease.watch(session)
    return session


@contextmanager
def loaded(*, model: str, lease: Lease, lay_out: Callable[[], Any]) -> Iterator[Loaded]:
    """The model of a commit, loaded: the kept session if it is of this commit, else a new one. It is kept afterwards.

    After an exception it is not: then nothing is known of its state.

    Args:
        model: names the commit, and with it the files, for good.
        lay_out: makes a context manager that gives a folder with the files; asked for a new session only.

    Raises:
        SandboxError: no sandbox can be built, or the model does not load.
    """
    session = _take(model)
    is_fresh = session is None
    if session is None:
        with lay_out() as folder:  # The child's own copy of the files outlives it.
            session = open_session(folder, lease)
            try:
                session.load()
            except BaseException:
                session.close()
                raise
    else:
        session.begin_again()
        lease.watch(session)
    try:
        yield Loaded(session, is_fresh, Usage(0, 0, 0.0, 0.0) if is_fresh else session.usage())
    except BaseException:
        session.close()
        raise
    _keep(model, session)


def let_go() -> None:
    """Close the kept session, if there is one."""
    session = _take(None)
    if session is not None:
        session.close()


atexit.register(let_go)


def _take(model: str | None) -> Session | None:
    """The kept session of a model, which is then nobody's; one of another is closed. None takes any."""
    global _kept
    with _LOCK:
        found, _kept = _kept, None
    if found is None or found.owner != os.getpid():  # A fork's copy of what belongs to its parent.
        return None
    found.timer.cancel()
    if model is None or (found.model == model and _has_room(found.session)):
        return found.session
    found.session.close()
    return None


def _has_room(session: Session) -> bool:
    return session.is_alive and session.usage().cpu_s < _CPU_SHARE * session.limits.cpu_s


def _keep(model: str, session: Session) -> None:
    global _kept
    timer = threading.Timer(KEEP_S, let_go)
    timer.daemon = True
    with _LOCK:
        _kept = _Kept(os.getpid(), model, session, timer)
    timer.start()
