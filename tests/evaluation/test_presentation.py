"""Numbers as pages draw them."""

import pytest

from evaluation.models import Evaluation, Step
from evaluation.presentation import (
    badges,
    cost_readings,
    family,
    main_score,
    progress_percent,
    relevant_first,
    score_reading,
    scores_of,
    shown_unit,
    step_rows,
)
from tests.factories.pages import benchmark, measured, model

pytestmark = pytest.mark.django_db


def reload(evaluation: Evaluation) -> Evaluation:
    return Evaluation.objects.with_runs(None).get(pk=evaluation.pk)


def test_a_share_is_shown_in_percent_on_its_benchmarks_own_scale():
    evaluation = reload(measured(model(), {benchmark(): 0.749}))
    (score,) = scores_of(evaluation)

    reading = score_reading(score)

    assert (reading.text, reading.unit) == ("74.9", "%")
    assert (reading.low, reading.high) == (40, 100)
    assert reading.ci_low == pytest.approx(72.9)
    assert reading.note == "majority 50 · chance 50"


def test_chance_is_named_once_where_it_is_the_baseline_as_well():
    (score,) = scores_of(reload(measured(model(), {benchmark(): 0.749})))
    score.baseline_name, score.baseline_value, score.chance = "chance", 0.5, 0.5

    reading = score_reading(score)

    assert reading.note == "chance 50"
    assert (reading.baseline, reading.chance) == (None, 50)


def test_a_correlation_is_no_share():
    assert shown_unit("", {"low": 0.0, "high": 1.0}) == (1.0, "")
    assert shown_unit("fraction", {"low": 0.0, "high": 1.0}) == (100.0, "%")


def test_another_unit_is_shown_as_it_is_stored():
    text = benchmark(
        "text", "Text", scale={"low": 0.5, "high": 6, "kind": "linear"}, unit="bits/byte", higher_is_better=False
    )
    (score,) = scores_of(reload(measured(model(), {text: 1.834})))

    reading = score_reading(score)

    assert (reading.text, reading.unit, reading.low) == ("1.83", "bits/byte", 0.5)
    assert "lower is better" in reading.note


def test_the_main_score_is_in_the_models_language_and_better_than_guessing():
    foreign = benchmark("a", "A", language=["zh"])
    guessed = benchmark("b", "B", language=["en"])
    good = benchmark("c", "C", language=["en"])
    scores = scores_of(reload(measured(model(), {foreign: 0.9, guessed: 0.51, good: 0.7})))

    assert main_score(scores, ["en"]).benchmark == good
    assert main_score(scores, []).benchmark == foreign
    assert [score.benchmark.key for score in relevant_first(scores, ["en"])] == ["b", "c", "a"]
    assert main_score([], ["en"]) is None


def test_a_score_below_chance_is_never_the_main_one_while_another_stands():
    below, good = benchmark("a", "A"), benchmark("b", "B")

    scores = scores_of(reload(measured(model(), {below: 0.04, good: 0.7})))

    assert main_score(scores).benchmark == good


def test_costs_are_read_on_fixed_scales_and_absent_ones_left_out():
    readings = cost_readings({"bytes": 938_000, "first_answer_s": 0.205, "answers_per_s": 14.1, "peak_rss_bytes": None})

    assert [(str(r.name), r.text, str(r.unit)) for r in readings] == [
        ("Size on disk", "938", "kB"),
        ("First answer", "205", "ms"),
        ("Speed", "14.1", "texts/s"),
    ]
    assert all(reading.kind == "log" for reading in readings)


@pytest.mark.parametrize(
    ("inspected", "name"),
    [
        ({"architecture": "smallhub-ngram", "runtime": "ngram"}, "n-gram"),
        ({"architecture": "smallhub-gru", "runtime": "recurrent"}, "GRU"),
        ({"architecture": "LlamaForCausalLM", "runtime": "transformers"}, "Transformer"),
        ({}, ""),
    ],
)
def test_architectures_have_a_short_family_name(inspected, name):
    assert family(inspected) == name


def test_steps_say_what_they_found():
    evaluation = measured(model(), {benchmark(): 0.7})
    found = {
        Step.SCAN: {"kinds": {"a": "text", "b": "text"}, "findings": []},
        Step.INSPECT: {
            "architecture": "LlamaForCausalLM",
            "parameters": 33_400_000,
            "parameters_by_dtype": {"BF16": 1},
        },
        Step.SMOKE: {"checks": [{"state": "pass"}, {"state": "warn"}, {"state": "not_applicable"}]},
    }
    for step, result in found.items():
        evaluation.runs.filter(step=step).update(result=result, reason="")
    evaluation.runs.filter(step=Step.COST).update(reason="")

    rows = {row.step: str(row.text) for row in step_rows(list(reload(evaluation).runs.all()))}

    assert rows[Step.SCAN] == "2 files, nothing found."
    assert rows[Step.INSPECT] == "LlamaForCausalLM, 33.4 M parameters, BF16."
    assert rows[Step.SMOKE] == "1 of 2 checks passed."
    assert rows[Step.COST].startswith("Size on disk 66.9 MB · First token 38 ms")
    assert rows[Step.BENCHMARK] == "1 scored"


def test_progress_counts_each_run_once():
    evaluation = measured(model(), {}, status="running", states={"cost": "running"})
    evaluation.runs.filter(step="cost").update(progress=0.5)

    assert progress_percent(list(evaluation.runs.all())) == 88


def test_badges_tell_scan_smoke_and_whether_it_still_runs():
    clean = reload(measured(model(), {}))
    held = reload(measured(model(), {}, verdict="quarantined", states={"smoke": "not_applicable"}))
    running = reload(measured(model(), {}, status="running", states={"smoke": "failed"}))

    assert [badge.state for badge in badges(clean)] == ["clean", "passed"]
    assert [badge.state for badge in badges(held)] == ["quarantined"]
    assert [badge.state for badge in badges(running)] == ["clean", "failed", "running"]
    assert badges(None) == []
