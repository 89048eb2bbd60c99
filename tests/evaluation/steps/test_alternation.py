"""Old, new, old, new: who is asked when, and what is made of a clock that the tests turn themselves."""

from typing import Any

import pytest

from evaluation.steps import alternation


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[str] = []

    def perf_counter(self) -> float:
        return self.now

    monotonic = perf_counter


class Timed:
    """A session that takes its time on the tests' clock."""

    description: dict[str, Any] = {"description": {}}

    def __init__(self, name: str, clock: Clock, takes_s: float) -> None:
        self._name, self._clock, self._takes_s = name, clock, takes_s

    def call(self, operation: str, **arguments: Any) -> None:
        self._clock.asked.append(self._name)
        self._clock.now += self._takes_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(alternation, "time", made)
    return made


def turns(clock: Clock, old_s: float, new_s: float, **changes: Any) -> list[Any]:
    old: Any = Timed("A", clock, old_s)
    new: Any = Timed("B", clock, new_s)
    return alternation.alternate(old, new, ["log_likelihood", "generate"], **changes)


def test_both_are_asked_by_turns_after_a_warm_up(clock: Clock) -> None:
    found = turns(clock, 0.010, 0.005, pairs=7)

    assert clock.asked == ["A", "B"] * (1 + 7) * 2
    assert [(row.name, row.pairs, row.word) for row in found] == [
        ("first_token_s", 7, "better"),
        ("reading_s", 7, "better"),
    ]
    assert found[0].ratio == pytest.approx(0.5)
    assert (found[0].old, found[0].new) == (pytest.approx(0.010), pytest.approx(0.005))


def test_time_that_runs_out_leaves_out_what_has_too_few_pairs(clock: Clock) -> None:
    found = turns(clock, 1.0, 1.0, seconds=17.0)

    assert [(row.name, row.pairs) for row in found] == [("first_token_s", 8)]


def test_what_is_not_timed_is_not_asked(clock: Clock) -> None:
    one: Any = Timed("A", clock, 1.0)

    assert alternation.alternate(one, one, ["tokenize"]) == []
    assert clock.asked == []
