"""Runs the hub's processes as one tree: starts them, restarts what dies, ends all together."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

STOP_SECONDS = 15.0
RESTART_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STEADY_SECONDS = 60.0
MAX_LOG_BYTES = 20 * 2**20
_PR_SET_PDEATHSIG = 1
_SESSION_GROUP = Path("/proc/self/autogroup")


@dataclass
class Service:
    """One process and how to start it.

    Args:
        once: it may end; a failure is told, not repaired.
        niceness: how far it stands back when processors are short, 0 (not at all) to 19.
    """

    name: str
    command: Sequence[str]
    once: bool = False
    niceness: int = 0
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restarts: int = 0
    restart_at: float = field(default=0.0)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Holds services until it is told to stop.

    Args:
        logs: folder for one log file per service.
        say: prints one line for the person at the terminal.
    """

    def __init__(self, *, logs: Path, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._logs, self._environment, self._say = logs, dict(environment), say
        self._services: list[Service] = []
        self._stopping = False
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, service: Service) -> None:
        """Start a service and keep it."""
        if service not in self._services:
            self._services.append(service)
        with self._log(service.name).open("ab") as log:
            service.process = subprocess.Popen(
                list(service.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,  # Ctrl-C comes to us alone; we end the others in order.
                preexec_fn=partial(_become, service.niceness),
            )
        service.started_at = time.monotonic()

    def request_stop(self, *_: object) -> None:
        """A signal handler: leave `watch` at its next look."""
        self._stopping = True

    @property
    def stopping(self) -> bool:
        return self._stopping

    def watch(self, *, tick: Callable[[], None] | None = None) -> None:
        """Look after the services until a stop is requested."""
        while not self._stopping:
            for service in self._services:
                self._look_after(service)
            if tick:
                tick()
            time.sleep(0.2)

    def stop(self) -> None:
        """End all processes: first kindly, then without asking."""
        running = [service for service in self._services if service.is_running]
        for service in running:
            _signal_group(service, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while any(service.is_running for service in running) and time.monotonic() < deadline:
            time.sleep(0.05)
        for service in running:
            if service.is_running:
                self._say(f"{service.name} did not end in {STOP_SECONDS:.0f} s and is killed.")
            _signal_group(service, signal.SIGKILL)  # Also what the leader left behind in its group.
            if service.process is not None:
                service.process.wait()

    def _look_after(self, service: Service) -> None:
        if service.is_running or service.process is None:
            return
        now = time.monotonic()
        if service.restart_at:
            if now >= service.restart_at:
                service.restart_at = 0.0
                self.start(service)
            return
        code = service.process.returncode
        if service.once:
            service.process = None
            if code:
                self._say(f"{service.name} failed (exit {code}); see {self._log(service.name)}")
            return
        if now - service.started_at > STEADY_SECONDS:
            service.restarts = 0
        wait = RESTART_SECONDS[min(service.restarts, len(RESTART_SECONDS) - 1)]
        service.restarts += 1
        service.restart_at = now + wait
        self._say(f"{service.name} ended (exit {code}) and starts again in {wait:g} s; see {self._log(service.name)}")

    def _log(self, name: str) -> Path:
        path = self._logs / f"{name}.log"
        if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path


def _become(niceness: int) -> None:
    """Between fork and exec: end when the supervisor is killed outright, and stand back as told."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if niceness:
        os.nice(niceness)
        # Where Linux groups processes by session, each group has its share, and niceness counts within one alone.
        with suppress(OSError):
            _SESSION_GROUP.write_text(str(niceness))


def _signal_group(service: Service, number: signal.Signals) -> None:
    if service.process is None:
        return
    try:
        os.killpg(service.process.pid, number)
    except ProcessLookupError:
        return
