"""The warm process as its owner sees it: started once per worker, asked for children, started again when it died."""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from evaluation.sandbox import launch
from evaluation.sandbox.errors import HostLost
from evaluation.sandbox.launch import Loader

_START_S = 120.0
_FORK_S = 20.0
# What most models need, imported before the first one comes; and kinds of models, imported while nobody asks.
_MODULES = (
    "numpy",
    "torch",
    "tokenizers",
    "safetensors",
    "transformers",
    "smallhub.runtimes",
    "smallhub.runtimes.transformers",
    "smallhub.runtimes._encoder",
    "smallhub.runtimes.recurrent",
    "smallhub.runtimes.ngram",
)
_KINDS = ("gpt2", "llama", "gpt_neox", "bert", "qwen2", "roberta", "distilbert", "t5", "opt", "marian")
_BOOTSTRAP = launch.bootstrap(
    "import json, sandbox_child.zygote\nsandbox_child.zygote.run(int(sys.argv[2]), *json.loads(sys.argv[3]))"
)


@dataclass
class Forked:
    """A child of the warm process, with the face of `subprocess.Popen` as far as the watchdog needs it.

    Its number stays its own until `release`: the warm process keeps it in the kernel's table until then.
    """

    pid: int
    stdout: IO[bytes] | None
    leash: socket.socket
    is_lost: bool = False  # The warm process died, and took the child along.
    _status: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def poll(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._ask(0.0)

    def wait(self, timeout: float) -> int:
        """Wait for the end.

        Raises:
            subprocess.TimeoutExpired
        """
        status = self._ask(timeout)
        if status is None:
            raise subprocess.TimeoutExpired("a forked child", timeout)
        return status

    def release(self) -> None:
        """Let the warm process forget the child; what still ran of it is ended."""
        self.leash.close()

    def _ask(self, timeout: float) -> int | None:
        with self._lock:
            if self._status is None and self.leash.fileno() >= 0 and select.select([self.leash], [], [], timeout)[0]:
                raw = self.leash.recv(4)
                self.is_lost = len(raw) != 4
                self._status = -9 if self.is_lost else struct.unpack("<i", raw)[0]
            return self._status


class Zygote:
    """One warm process. Use `shared` unless a test wants its own."""

    def __init__(self, *, modules: tuple[str, ...] = _MODULES, kinds: tuple[str, ...] = _KINDS) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        later = [f"transformers.models.{kind}.modeling_{kind}" for kind in kinds]
        lists = json.dumps([[str(path) for path in launch.python_path(Loader.runtimes())], list(modules), later])
        nowhere = Path("/nonexistent")
        with theirs:
            self._process = subprocess.Popen(
                [*launch.python(), _BOOTSTRAP, str(launch.CHILD_FOLDER), str(theirs.fileno()), lists],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=launch.fresh_environment(nowhere, threads=1),
                cwd="/",
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._control = ours
        self._is_ready = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def fork(self, read_from: int, write_to: int) -> Forked:
        """A child that reads and writes these two descriptors, and knows nothing else of ours.

        Raises:
            HostLost: the warm process is gone, or does not answer.
        """
        output, child_output = os.pipe()
        leash, its_leash = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._wait_until_ready()
            socket.send_fds(self._control, [b"fork"], [read_from, write_to, child_output, its_leash.fileno()])
            its_leash.close()
            if not select.select([leash], [], [], _FORK_S)[0] or len(raw := leash.recv(4)) != 4:
                raise HostLost("The process that starts models did not answer.")
        except OSError as error:
            os.close(output)
            leash.close()
            raise HostLost("The process that starts models is gone.") from error
        except HostLost:
            os.close(output)
            leash.close()
            raise
        finally:
            os.close(child_output)
            its_leash.close()
        return Forked(struct.unpack("<i", raw)[0], os.fdopen(output, "rb", buffering=0), leash)

    def wait_until_warm(self) -> None:
        """Come back when it has imported what it shall."""
        self._wait_until_ready()

    def close(self) -> None:
        """End it; children that still run end with it."""
        self._control.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(timeout=10)

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + _START_S
        while not self._is_ready:
            if select.select([self._control], [], [], max(0.0, until - time.monotonic()))[0]:
                self._is_ready = self._control.recv(16) == b"ready"
            if not self._is_ready:
                raise HostLost("The process that starts models could not be started.")


_LOCK = threading.Lock()
_SHARED: dict[int, Zygote] = {}


def shared() -> Zygote:
    """This process's warm process; a new one if there is none, or it died."""
    with _LOCK:
        found = _SHARED.get(os.getpid())
        if found is None or not found.is_alive:
            _SHARED.clear()  # After a fork, one that belongs to the parent is not ours.
            found = _SHARED[os.getpid()] = Zygote()
        return found


def shared_pid() -> int | None:
    """The number of this process's warm process; None if it has none."""
    found = _SHARED.get(os.getpid())
    return None if found is None else found.pid


def close_shared() -> None:
    """End this process's warm process, if it has one."""
    with _LOCK:
        found = _SHARED.pop(os.getpid(), None)
        if found is not None:
            found.close()
