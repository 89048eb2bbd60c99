"""Generated programs are hostile: each runs alone, in a sandbox of its own without network, files or much time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from evaluation.sandbox.errors import Crashed, OutOfMemory, RuntimeRefused, TimedOut
from evaluation.sandbox.launch import Loader, Plan
from evaluation.sandbox.limits import MIB, Limits
from evaluation.sandbox.probing import chosen_plan
from evaluation.sandbox.session import Session

AT_ONCE = 4  # Sandboxes side by side at most; fewer where there are fewer cores.
OUTCOMES = ("pass", "assertion", "exception", "timeout", "memory", "forbidden")
LIMITS = Limits(
    memory_bytes=512 * MIB,
    address_space_extra_bytes=0,
    cpu_s=5,
    wall_s=60.0,
    call_s=10.0,
    compute_threads=1,
    threads=16,
    open_files=64,
    tmp_bytes=1 * MIB,
    output_bytes=64 * 1024,
    reply_bytes=64 * 1024,
)


@dataclass(frozen=True)
class Ended:
    """How a program ended: one of `OUTCOMES`, and a short text about it."""

    outcome: str
    detail: str


def run(source: str, *, plan: Plan | None = None) -> Ended:
    """Run one program.

    Raises:
        SandboxUnavailable: this machine cannot build walls that hold. The program was not run.
    """
    with (
        tempfile.TemporaryDirectory() as empty,
        Session(Path(empty), limits=LIMITS, loader=Loader.programs(), plan=plan or chosen_plan()) as session,
    ):
        session.load()
        try:
            found = session.call("run_program", source=source)
        except TimedOut as error:
            return Ended("timeout", str(error))
        except OutOfMemory as error:
            return Ended("memory", str(error))
        except Crashed as error:
            return Ended("forbidden", str(error))
        except RuntimeRefused as error:
            return Ended("exception", error.reason[:300])
    if not isinstance(found, dict) or found.get("outcome") not in OUTCOMES:
        return Ended("forbidden", "The program answered in the place of what ran it.")
    return Ended(str(found["outcome"]), str(found.get("detail", ""))[:300])


def run_all(sources: Sequence[str]) -> Generator[Ended, None, None]:
    """Run programs side by side, one a core, each in a sandbox of its own; the answers come in the programs' order.

    Closing the iterator waits for the programs that run, and begins no other.

    Raises:
        SandboxUnavailable: as for `run`.
    """
    plan = chosen_plan()
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, os.cpu_count() or 1)) as pool:
        yield from pool.map(lambda source: run(source, plan=plan), sources)
