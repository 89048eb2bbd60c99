"""Generated programs: judged by their tests, each behind walls of its own."""

from __future__ import annotations

import time

import pytest

from evaluation import engine
from evaluation.sandbox import trials
from evaluation.sandbox.trials import Ended
from tests.evaluation.scorers.test_tasks import FUNCTIONS, TASKS, Recorder, goes_on, items
from tests.requirements import require

FUNCTION = {
    "prompt": 'def add(a, b):\n    """Add."""\n',
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
    "entry_point": "add",
}


# Writes an answer into every pipe that it finds.
FORGED = """
import os
for number in range(3, 64):
    try:
        os.write(number, b'{"id": 2, "ok": 1}\\n')
    except OSError:
        pass
"""


@pytest.mark.parametrize(
    ("completion", "outcome"),
    [
        ("    return a + b\n\ndef other():\n    1/0\n", "pass"),
        ("    return a - b\n", "assertion"),
        ("    return a +\n", "exception"),
    ],
)
def test_a_completed_function_passes_by_its_test(completion: str, outcome: str) -> None:
    require("bubblewrap")

    result = engine.measure(FUNCTIONS, items(FUNCTION), Recorder(goes_on(completion)))

    assert result.rows[0]["outcome"] == outcome
    assert result.value == float(outcome == "pass")
    assert result.counts[outcome] == 1


def test_a_task_is_told_with_its_asserts_which_then_decide() -> None:
    require("bubblewrap")
    row = {"text": "Double a number.", "tests": ["assert twice(2) == base"], "setup": "base = 4"}
    model = Recorder(goes_on("def twice(x):\n    return 2 * x\n# Done"))

    result = engine.measure(TASKS, items(row), model)

    assert result.value == 1
    ((operation, asked),) = model.calls
    assert operation == "continue_greedily"
    assert asked["texts"] == ["Double a number.\nassert twice(2) == base\n"]
    assert asked["stops"] == ["\n#"]


@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        ("import socket\nsocket.socket()", "forbidden"),
        ("import os\nos.fork()", "forbidden"),
        ("import subprocess\nsubprocess.run(['ls'])", "forbidden"),
        ("open('big', 'wb').write(b'x' * 2_000_000)", "forbidden"),
        ("import os\nos._exit(0)", "forbidden"),
        (FORGED, "forbidden"),
        ("open('/etc/passwd').read()", "exception"),
        ("assert not __import__('os').listdir('.')\nassert 'HOME' not in __import__('os').environ or True", "pass"),
        ("x = bytearray(10**9)", "memory"),
        ("print('x' * 10**6)", "pass"),
        ("raise SystemExit(0)", "exception"),
        ("class E(Exception):\n    def __str__(self): raise E\nraise E", "exception"),
    ],
)
def test_a_program_reaches_nothing(source: str, outcome: str) -> None:
    require("bubblewrap")

    assert trials.run(source).outcome == outcome


def test_a_program_without_an_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    require("bubblewrap")
    short = {name: getattr(trials.LIMITS, name) for name in trials.LIMITS.__dataclass_fields__} | {"call_s": 1.0}
    monkeypatch.setattr(trials, "LIMITS", type(trials.LIMITS)(**short))

    assert trials.run("while True: pass").outcome == "timeout"


def test_programs_side_by_side_answer_in_their_order() -> None:
    require("bubblewrap")
    sources = ["import time; time.sleep(1)", "assert False", "raise ValueError", "x = 1"]
    assert [ended.outcome for ended in trials.run_all(sources)] == ["pass", "assertion", "exception", "pass"]


def test_no_program_begins_once_nobody_waits_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    require("bubblewrap")
    begun = []

    def slow(source: str, *, plan: object) -> Ended:
        begun.append(source)
        time.sleep(0.01)
        return Ended("pass", "")

    monkeypatch.setattr(trials, "run", slow)
    ends = trials.run_all([str(number) for number in range(10_000)])
    next(ends)
    ends.close()
    assert len(begun) < 10_000


def test_the_limits_are_those_of_the_specification() -> None:
    limits = trials.LIMITS

    assert (limits.cpu_s, limits.call_s, limits.address_space_bytes >> 20) == (5, 10.0, 512)
    assert (limits.tmp_bytes >> 20, limits.threads, limits.output_bytes >> 10) == (1, 16, 64)


def test_counts_name_every_way_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = iter([Ended("timeout", ""), Ended("pass", "")])
    monkeypatch.setattr(trials, "run_all", lambda sources: (next(ended) for _ in sources))

    result = engine.measure(FUNCTIONS, items(FUNCTION, FUNCTION), Recorder(goes_on("")))

    assert result.value == 0.5
    assert dict(result.counts) == {outcome: int(outcome in ("timeout", "pass")) for outcome in trials.OUTCOMES}
