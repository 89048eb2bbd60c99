"""Generated programs are hostile: each runs alone, in a sandbox of its own without network, files or much time."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from evaluation.sandbox.errors import Crashed, OutOfMemory, RuntimeRefused, TimedOut
from evaluation.sandbox.launch import Loader, Plan
from evaluation.sandbox.limits import MIB, Limits
from evaluation.sandbox.probing import chosen_plan
from evaluation.sandbox.session import Session

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
