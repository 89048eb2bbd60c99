"""A process that has imported the heavy libraries and waits to fork children that then build their walls.

It is started with a fresh environment and two things only: its control socket and the list of modules to import. It
opens no model, knows no job, and reads nothing of a job's: what a child has to do comes over the child's own pipe. It
starts no threads, for a fork would not take them along.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import itertools
import os
import select
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Iterator
from typing import Any

from . import main, walls

READY = b"ready"
FORK = b"fork"
_HIGHEST = 4096


def run(control: int, python_path: list[str], modules: list[str], later: list[str]) -> None:
    """Entry point. Imports `modules`, says so, and serves until the other end is gone; imports `later` when idle."""
    sys.path.extend(python_path)
    socket_ = socket.socket(fileno=control)
    _import(modules)
    if len(os.listdir("/proc/self/task")) != 1:
        raise SystemExit("A library started a thread while it was imported: nothing can be forked safely.")
    gc.collect()
    gc.freeze()  # Objects that are never freed leave their pages shared.
    socket_.send(READY)
    _Server(socket_, later).serve()


def _import(modules: list[str]) -> None:
    """Import what is there: a package that is not installed is missed by the model that needs it, not here."""
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError:
            continue


class _Server:
    """Forks on request, tells each child's number and end over a socket of its own, and ends who is wanted no more."""

    def __init__(self, control: socket.socket, later: list[str]) -> None:
        self._control, self._later = control, later
        self._leashes: dict[int, socket.socket] = {}
        self._told: set[int] = set()
        self._wake, self._alarm = os.pipe()
        for end in (self._wake, self._alarm):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._alarm, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def serve(self) -> None:
        while True:
            watched: list[Any] = [self._control, self._wake, *self._leashes.values()]
            readable, _, _ = select.select(watched, [], [], 0 if self._later else None)
            if not readable:
                _import([self._later.pop(0)])
                continue
            if self._wake in readable:
                self._drain()
            self._tell_ends()
            self._let_go(leash for leash in self._leashes.values() if leash in readable)
            if self._control in readable and not self._answer():
                return

    def _answer(self) -> bool:
        """Fork once; False when nobody is there to ask any more."""
        message, descriptors, _, _ = socket.recv_fds(self._control, 16, 4)
        if message != FORK or len(descriptors) != 4:
            return False
        read_from, write_to, output, leash = descriptors
        here = os.getpid()
        child = os.fork()
        if child == 0:
            self._become_child(read_from, write_to, output, parent=here)
        os.setpgid(child, child)  # Both sides do it, so that whoever is told the number may end the group at once.
        for descriptor in (read_from, write_to, output):
            os.close(descriptor)
        self._leashes[child] = socket.socket(fileno=leash)
        self._send(child, child)
        return True

    def _become_child(self, read_from: int, write_to: int, output: int, *, parent: int) -> None:
        """Keep two pipes and the output, forget everything else, and live a child's life."""
        status = 1
        try:
            walls.die_with_parent()
            if os.getppid() != parent:
                os._exit(1)
            if os.getpgid(0) != os.getpid():
                os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            nothing = os.open("/dev/null", os.O_RDONLY)
            for source, target in ((nothing, 0), (output, 1), (output, 2)):
                os.dup2(source, target)
            _close_all_but({0, 1, 2, read_from, write_to})
            main.run(read_from, write_to)
            status = 0
        except BaseException:  # noqa: BLE001 - nothing may go on into the server's own code; the output tells why.
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake, 512):
                continue

    def _tell_ends(self) -> None:
        """Say how children ended. They stay in the table until let go, so that their numbers mean nobody else."""
        for child in self._leashes.keys() - self._told:
            ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is not None:
                is_signal = ended.si_code != os.CLD_EXITED
                self._told.add(child)
                self._send(child, -ended.si_status if is_signal else ended.si_status)

    def _let_go(self, leashes: Iterator[socket.socket]) -> None:
        """The other end has closed: end what still runs, and forget it."""
        for leash in list(leashes):
            child = next(number for number, own in self._leashes.items() if own is leash)
            if child not in self._told:
                os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            self._told.discard(child)
            del self._leashes[child]
            leash.close()

    def _send(self, child: int, number: int) -> None:
        try:
            self._leashes[child].send(struct.pack("<i", number))
        except OSError:  # Nobody listens any more; the closed end is seen in the next round.
            return


def _close_all_but(kept: set[int]) -> None:
    """Close every descriptor but these, whatever was open in the process that was forked."""
    bounds = [-1, *sorted(kept), _HIGHEST]
    for low, high in itertools.pairwise(bounds):
        if low + 1 < high:  # An empty range at 0 would close everything.
            os.closerange(low + 1, high)
