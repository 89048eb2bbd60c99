"""The child seen from outside: one call at a time over two pipes, and a watchdog that ends it when it must."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from evaluation.sandbox.errors import Crashed, HostLost, OutOfMemory, SandboxError, TimedOut
from evaluation.sandbox.limits import Limits
from evaluation.sandbox.zygote import Forked
from models_registry.formats import config_json
from models_registry.formats.errors import BadFormat

_POLL_S = 0.05
_TAIL_BYTES = 16_384
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """What a job has used so far. Measured from outside, since the child could say anything."""

    peak_rss_bytes: int
    rss_bytes: int
    cpu_s: float
    wall_s: float


class Process(Protocol):
    """What the watchdog needs of a process: `subprocess.Popen` has it, and so has a child of the warm process."""

    pid: int
    stdout: IO[bytes] | None

    def poll(self) -> int | None: ...

    def wait(self, timeout: float) -> int: ...


Start = Callable[[int, int], Process]


def started(command: list[str], environment: dict[str, str], *, descriptors: tuple[int, ...] = ()) -> Start:
    """A start from nothing: a command that holds {read} and {write} where the numbers of the pipes go.

    Args:
        descriptors: open files that the child gets besides the pipes.
    """

    def start(read_from: int, write_to: int) -> Process:
        words = [word.replace("{read}", str(read_from)).replace("{write}", str(write_to)) for word in command]
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd="/",
            pass_fds=(read_from, write_to, *descriptors),
            start_new_session=True,
            bufsize=0,
        )

    return start


class Child:
    """A running child process. Use from the thread that made it: the kernel ends the child with that thread."""

    def __init__(self, start: Start, limits: Limits, *, tmp: Path) -> None:
        """
        Args:
            start: starts the process that reads the first descriptor and writes the second.
        """
        self._limits, self._tmp = limits, tmp
        self._started = time.monotonic()
        self._usage = Usage(0, 0, 0.0, 0.0)
        self._verdict: SandboxError | None = None
        self._buffer, self._tail, self._printed = bytearray(), bytearray(), 0
        self._open(start)
        self._stopping = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name="sandbox-watchdog", daemon=True)
        self._watchdog.start()

    def _open(self, start: Start) -> None:
        child_reads, self._write_to = os.pipe()
        self._read_from, child_writes = os.pipe()
        try:
            self._process = start(child_reads, child_writes)
        except (OSError, SandboxError):
            os.close(self._write_to)
            os.close(self._read_from)
            raise
        finally:
            os.close(child_reads)
            os.close(child_writes)
        os.set_blocking(self._write_to, False)
        os.set_blocking(self._read_from, False)

    def exchange(self, message: dict[str, Any], *, timeout_s: float) -> dict[str, Any]:
        """Send one message and wait for its answer.

        Raises:
            TimedOut, OutOfMemory, Crashed: the child is dead afterwards in each of these cases.
        """
        raw = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        if len(raw) > self._limits.request_bytes:
            raise ValueError(f"a request of {len(raw):,} bytes is over the limit")
        until = min(time.monotonic() + timeout_s, self._started + self._limits.wall_s)
        line = self._transfer(memoryview(raw), until)
        try:
            reply = config_json.parse_object(line, limits=config_json.JsonLimits(self._limits.reply_bytes, depth=16))
        except BadFormat as error:
            self._end(Crashed(f"The model's process answered with something unreadable: {error.detail}"))
            raise self._failure() from error
        return reply

    @property
    def is_alive(self) -> bool:
        return self._verdict is None and not self._stopping.is_set() and self._process.poll() is None

    def begin_again(self) -> None:
        """Count the time for the whole job, and what was printed, from now on."""
        self._started, self._printed = time.monotonic(), 0

    def usage(self) -> Usage:
        """Usage up to now, or up to the end."""
        self._sample()
        return self._usage

    def output_tail(self) -> str:
        """The end of what the process printed."""
        return self._tail.decode("utf-8", "replace")

    def stop(self, verdict: SandboxError) -> None:
        """End the process from any thread; whoever waits for its answer gets this verdict."""
        self._end(verdict)

    def close(self) -> None:
        """End the process and everything it started. May be called twice."""
        if not self._stopping.is_set():
            self._sample()
            self._stopping.set()
            self._kill()
            self._watchdog.join(timeout=5)
            for descriptor in (self._write_to, self._read_from):
                os.close(descriptor)
            if self._process.stdout:
                self._process.stdout.close()
            if isinstance(self._process, Forked):
                self._process.release()

    def _transfer(self, unsent: memoryview, until: float) -> bytes:
        """Write what the pipe takes, read what it gives, until one whole line has come."""
        while True:
            if (end := self._buffer.find(b"\n")) >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 1]
                return line
            remaining = until - time.monotonic()
            if remaining <= 0:
                self._end(TimedOut(self._time_sentence()))
                raise self._failure()
            writers = [self._write_to] if unsent else []
            readable, writable, _ = select.select([self._read_from], writers, [], min(remaining, 1.0))
            try:
                if writable:
                    unsent = unsent[os.write(self._write_to, unsent[: 1 << 16]) :]
                if readable:
                    self._take(os.read(self._read_from, 1 << 20))
            except (BrokenPipeError, EOFError):
                self._process_ended()
                raise self._failure() from None

    def _take(self, block: bytes) -> None:
        if not block:
            raise EOFError
        self._buffer += block
        if len(self._buffer) > self._limits.reply_bytes:
            self._end(Crashed("The model's process sent an answer that is over the limit."))
            raise EOFError

    def _time_sentence(self) -> str:
        if time.monotonic() >= self._started + self._limits.wall_s:
            return f"The model's process ran into the limit of {self._limits.wall_s:g} s for the whole job."
        return "The model's process did not answer in time."

    def _process_ended(self) -> None:
        """Find out why the pipe closed, and remember it as the verdict, unless the watchdog already knows."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2)
        self._watchdog.join(timeout=0.2)
        status = self._process.poll()
        self._end(self._cause(status, self.output_tail()))

    def _cause(self, status: int | None, tail: str) -> SandboxError:
        """Turn an exit status (negative, or over 128 through a waiting process) into a reason."""
        number = None if status is None else -status if status < 0 else status - 128 if status > 128 else None
        if isinstance(self._process, Forked) and self._process.is_lost:
            return HostLost("The process that starts models was killed, and the model's process with it.")
        if any(word in tail for word in ("memory allocation of", "std::bad_alloc", "MemoryError")):
            return OutOfMemory("The model's process asked for more memory than it may have.")
        if number == signal.SIGXCPU:
            return TimedOut(f"The model's process used up its {self._limits.cpu_s} s of processor time.")
        if number == signal.SIGKILL and self._usage.cpu_s >= self._limits.cpu_s:
            return TimedOut(f"The model's process used up its {self._limits.cpu_s} s of processor time.")
        if number is not None:
            name = next((known.name for known in signal.Signals if known == number), str(number))
            return Crashed(f"The model's process was ended by {name}.", signal=number, tail=tail)
        return Crashed(f"The model's process ended by itself (status {status}).", tail=tail)

    def _end(self, verdict: SandboxError) -> None:
        """Kill the child; the first reason is the one that counts."""
        if self._verdict is None:
            self._verdict = verdict
        self._kill()

    def _failure(self) -> SandboxError:
        return self._verdict or Crashed("The model's process is gone.")

    def _kill(self) -> None:
        """Kill the whole process group: bubblewrap, its init and the child, which cannot leave the group."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)

    def _watch(self) -> None:
        """Every 50 ms: take what was printed, measure, and end the child when it is over a limit."""
        output = self._process.stdout
        assert output is not None
        open_output = True
        next_disk_check = 0.0
        while not self._stopping.is_set() and (self._process.poll() is None or open_output):
            if open_output:
                open_output = self._drain(output.fileno())
            else:
                self._stopping.wait(_POLL_S)
            self._sample()
            if self._usage.rss_bytes > self._limits.memory_bytes:
                self._end(
                    OutOfMemory(f"The model's process went over {self._limits.memory_bytes >> 20:,} MiB of memory.")
                )
            if time.monotonic() > next_disk_check:
                self._check_disk()
                next_disk_check = time.monotonic() + 0.5

    def _drain(self, descriptor: int) -> bool:
        """Keep the tail of what was printed and count all; False at the end of the output."""
        readable, _, _ = select.select([descriptor], [], [], _POLL_S)
        if not readable:
            return True
        block = os.read(descriptor, 1 << 16)
        self._printed += len(block)
        self._tail += block
        del self._tail[:-_TAIL_BYTES]
        if self._printed > self._limits.output_bytes:
            self._end(Crashed(f"The model's process printed more than {self._limits.output_bytes:,} bytes."))
        return bool(block)

    def _check_disk(self) -> None:
        """Without a private tmp of fixed size, count what lies in it. (With one, nothing of it is seen here.)"""
        used = 0
        with contextlib.suppress(OSError):
            for folder, _, names in os.walk(self._tmp):
                used += sum(os.lstat(os.path.join(folder, name)).st_size for name in names)
        if used > self._limits.tmp_bytes:
            self._end(Crashed(f"The model's process wrote more than {self._limits.tmp_bytes:,} bytes to its tmp."))

    def _sample(self) -> None:
        """Read memory and processor time of the innermost process; keep the last figures once it is gone."""
        wall = time.monotonic() - self._started
        try:
            leaf = _innermost(self._process.pid)
            resident = int(Path(f"/proc/{leaf}/statm").read_text().split()[1]) * _PAGE_BYTES
            peak = _peak_bytes(leaf)
            cpu_s = _cpu_s(leaf)
        except (OSError, ValueError, IndexError):
            self._usage = Usage(self._usage.peak_rss_bytes, 0, self._usage.cpu_s, wall)
            return
        highest = max(self._usage.peak_rss_bytes, peak, resident)
        self._usage = Usage(highest, resident, max(cpu_s, self._usage.cpu_s), wall)


def _innermost(pid: int) -> int:
    """Follow single children down: waiting processes of the walls have exactly one, the model's process has none."""
    for _ in range(4):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if not children:
            break
        pid = int(children[0])
    return pid


def _peak_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _cpu_s(pid: int) -> float:
    """User and system time of all the process's threads, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
