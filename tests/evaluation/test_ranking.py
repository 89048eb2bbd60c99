import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.ranking import Rank, front, mean, ranks

numbers = st.floats(0, 1, allow_nan=False)


def test_models_whose_intervals_overlap_share_their_places() -> None:
    found = ranks({"a": (0.9, 0.95), "b": (0.88, 0.92), "c": (0.85, 0.89), "d": (0.5, 0.6)})
    assert {key: str(rank) for key, rank in found.items()} == {"a": "1–2", "b": "1–3", "c": "2–3", "d": "4"}
    assert Rank(1, 2).is_shared
    assert not Rank(4, 4).is_shared


@given(
    st.dictionaries(st.integers(), st.tuples(numbers, numbers).map(lambda pair: (min(pair), max(pair))), max_size=20)
)
def test_a_rank_counts_those_surely_better_and_surely_worse(intervals: dict[int, tuple[float, float]]) -> None:
    for key, rank in ranks(intervals).items():
        low, high = intervals[key]
        better = sum(other_low > high for other_low, _ in intervals.values())
        worse = sum(other_high < low for _, other_high in intervals.values())
        assert (rank.best, rank.worst) == (1 + better, len(intervals) - worse)


@given(st.lists(st.tuples(numbers, numbers), max_size=20))
def test_nothing_beats_what_is_on_the_front_and_something_beats_the_rest(points: list[tuple[float, float]]) -> None:
    rows = [(index, cost, merit) for index, (cost, merit) in enumerate(points)]
    on_front = front(rows)
    for index, cost, merit in rows:
        beaten = any(
            other_cost <= cost and other >= merit and (other_cost, other) != (cost, merit)
            for _, other_cost, other in rows
        )
        twin = any(points[kept] == (cost, merit) for kept in on_front)
        assert (index in on_front or twin) is not beaten
    assert [points[index][0] for index in on_front] == sorted(points[index][0] for index in on_front)


def test_the_mean_of_independent_parts_is_surer_than_each() -> None:
    found = mean([(0.8, 0.76, 0.84), (0.6, 0.57, 0.63)])
    assert found.value == pytest.approx(0.7)
    assert found.high - found.value == pytest.approx(math.hypot(0.04, 0.03) / 2)
    assert found.value - found.low == pytest.approx(0.025)
