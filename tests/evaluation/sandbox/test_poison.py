"""Jobs that crash, hang, eat or lie, among others that do not: each ends by itself, and no other notices.

Five among twenty here; `SMALLHUB_POISON_JOBS=200` makes it twenty among two hundred, as a nightly run should.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from evaluation import sandbox
from evaluation.sandbox import Limits, Loader, Session
from evaluation.sandbox.session import _PREFIX

MIB = 1 << 20
JOBS = int(os.environ.get("SMALLHUB_POISON_JOBS", "20"))
POISONED = max(5, JOBS // 10)
LOADER = Loader("escapes", Path(__file__).parent / "redteam")
LIMITS = Limits(
    memory_bytes=300 * MIB, wall_s=90, call_s=4, load_s=30, tmp_bytes=8 * MIB, cpu_s=20, reply_bytes=4 * MIB
)
CALLED = (
    "segfault abort exit loop stop sleep memory output answers disk threads forks handles recursion huge raise".split()
)


def called(kind: str) -> Callable[[Session], Any]:
    return lambda session: session.call("generate", prompt=kind)


def likelihood(kind: str) -> Callable[[Session], Any]:
    return lambda session: session.call("log_likelihood", texts=[kind])


# What a poisoned job does once it is loaded. A lie is refused like a crash: its answer never comes back as one.
DEEDS: dict[str, Callable[[Session], Any]] = {
    **{kind: called(kind) for kind in CALLED},
    "wrong rows": likelihood("wrong_rows"),
    "not probabilities": lambda session: session.call("classify", texts=["x"]),
    "crash in a score": likelihood("crash"),
    "hang in a score": likelihood("endless_loop"),
}
# The five of the short run are those that differ most.
SHORT = ["segfault", "loop", "memory", "output", "not probabilities"]


def job(folder: Path, kind: str | None) -> str:
    """Run one job to its end; what it answered, or how it ended."""
    with sandbox.open(folder, limits=LIMITS, loader=LOADER) as session:
        session.load()
        deed = DEEDS[kind] if kind else called("healthy")
        try:
            answer = deed(session)
        except sandbox.SandboxError as error:
            return f"ended: {type(error).__name__}"
    return str(answer.text) if kind is None else f"answered: {str(answer)[:40]}"


def test_poisoned_jobs_end_and_harm_no_other(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    kinds = SHORT if POISONED == 5 else [list(DEEDS)[number % len(DEEDS)] for number in range(POISONED)]
    jobs: list[str | None] = [*kinds, *[None] * (JOBS - len(kinds))]
    random.Random(7).shuffle(jobs)
    before = _traces()

    with ThreadPoolExecutor(2) as workers:
        ends = list(workers.map(lambda kind: job(tmp_path, kind), jobs))

    healthy = [end for kind, end in zip(jobs, ends, strict=True) if kind is None]
    assert healthy == ["survived"] * (JOBS - len(kinds))
    poisoned = {kind: end for kind, end in zip(jobs, ends, strict=True) if kind is not None}
    assert {kind: end for kind, end in poisoned.items() if not end.startswith("ended: ")} == {}
    assert _traces() <= before


def test_a_job_that_is_poisoned_from_its_start_ends_too(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"at_load": "exit"}')

    with pytest.raises(sandbox.Crashed):
        job(tmp_path, None)


def _traces() -> set[str]:
    """Folders that jobs of this process left in the system's tmp."""
    return {path.name for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}{os.getpid()}-*")}
