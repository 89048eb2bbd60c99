"""Which processors a worker's models run on: each worker keeps some for itself while there are enough.

A worker holds a lock on a file for each processor that it has, until it ends however it ends. The files lie in the
hub's data, by the machine's boot, so that containers on one machine that share the data see each other.
"""

import fcntl
import os
import threading
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LOCK = threading.Lock()


@dataclass
class _Held:
    """The locked files of one process, by the number of the processor."""

    owner: int
    files: dict[int, int] = field(default_factory=dict)


_held = _Held(0)


def own(threads: int) -> tuple[int, ...]:
    """A processor for each thread, which no other worker here has, the same each time; none where there are not enough.

    Without enough of them nothing is gained by a choice of ours: then the system moves threads as it sees fit.
    """
    global _held
    if not settings.SMALLHUB_RUN_PINNED:
        return ()
    with _LOCK:
        if _held.owner != os.getpid():
            _close(_held)  # What a fork inherited is its parent's.
            _held = _Held(os.getpid())
        if not _held.files:
            _take(_held, settings.SMALLHUB_RUN_THREADS)
        mine = sorted(_held.files)
    return tuple(mine[:threads]) if len(mine) >= threads else ()


def let_go() -> None:
    """Give all of them back."""
    with _LOCK:
        _close(_held)


def _take(held: _Held, wanted: int) -> None:
    """Lock so many, or none."""
    allowed = sorted(os.sched_getaffinity(0))
    # Another hub on this machine has other data and sees none of our locks: it shall not begin where we do.
    first = zlib.crc32(str(settings.SMALLHUB_DATA).encode()) % len(allowed)
    for core in allowed[first:] + allowed[:first]:
        if len(held.files) < wanted and (file := _locked(core)) is not None:
            held.files[core] = file
    if len(held.files) < wanted:
        _close(held)


def _close(held: _Held) -> None:
    for file in held.files.values():
        os.close(file)
    held.files.clear()


def _locked(core: int) -> int | None:
    """The open and locked file of a processor; None if another worker has it, or nothing can be locked here."""
    folder = settings.SMALLHUB_DATA / "cores"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / f"{_boot()}-{core}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file


def _boot() -> str:
    try:
        return _BOOT_ID.read_text()[:8]
    except OSError:
        return "machine"
