"""Finds out which walls this machine can build, by building them once around nothing."""

from __future__ import annotations

import functools
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from evaluation.sandbox.errors import SandboxError, SandboxUnavailable
from evaluation.sandbox.launch import Loader, Plan
from evaluation.sandbox.limits import Limits
from evaluation.sandbox.session import Session

_LOCK = threading.Lock()


@dataclass(frozen=True)
class Wall:
    """One way to start a child: whether it works here, which walls stood, and why not otherwise."""

    plan: str
    works: bool
    detail: str


@dataclass(frozen=True)
class Probe:
    """What this machine can do. `chosen` is the plan that `open` uses, or None: then no model is loaded."""

    walls: tuple[Wall, ...]
    chosen: Plan | None

    @property
    def reason(self) -> str:
        """Why nothing works, for people; empty if something does."""
        return "" if self.chosen else "; ".join(f"{wall.plan}: {wall.detail}" for wall in self.walls)


def probe() -> Probe:
    """Try every plan, best first. The answer is kept for the life of the process."""
    with _LOCK:
        return _probe()


@functools.cache
def _probe() -> Probe:
    walls = tuple(_try(plan) for plan in Plan)
    chosen = next((Plan(wall.plan) for wall in walls if wall.works), None)
    return Probe(walls=walls, chosen=chosen)


def chosen_plan() -> Plan:
    """The best plan that works here.

    Raises:
        SandboxUnavailable: none does.
    """
    found = probe()
    if found.chosen is None:
        raise SandboxUnavailable(f"No sandbox can be built on this machine. {found.reason}")
    return found.chosen


def warm_plan() -> Plan | None:
    """How a child that is forked from the warm process builds its walls; None where that would give up one.

    bubblewrap starts programs and cannot wall in a process that runs already. Its view of the disk is then built by
    the child itself; where that does not work, a child behind bubblewrap is started from nothing.

    Raises:
        SandboxUnavailable: no plan works here.
    """
    chosen = chosen_plan()
    if chosen is not Plan.BUBBLEWRAP:
        return chosen
    return Plan.VIEW if any(wall.works and wall.plan == Plan.VIEW for wall in probe().walls) else None


def _try(plan: Plan) -> Wall:
    if plan is Plan.BUBBLEWRAP and shutil.which("bwrap") is None:
        return Wall(plan, False, "bubblewrap is not installed")
    nothing = Loader("json", Path(__file__).parent / "child")
    try:
        with (
            tempfile.TemporaryDirectory() as empty,
            Session(Path(empty), limits=Limits(start_s=10), loader=nothing, plan=plan) as session,
        ):
            return Wall(plan, True, _describe(session))
    except (SandboxError, OSError) as error:
        tail = getattr(error, "tail", "").strip().splitlines()
        return Wall(plan, False, " ".join([str(error), *tail[-1:]]))


def _describe(session: Session) -> str:
    walls = session.walls
    parts = [f"Landlock ABI {walls['landlock']}" if walls["landlock"] else "no Landlock"]
    parts.append("system-call filter" if walls["seccomp"] else "no system-call filter")
    parts.append(f"namespaces {' '.join(walls['namespaces'])}" if walls["namespaces"] else "no namespaces")
    parts.append("no root" if walls["user"] else "root without rights")
    return ", ".join(parts)
