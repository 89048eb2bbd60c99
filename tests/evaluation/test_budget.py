"""How much of a set is asked: all of it where the time suffices, else a named part, chosen by the measured speed."""

from typing import Any

import pytest

from evaluation import budget
from evaluation.benchmarks import Benchmark, Dataset, Item, Tier, parse, select
from tests.factories.evaluation import declaration

LM = {"first_token_s": 0.01, "tokens_per_s": 10.0, "details": {"batch_throughput": 100.0}}


def pairs(number: int = 1000, **changes: Any) -> tuple[Benchmark, Dataset]:
    """Pairs of 30 bytes each sentence: 20 tokens an item where a token has three bytes."""
    rows = [Item(f"{n:05}", {"good": "a" * 30, "bad": "b" * 30}) for n in range(number)]
    limits = {"seconds": 10_000.0, "mib": 100, "tokens": 128}
    return parse(declaration("pairs", limits=limits, **changes)), Dataset(tuple(rows))


def chosen(declared: Benchmark, dataset: Dataset, **changes: Any) -> budget.Choice:
    known: dict[str, Any] = {"cost": LM, "vocabulary": 50_000, "budget_s": 900.0}
    return budget.choose(declared, dataset, **(known | changes))


def test_the_estimate_is_the_texts_over_the_measured_speed():
    declared, dataset = pairs()

    assert budget.seconds(declared, dataset.items, cost=LM, vocabulary=50_000) == pytest.approx(1000 * 20 / 100)
    assert budget.seconds(declared, dataset.items, cost=LM, vocabulary=256) == pytest.approx(1000 * 60 / 100)


def test_what_fits_is_measured_whole():
    found = chosen(*pairs())

    assert (found.tier, found.is_whole, found.items) == (Tier.STANDARD, True, 1000)


def test_what_does_not_fit_gets_the_quick_tier_and_says_why():
    declared, dataset = pairs()

    found = chosen(declared, dataset, budget_s=100.0)

    assert found.as_json() == {"tier": "quick", "items": 10, "of": 1000, "budget_s": 100.0, "estimate_s": 200.0}
    assert len(select(declared, dataset.items, Tier.QUICK)) == found.items


def test_where_the_quick_tier_is_too_much_as_well_the_smallest_is_left():
    assert chosen(*pairs(), budget_s=1.0).tier == Tier.SMOKE


def test_the_sets_own_limit_holds_as_well():
    declared, dataset = pairs()
    tight = parse(declaration("pairs", limits={"seconds": 150.0, "mib": 100, "tokens": 128}))

    assert chosen(tight, dataset).tier == Tier.QUICK
    assert chosen(declared, dataset).is_whole


def test_a_tier_that_is_no_smaller_than_the_set_is_not_called_smaller():
    assert chosen(*pairs(2), budget_s=0.001).as_json()["tier"] == "standard"


@pytest.mark.parametrize("cost", [{}, {"first_token_s": 0.1}, {"answers_per_s": None}])
def test_without_a_measured_speed_all_is_asked(cost: dict[str, Any]):
    assert chosen(*pairs(), cost=cost, budget_s=1.0).is_whole


def test_answers_and_generated_tokens_have_their_own_speeds():
    _, dataset = pairs(100)
    texts = parse(declaration("texts", scorer="similarity", requires=["embed"], main_metric="spearman", scorer_args={}))
    masked = parse(declaration("masked", scorer="pseudo_minimal_pairs", requires=["pseudo_log_likelihood"]))
    programs = parse(
        declaration("programs", scorer="programs", requires=["generate"], main_metric="pass@1", scorer_args={})
    )
    long = Dataset((Item("1", {"text": "x" * 600}),))

    def asked(declared: Benchmark, data: Dataset, cost: dict[str, Any]) -> float | None:
        return budget.seconds(declared, data.items, cost=cost, vocabulary=None)

    assert asked(texts, dataset, {"answers_per_s": 4.0}) == pytest.approx(25.0)
    assert asked(masked, long, {"answers_per_s": 4.0}) == pytest.approx(25.0)  # Ten times the length, squared.
    assert asked(programs, dataset, LM) == pytest.approx(100 * 64 / 10)
