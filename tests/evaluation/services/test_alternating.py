"""A version's cost step ends with the versions before it, timed by turns; a verdict's speed is told from that alone."""

import pytest

from evaluation.models import Comparison, Run, State, Step
from evaluation.services import comparisons, work
from tests.factories.evaluation import evaluation_of, passed, passed_up_to, push_folder, run_of, train_ngram
from tests.factories.registry import RepositoryFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

COST = {"peak_rss_bytes": 50_000_000, "first_token_s": 0.002, "bytes": 100}


def cost_of(evaluation) -> Run:
    passed_up_to(evaluation, Step.INSPECT)
    passed(run_of(evaluation, Step.SMOKE))
    work.perform(run_id=run_of(evaluation, Step.COST).pk)
    run = Run.objects.get(pk=run_of(evaluation, Step.COST).pk)
    assert run.state == State.PASSED, run.reason
    return run


def earlier(repository, folder):
    """A version whose cost step passed, as a worker would leave it."""
    made = push_folder(repository, folder)
    passed_up_to(made, Step.SMOKE)
    passed(run_of(made, Step.COST), result=COST)
    return made


def test_it_is_timed_with_the_version_before_and_the_verdict_says_so(tmp_path, client):
    repository = RepositoryFactory()
    first = earlier(repository, train_ngram(["the cat sat on mat"] * 5, tmp_path / "one"))

    second = push_folder(repository, train_ngram(["a dog ran home"] * 5, tmp_path / "two"))
    run = cost_of(second)

    rows = run.result["alternated"][first.commit.oid]
    assert [row["name"] for row in rows] == ["first_token_s", "reading_s"]
    assert all(row["pairs"] >= 6 and 0 < row["low"] <= row["ratio"] <= row["high"] for row in rows)
    assert f"By turns with {first.commit.oid[:12]}" in run.log
    comparison = Comparison.objects.get(evaluation=second)
    comparisons.settle(comparison_id=comparison.pk)
    comparison.refresh_from_db()
    assert comparison.costs["alternated"] == rows
    assert comparison.costs["bytes"][0] == 100.0
    page = client.get(f"/{repository.full_name}/compare/{first.commit.oid}..{second.commit.oid}").content.decode()
    assert "Reading a text" in page
    assert "by turns, " in page


def test_an_earlier_version_that_does_not_load_costs_the_new_one_nothing(tmp_path):
    repository = RepositoryFactory()
    first = evaluation_of(repository, config_json="{}")
    passed_up_to(first, Step.SMOKE)
    passed(run_of(first, Step.COST), result=COST)

    run = cost_of(push_folder(repository, train_ngram(["a dog ran home"] * 5, tmp_path / "two")))

    assert "alternated" not in run.result
    assert "Not timed by turns" in run.log


def test_two_that_do_not_fit_side_by_side_are_not_opened(tmp_path, settings):
    repository = RepositoryFactory()
    first = earlier(repository, train_ngram(["the cat sat"] * 5, tmp_path / "one"))
    Run.objects.filter(evaluation=first, step=Step.COST).update(
        result=COST | {"peak_rss_bytes": settings.SMALLHUB_RUN_MEMORY_BYTES}
    )

    run = cost_of(push_folder(repository, train_ngram(["a dog ran home"] * 5, tmp_path / "two")))

    assert "alternated" not in run.result
    assert "turns" not in run.log
