"""Starting, awaiting and ending one server process; nothing of it outlives the script that started it."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

START_SECONDS = 90.0
STOP_SECONDS = 20.0
PR_SET_PDEATHSIG = 1


class ServerFailed(Exception):
    """A server is missing, or did not come up; says which and shows what it printed last."""


class Servers:
    """The processes that were started, in order."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[bytes]] = []

    def start(
        self,
        command: Sequence[str | Path],
        log: Path,
        *,
        owner: str | None = None,
        environment: dict[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a server that ends with us, whatever becomes of us."""
        with log.open("ab") as output:
            server = subprocess.Popen(
                [*command],
                **as_user(owner),
                cwd=log.parent,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent,
            )
        self._started.append(server)
        return server

    def stop(self) -> None:
        """End what was started, last first: SIGINT is a quick, orderly end for all of them."""
        for server in reversed(self._started):
            server.send_signal(signal.SIGINT)
        deadline = time.monotonic() + STOP_SECONDS
        for server in self._started:
            try:
                server.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def as_user(owner: str | None) -> dict[str, Any]:
    return {"user": owner, "group": owner, "extra_groups": []} if owner else {}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(name: str, server: subprocess.Popen[bytes], log: Path, is_ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        if server.poll() is not None or time.monotonic() > deadline:
            raise ServerFailed(f"{name} did not come up.\n{tail(log)}")
        time.sleep(0.1)


def run_once(
    command: Sequence[str | Path],
    log: Path,
    *,
    what: str,
    owner: str | None = None,
    environment: dict[str, str] | None = None,
) -> None:
    """Run a tool to its end, its output into the log."""
    with log.open("ab") as output:
        done = subprocess.run(
            [*command], **as_user(owner), cwd=log.parent, env=environment, stdout=output, stderr=output, check=False
        )
    if done.returncode:
        raise ServerFailed(f"{what} failed.\n{tail(log)}")


def tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


def die_with_parent() -> None:
    """Between fork and exec: when we are killed outright, the kernel ends the server as well."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def is_root() -> bool:
    return os.geteuid() == 0
