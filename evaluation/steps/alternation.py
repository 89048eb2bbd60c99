"""Timing a version and the one before by turns, in one session: what the speed of a verdict is told from."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from evaluation.sandbox import Session
from evaluation.statistics.alternation import MIN_PAIRS, Alternated, told
from evaluation.steps.timers import timer_for

PAIRS = 9
SECONDS = 40.0


def alternate(
    old: Session, new: Session, capabilities: Sequence[str], *, pairs: int = PAIRS, seconds: float = SECONDS
) -> list[Alternated]:
    """Ask both the same questions by turns, old first, after a warm-up of each.

    Args:
        old, new: loaded.
        capabilities: what both can do.
        seconds: after so long no further pair of a question is begun; one with too few pairs is left out.

    Raises:
        SandboxError: one of them refused, or ended.
    """
    timer = timer_for(capabilities)
    if timer is None:
        return []
    ends = time.monotonic() + seconds
    found = []
    for name, ask in timer.questions().items():
        for session in (old, new):
            ask(session)
        times: list[tuple[float, float]] = []
        while len(times) < pairs and time.monotonic() < ends:
            times.append((_seconds(ask, old), _seconds(ask, new)))
        if len(times) >= MIN_PAIRS:
            found.append(told(name, [before for before, _ in times], [after for _, after in times]))
    return found


def _seconds(ask: Callable[[Session], object], session: Session) -> float:
    began = time.perf_counter()
    ask(session)
    return time.perf_counter() - began
