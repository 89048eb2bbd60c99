from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.metrics import uncertainty


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"), [(0, 10, 0.0, 0.2775), (45, 50, 0.7864, 0.9565), (783, 872, 0.8761, 0.9163)]
)
def test_wilson_gives_the_known_intervals(successes: int, n: int, low: float, high: float) -> None:
    interval = uncertainty.wilson(successes, n)

    assert (interval.low, interval.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_its_share_and_mirrors(case: tuple[int, int]) -> None:
    successes, n = case
    interval, mirrored = uncertainty.wilson(successes, n), uncertainty.wilson(n - successes, n)

    assert 0 <= interval.low <= successes / n <= interval.high <= 1
    assert interval.low == pytest.approx(1 - mirrored.high, abs=1e-12)


def test_wilson_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    found = [uncertainty.wilson(int(k), 200) for k in rng.binomial(200, 0.3, size=2000)]

    covered = np.mean([interval.low <= 0.3 <= interval.high for interval in found])

    assert 0.93 < covered < 0.97


def test_mcnemar_gives_the_known_value() -> None:
    assert uncertainty.mcnemar(12, 25) == pytest.approx(0.04703, abs=5e-6)
    assert uncertainty.mcnemar(25, 12) == uncertainty.mcnemar(12, 25)
    assert uncertainty.mcnemar(0, 0) == 1.0
    assert uncertainty.mcnemar(5, 5) == 1.0


def test_mcnemar_of_many_pairs_goes_on_smoothly() -> None:
    exact = 2 * sum(math.comb(1000, k) for k in range(471)) / 2**1000

    assert uncertainty.mcnemar(470, 530) == pytest.approx(exact, rel=1e-9)


def test_the_bootstrap_of_a_mean_agrees_with_the_closed_form_and_is_not_divided_again() -> None:
    values = np.random.default_rng(0).binomial(1, 0.6, size=400).astype(float)
    closed = values.std(ddof=1) / math.sqrt(400)

    interval, replicates = uncertainty.bootstrap_ratio(list(values), [1.0] * 400, seed=7, draws=4000)

    assert replicates.std() == pytest.approx(closed, rel=0.06)
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * closed, rel=0.08)


def test_the_bootstrap_is_the_same_each_time_and_another_with_another_seed() -> None:
    values = list(np.random.default_rng(0).normal(size=50))

    first, _ = uncertainty.bootstrap_ratio(values, [1.0] * 50, seed=3)
    again, _ = uncertainty.bootstrap_ratio(values, [1.0] * 50, seed=3)
    other, _ = uncertainty.bootstrap_ratio(values, [1.0] * 50, seed=4)

    assert first == again != other


def test_clusters_that_agree_inside_make_the_interval_wider() -> None:
    values = [1.0] * 50 + [0.0] * 50 + [1.0] * 50 + [0.0] * 50
    clusters = ["a"] * 50 + ["b"] * 50 + ["c"] * 50 + ["d"] * 50

    by_cluster = uncertainty.cluster_bootstrap_mean(values, clusters, seed=1)
    by_item, _ = uncertainty.bootstrap_ratio(values, [1.0] * 200, seed=1)

    assert by_cluster.high - by_cluster.low > 4 * (by_item.high - by_item.low)


def test_strata_of_one_value_each_have_no_spread() -> None:
    interval = uncertainty.stratified_bootstrap_mean([1, 1, 0], ["a", "a", "b"], seed=1)

    assert (interval.low, interval.high) == (0.5, 0.5)


def test_pairing_takes_out_what_both_versions_share() -> None:
    rng = np.random.default_rng(5)
    first = rng.normal(0, 10, size=200)
    second = first + rng.normal(1, 0.5, size=200)

    interval = uncertainty.paired_bootstrap_ratio(list(first), list(second), [1.0] * 200, seed=2)

    assert 0.8 < interval.low < 1 < interval.high < 1.2


@pytest.mark.parametrize(
    ("n", "unpaired", "five", "ten", "twenty"),
    [
        (67_000, 0.77, 0.24, 0.34, 0.48),
        (3350, 3.42, 1.08, 1.53, 2.16),
        (872, 6.7, 2.1, 3.0, 4.2),
        (500, 8.86, 2.80, 3.96, 5.60),
        (100, 19.8, 6.26, 8.86, 12.5),
    ],
)
def test_the_smallest_difference_is_that_of_the_table(
    n: int, unpaired: float, five: float, ten: float, twenty: float
) -> None:
    found = [100 * uncertainty.smallest_difference(n, disagreement=d) for d in (None, 0.05, 0.10, 0.20)]

    assert found == [pytest.approx(value, abs=0.06) for value in (unpaired, five, ten, twenty)]


@pytest.mark.parametrize("call", [lambda: uncertainty.wilson(3, 2), lambda: uncertainty.wilson(0, 0)])
def test_impossible_counts_are_refused(call: object) -> None:
    with pytest.raises(ValueError, match="successes"):
        call()  # type: ignore[operator]


def test_one_item_has_no_bootstrap() -> None:
    with pytest.raises(ValueError, match="two items"):
        uncertainty.bootstrap_ratio([1.0], [1.0], seed=0)
