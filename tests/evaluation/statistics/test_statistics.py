"""The statistics of verdicts: published vectors, exact oracles, and the rule."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.metrics.uncertainty import Z_95, mcnemar, smallest_difference, wilson
from evaluation.scorers import SCORERS, Row
from evaluation.statistics import Margin, Verdict, compare, differing_field, holm, margin_of, verdict
from evaluation.statistics import intervals as differences
from tests.evaluation.test_engine import PAIRS, TEXT, benchmark

# Set, items, and the smallest effects in points: unpaired, then with 5, 10 and 20 % of items disagreeing.
SMALLEST = [
    ("blimp full", 67_000, 0.77, 0.24, 0.34, 0.48),
    ("blimp sub50", 3_350, 3.42, 1.08, 1.53, 2.16),
    ("lambada", 5_153, 2.76, 0.87, 1.23, 1.75),
    ("ag_news", 7_600, 2.27, 0.72, 1.02, 1.44),
    ("cmrc2018", 3_219, 3.49, 1.10, 1.56, 2.21),
    ("arc_easy", 2_376, 4.06, 1.29, 1.82, 2.57),
    ("tnews", 2_010, 4.42, 1.40, 1.98, 2.79),
    ("winogrande", 1_267, 5.57, 1.76, 2.49, 3.52),
    ("xquad", 1_190, 5.74, 1.82, 2.57, 3.63),
    ("sms_spam", 1_096, 5.98, 1.89, 2.68, 3.78),
    ("eprstmt", 610, 8.02, 2.54, 3.59, 5.07),
    ("trec", 500, 8.86, 2.80, 3.96, 5.60),
    ("fsdd", 300, 11.4, 3.62, 5.11, 7.23),
    ("humaneval", 164, 15.5, 4.89, 6.92, 9.78),
    ("copa", 100, 19.8, 6.26, 8.86, 12.5),
]
HALF_WIDTHS = [(67_000, 0.38), (3_350, 1.69), (5_153, 1.37), (7_600, 1.12), (3_219, 1.73), (2_376, 2.01)]
HALF_WIDTHS += [(2_010, 2.19), (1_267, 2.75), (1_190, 2.84), (1_096, 2.96), (610, 3.97), (500, 4.38), (300, 5.66)]
HALF_WIDTHS += [(164, 7.65), (100, 9.80)]


@pytest.mark.parametrize(
    ("right", "n", "low", "high"), [(0, 10, 0, 0.2775), (45, 50, 0.7864, 0.9565), (783, 872, 0.8761, 0.9163)]
)
def test_wilson_gives_the_printed_intervals(right: int, n: int, low: float, high: float) -> None:
    found = wilson(right, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("n", "points"), HALF_WIDTHS)
def test_half_widths_at_one_half(n: int, points: float) -> None:
    """The table prints the plain half-width z · sqrt(¼/n), which Wilson's nears from below."""
    assert 100 * Z_95 * math.sqrt(0.25 / n) == pytest.approx(points, abs=0.006)
    if n % 2 == 0:
        found = wilson(n // 2, n)
        assert 50 * (found.high - found.low) == pytest.approx(points, rel=0.02)


def test_mcnemar_gives_the_printed_p() -> None:
    assert mcnemar(12, 25) == pytest.approx(0.04703, abs=5e-6)
    assert mcnemar(25, 12) == mcnemar(12, 25)
    assert mcnemar(0, 0) == 1.0


@pytest.mark.parametrize(("name", "n", "unpaired", "five", "ten", "twenty"), SMALLEST)
def test_the_table_of_smallest_effects(
    name: str, n: int, unpaired: float, five: float, ten: float, twenty: float
) -> None:
    def points(disagreement: float | None) -> float:
        return 100 * smallest_difference(n, disagreement=disagreement)

    expected = (unpaired, five, ten, twenty)
    assert tuple(map(points, (None, 0.05, 0.10, 0.20))) == pytest.approx(expected, rel=0.006, abs=0.0055), name


def test_holm_adjusts_in_the_order_of_the_p_values() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=6))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values: list[float]) -> None:
    rejected, order = set(), sorted(range(len(p_values)), key=p_values.__getitem__)
    for rank, position in enumerate(order):
        if p_values[position] * (len(p_values) - rank) > 0.05:
            break
        rejected.add(position)
    assert {place for place, p in enumerate(holm(p_values)) if p <= 0.05} == rejected


def constrained(only_first: int, only_second: int, n: int, difference: float) -> float:
    """The score statistic by brute force: the likeliest discordant shares given the difference, from a fine grid."""
    down = np.linspace(max(0.0, -difference), (1 - difference) / 2, 400_001)[1:-1]
    up, same = down + difference, 1 - 2 * down - difference
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [count * np.log(share) for count, share in ((only_first, down), (only_second, up)) if count]
        likelihood = sum(parts) + (n - only_first - only_second) * np.log(same)
    best = down[np.nanargmax(likelihood)]
    variance = (2 * best + difference - difference**2) / n
    return ((only_second - only_first) / n - difference) / math.sqrt(variance)


@pytest.mark.parametrize(("only_first", "only_second", "n"), [(12, 25, 400), (3, 9, 44), (2, 12, 50), (5, 5, 30)])
def test_the_score_interval_ends_where_the_score_is_z(only_first: int, only_second: int, n: int) -> None:
    found = differences.paired_shares(only_first, only_second, n)

    assert constrained(only_first, only_second, n, found.low) == pytest.approx(Z_95, abs=2e-3)
    assert constrained(only_first, only_second, n, found.high) == pytest.approx(-Z_95, abs=2e-3)


def test_no_disagreement_among_few_items_shows_little() -> None:
    few, many = differences.paired_shares(0, 0, 10), differences.paired_shares(0, 0, 5_000)

    assert (few.low, few.high) == pytest.approx((-(Z_95**2) / (10 + Z_95**2), Z_95**2 / (10 + Z_95**2)), abs=1e-6)
    assert -0.001 < many.low < 0 < many.high < 0.001


@settings(max_examples=60)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 200))
def test_the_score_interval_holds_the_difference_and_mirrors(only_first: int, only_second: int, rest: int) -> None:
    n = only_first + only_second + rest
    if not n:
        return
    found, other = (
        differences.paired_shares(only_first, only_second, n),
        differences.paired_shares(only_second, only_first, n),
    )
    assert -1 <= found.low <= (only_second - only_first) / n + 1e-9
    assert (only_second - only_first) / n - 1e-9 <= found.high <= 1
    assert (found.low, found.high) == pytest.approx((-other.high, -other.low), abs=1e-9)


@pytest.mark.parametrize(
    ("difference", "low", "high", "expected", "blocks"),
    [
        (0.02, 0.001, 0.04, Verdict.IMPROVED, False),
        (-0.02, -0.04, -0.001, Verdict.REGRESSED, True),
        (-0.005, -0.009, -0.001, Verdict.REGRESSED, False),  # Told apart, but too little to block.
        (0.0, -0.009, 0.009, Verdict.EQUIVALENT, False),
        (0.0, -0.011, 0.009, Verdict.INCONCLUSIVE, False),
        (-0.03, -0.07, 0.01, Verdict.INCONCLUSIVE, False),
        (0.005, 0.001, 0.009, Verdict.IMPROVED, False),
    ],
)
def test_the_rule(difference: float, low: float, high: float, expected: Verdict, blocks: bool) -> None:
    found = verdict(difference, low, high, 0.01)
    assert (found.verdict, found.blocks) == (expected, blocks)


def test_an_interval_alone_claims_nothing_that_the_exact_test_does_not_bear() -> None:
    assert verdict(-0.03, -0.06, -0.001, 0.01, p=0.06).verdict is Verdict.INCONCLUSIVE
    assert verdict(0.0, -0.001, 0.001, 0.01, p=1.0).verdict is Verdict.EQUIVALENT


@pytest.mark.parametrize(
    ("changes", "old", "expected"),
    [
        ({"main_metric": "accuracy"}, 0.7, 0.01),
        ({"main_metric": "bleu", "scale": {"low": 0, "high": 100, "kind": "linear"}}, 30.0, 1.0),
        (TEXT | {"main_metric": "word_perplexity", "higher_is_better": False}, 50.0, 0.5),
        ({"main_metric": "wer", "higher_is_better": False}, 0.2, 0.002),
    ],
)
def test_default_margins(changes: dict[str, Any], old: float, expected: float) -> None:
    assert margin_of(benchmark(**changes)).around(old) == pytest.approx(expected)


def test_a_chosen_margin_is_in_points_or_per_cent() -> None:
    assert margin_of(benchmark(), 2.5) == Margin(0.025)
    assert margin_of(benchmark(main_metric="wer", higher_is_better=False), 5.0).around(0.2) == pytest.approx(0.01)


def classes(right: str, wrong_as: str = "b") -> list[Row]:
    """One row per character: 1 right, 0 wrong; every label is a."""
    return [
        {"id": f"{number:03}", "gold": "a", "predicted": "a" if mark == "1" else wrong_as, "right": mark == "1"}
        for number, mark in enumerate(right)
    ]


def test_right_and_wrong_are_told_apart_by_mcnemar() -> None:
    old, new = classes("1" * 12 + "0" * 25 + "1" * 63), classes("0" * 12 + "1" * 25 + "1" * 63)

    found = compare(benchmark(), old, new)

    assert (found.better, found.worse, found.n) == (25, 12, 100)
    assert found.p == pytest.approx(0.04703, abs=5e-6)
    assert found.difference == pytest.approx(0.13)
    assert found.verdict is Verdict.IMPROVED
    assert found.smallest == pytest.approx(2.8 * math.sqrt(0.37 / 100))
    assert [flip.id for flip in found.flips if not flip.is_better] == [f"{number:03}" for number in range(12)]
    assert [(part.name, part.n, part.better, part.worse) for part in found.slices] == [("a", 100, 25, 12)]


def test_without_a_flip_nobody_knows_what_could_be_seen() -> None:
    found = compare(benchmark(), classes("1" * 60), classes("1" * 60))

    assert found.smallest is None
    assert found.high is not None
    assert found.high > 0.05  # As the interval says: it is not "a difference of 0".


def test_the_other_way_round_is_a_regression_that_blocks() -> None:
    old, new = classes("1" * 12 + "0" * 25 + "1" * 63), classes("0" * 12 + "1" * 25 + "1" * 63)

    found = compare(benchmark(), new, old)

    assert (found.verdict, found.blocks) == (Verdict.REGRESSED, True)
    assert not compare(benchmark(), new, old, margin=Margin(0.2)).blocks


def test_the_same_rows_are_equivalent_only_where_there_are_enough() -> None:
    assert compare(benchmark(), classes("10" * 20), classes("10" * 20)).verdict is Verdict.INCONCLUSIVE
    assert compare(benchmark(), classes("10" * 400), classes("10" * 400)).verdict is Verdict.EQUIVALENT


def test_a_corpus_metric_is_drawn_for_both_at_once() -> None:
    """F1 of the positive class, against a bootstrap written out by hand with the same draws."""
    declared = benchmark(main_metric="f1", scorer_args={"positive": "a"})
    golds = "aabbabababbbaaabab"
    first = [
        {"id": f"{n:02}", "gold": g, "predicted": "a" if n % 3 else "b", "right": False} for n, g in enumerate(golds)
    ]
    second = [{"id": f"{n:02}", "gold": g, "predicted": g if n % 5 else "b"} for n, g in enumerate(golds)]
    for row in (*first, *second):
        row["right"] = row["gold"] == row["predicted"]

    def f1(rows: list[Row]) -> float:
        hit = sum(row["gold"] == row["predicted"] == "a" for row in rows)
        return 2 * hit / sum((row["gold"] == "a") + (row["predicted"] == "a") for row in rows)

    rng = np.random.default_rng(declared.seed)
    drawn = [rng.integers(0, len(golds), size=(50, len(golds))) for _ in range(20)]
    by_hand = [f1([second[i] for i in row]) - f1([first[i] for i in row]) for block in drawn for row in block]

    found = compare(declared, first, second)

    assert found.difference == pytest.approx(f1(second) - f1(first))
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(by_hand, [2.5, 97.5])))
    assert found.better + found.worse == sum(a["right"] != b["right"] for a, b in zip(first, second, strict=True))


def texts(logs: list[float]) -> list[Row]:
    row = {"tokens": 10, "unknown": 0, "bytes": 40, "characters": 40, "words": 8}
    return [{"id": f"{number:02}", "log_prob": log} | row for number, log in enumerate(logs)]


def test_texts_are_compared_by_document_and_up_is_better() -> None:
    declared = benchmark(**TEXT, higher_is_better=False)
    old = texts([-80.0 - number for number in range(12)])
    new = texts([-78.0 - number + (number % 2) for number in range(12)])

    found = compare(declared, old, new)

    assert found.new < found.old  # Fewer bits.
    assert found.difference == pytest.approx(found.old - found.new)
    assert found.verdict is Verdict.IMPROVED
    assert found.low is not None
    assert found.log_likelihood is not None
    mean, low, high = found.log_likelihood
    assert mean == pytest.approx(2.5)
    assert 2.0 <= low <= mean <= high <= 3.0
    assert found.flips == ()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-4, 4), min_size=2, max_size=12))
def test_bits_and_the_mean_likelihood_agree_on_the_sign(changes: list[float]) -> None:
    declared = benchmark(**TEXT, higher_is_better=False)
    old = texts([-80.0] * len(changes))

    found = compare(declared, old, texts([-80.0 + change for change in changes]))

    assert found.log_likelihood is not None
    assert found.low is not None
    assert found.high is not None
    _, low, high = found.log_likelihood
    if abs(low) > 1e-9:
        assert (found.low > 0) == (low > 0)
    if abs(high) > 1e-9:
        assert (found.high < 0) == (high < 0)


def test_groups_of_different_sizes_are_not_mcnemars() -> None:
    """The score is a mean over groups there, which the share of right items is not."""
    declared = benchmark(**PAIRS)

    def pair(number: int, group: str, right: bool) -> Row:
        return {"id": f"{number:02}", "group": group, "right": right, "good": 0.0, "bad": 0.0, "tie": 0, "unknown": 0}

    old = [pair(n, "x" if n < 2 else "y", n % 2 == 0) for n in range(12)]
    new = [pair(n, "x" if n < 2 else "y", n > 0) for n in range(12)]

    found = compare(declared, old, new)

    assert found.method == "paired bootstrap over items"
    assert found.new == pytest.approx((0.5 + 1.0) / 2)
    assert [(part.name, part.n) for part in found.slices] == [("y", 10), ("x", 2)]


def test_rows_of_other_items_are_refused() -> None:
    with pytest.raises(ValueError, match="same items"):
        compare(benchmark(), classes("11"), classes("111"))
    with pytest.raises(ValueError, match="same items"):
        compare(benchmark(), [], [])


def record(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "benchmark": {"id": "toy", "version": 1, "definition_sha256": "d", "items_sha256": "i"},
        "method": {"tier": "standard", "scorer": "s", "decoding": {"beams": 1}, "prompt_sha256": None},
        "model": {"dtype": "float32"},
    }
    for place, value in changes.items():
        section, name = place.split("__")
        found[section] = found[section] | {name: value}
    return found


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"benchmark__version": 2}, "benchmark.version"),
        ({"benchmark__items_sha256": "j"}, "benchmark.items_sha256"),
        ({"method__prompt_sha256": "p"}, "method.prompt_sha256"),
        ({"method__decoding": {"beams": 4}}, "method.decoding"),
        ({"method__tier": "quick"}, "method.tier"),
        ({"model__dtype": "int8"}, "model.dtype"),
    ],
)
def test_another_protocol_is_named(change: dict[str, Any], field: str) -> None:
    assert differing_field(record(), record()) == ""
    assert differing_field(record(), record(**change)) == field
    assert differing_field(record(**change), record(), leave_out=frozenset({field})) == ""


def test_every_scorer_draws() -> None:
    assert [name for name, scorer in SCORERS.items() if not callable(getattr(scorer, "statistic", None))] == []


def test_the_p_of_draws_is_never_nothing() -> None:
    assert differences.two_sided(np.ones(1000)) == pytest.approx(2 / 1001)
    assert differences.two_sided(np.array(list(itertools.islice(itertools.cycle([1.0, -1.0]), 1000)))) == 1.0
