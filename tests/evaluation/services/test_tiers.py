"""A model that is too slow for a set is asked a part of it; nothing takes that part for the whole."""

import json

import pytest

from evaluation.models import Comparison, Run, Standing, State, Step
from evaluation.presentation import score_reading
from evaluation.services import comparisons, work
from evaluation.services.exchange import measured_of
from evaluation.services.versions import bases_of
from tests.factories.evaluation import benchmark, passed, passed_up_to, push_folder, run_of, train_ngram
from tests.factories.registry import RepositoryFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

ROWS = "".join(
    json.dumps({"id": f"{n:03}", "good": f"the cat sat on mat {n}", "bad": f"mat the on sat {n} cat"}) + "\n"
    for n in range(40)
).encode()
SLOW = {"first_token_s": 1.0, "details": {"batch_throughput": 5.0}}
FAST = {"first_token_s": 0.001, "details": {"batch_throughput": 1e6}}


def version(repository, folder, cost):
    evaluation = push_folder(repository, folder)
    passed_up_to(evaluation, Step.SMOKE)
    passed(run_of(evaluation, Step.COST), result=cost)
    work.perform(run_id=run_of(evaluation, Step.BENCHMARK).pk)
    return evaluation


def test_the_part_is_named_in_run_and_receipt_and_compared_with_no_whole(tmp_path, client):
    benchmark("pairs", ROWS)
    repository = RepositoryFactory()
    whole = version(repository, train_ngram(["the cat sat on mat"] * 5, tmp_path / "one"), FAST)
    assert Standing.objects.get().n == 40

    part = version(repository, train_ngram(["a dog ran"] * 5, tmp_path / "two"), SLOW)

    run = Run.objects.get(pk=run_of(part, Step.BENCHMARK).pk)
    assert (run.state, run.score.tier, run.score.n) == (State.PASSED, "quick", 10)
    assert run.reason.startswith("Measured on the quick tier, 10 of 40 items")
    method = json.loads(run.receipt.body)["method"]
    assert method["tier"] == "quick"
    assert (method["tier_reason"]["items"], method["tier_reason"]["of"]) == (10, 40)
    assert method["tier_reason"]["estimate_s"] > method["tier_reason"]["budget_s"]
    assert "tier_reason" not in json.loads(run_of(whole, Step.BENCHMARK).receipt.body)["method"]
    assert not Standing.objects.exists()
    assert score_reading(run.score).name.endswith(", quick tier")
    assert measured_of(type(part).objects.with_runs(None).get(pk=part.pk)) == []

    assert bases_of(part) == [whole]
    comparison = Comparison.objects.get(evaluation=part)
    comparisons.settle(comparison_id=comparison.pk)
    (row,) = comparison.benchmarks.all()
    assert (row.verdict, row.field) == ("not_comparable", "method.tier")

    page = client.get(f"/{repository.full_name}/evaluations/{part.commit.oid}").content.decode()
    assert "10 of 40 items" in page
    assert "quick tier" in page
    answer = client.get(f"/api/v1/models/{repository.full_name}/evaluations/{part.commit.oid}").json()
    assert answer["scores"][0]["tier"] == "quick"
