"""Who works: a name for this process that tells others on the same machine whether it still lives."""

import os
import socket
from functools import lru_cache
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def this_worker() -> str:
    """The name that runs are leased under: machine, process numbers' space, process, its start."""
    return _name_of(os.getpid())


@lru_cache(maxsize=4)
def _name_of(pid: int) -> str:
    return f"{socket.gethostname()[:80]}/{_space()}/{pid}/{_started(pid)}"


def short_name(worker: str) -> str:
    """Machine and process, for people; an empty name stays empty."""
    host, *rest = worker.split("/")
    return f"{host}:{rest[1]}" if len(rest) > 1 else host


def is_gone(worker: str) -> bool:
    """Whether a worker is known to be dead. Of another machine's, or one in another container, nothing is known."""
    host, _, rest = worker.partition("/")
    space, _, rest = rest.partition("/")
    pid, _, started = rest.partition("/")
    if host != socket.gethostname()[:80] or space != _space() or not pid.isdigit() or not started:
        return False
    return _started(int(pid)) != started


def _space() -> str:
    """What process numbers are relative to: this boot and this PID namespace; "" where that cannot be told."""
    try:
        return f"{_BOOT_ID.read_text()[:8]}-{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process was started, in ticks since boot; "" if there is none of that number, or it is only a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]
