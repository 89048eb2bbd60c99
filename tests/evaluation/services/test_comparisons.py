"""Comparisons are owed with the end of an evaluation, answered once a round, and found again when a worker dies."""

import html
import json
from datetime import timedelta
from unittest import mock

import pytest
from django.utils import timezone

from evaluation.benchmarks.definition import BadDefinition
from evaluation.faults import comparison_fault
from evaluation.models import BenchmarkComparison, Comparison, Evaluation, Run, Step
from evaluation.services import comparisons
from evaluation.services.runs import rerun
from evaluation.services.sweep import sweep
from models_registry.models import WebhookDelivery
from models_registry.services.webhooks import Watch, create_webhook
from tests.factories.registry import RepositoryFactory
from tests.factories.versions import BAD, GOOD, SIMILAR, answered, released, settled, version

pytestmark = pytest.mark.django_db


def only(evaluation: Evaluation) -> tuple[Comparison, BenchmarkComparison]:
    (comparison,) = settled(evaluation)
    return comparison, comparison.benchmarks.get()


def test_the_first_version_owes_nothing():
    assert not Comparison.objects.filter(evaluation=version()).exists()


def test_a_version_is_compared_with_the_measured_commit_before():
    first = version(marks=GOOD)
    second = version(first.repository, marks=BAD)

    comparison, row = only(second)

    assert comparison.base == first
    assert (comparison.summary, row.verdict, row.blocks) == ("worse", "regressed", True)
    assert (row.n, row.better, row.worse) == (100, 0, 30)
    assert row.difference == pytest.approx(-0.3)
    assert row.high < 0
    assert row.p < 1e-6
    assert [flip[0] for flip in row.flips] == [f"{number:04}" for number in range(60, 90)]


def test_what_cannot_be_told_apart_is_inconclusive_and_never_the_same():
    first = version(marks=GOOD)
    comparison, row = only(version(first.repository, marks=SIMILAR))

    assert (comparison.summary, row.verdict, row.worse) == ("inconclusive", "inconclusive", 1)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"method__tier": "quick"}, "method.tier"), ({"model__dtype": "int8"}, "model.dtype")],
)
def test_another_protocol_is_not_compared_and_the_field_named(change: dict[str, str], field: str):
    first = version()
    comparison, row = only(version(first.repository, **change))

    assert (comparison.summary, row.verdict, row.field) == ("not_comparable", "not_comparable", field)
    assert comparisons.fault_text(row)


def test_a_release_is_compared_with_the_release_before_and_with_the_commit_before():
    first = version()
    released(first, "v1.0.0")
    between = version(first.repository)
    last = version(first.repository)
    released(last, "v1.1.0")

    assert {row.base_id for row in settled(last)} == {first.pk, between.pk}


def test_a_release_of_what_was_measured_long_ago_is_compared_at_once():
    first = version()
    between = version(first.repository)
    last = version(first.repository)
    released(first, "v1.0.0")
    released(last, "v1.1.0")

    assert {row.base_id for row in settled(last)} == {first.pk, between.pk}


def test_two_versions_of_a_benchmark_are_never_compared():
    first = version()
    second = version(first.repository)
    newer = first.runs.get(step=Step.BENCHMARK).benchmark
    newer.pk, newer.version = None, 2
    type(newer).objects.filter(is_active=True).update(is_active=False)
    newer.save()
    Run.objects.filter(evaluation=second, step=Step.BENCHMARK).update(benchmark=newer)

    _, row = only(second)

    assert (row.verdict, row.field) == ("not_comparable", "benchmark.version")


def test_answering_twice_changes_nothing():
    first = version()
    second = version(first.repository)
    (comparison,) = settled(second)
    settled_at = comparison.settled_at

    assert comparisons.settle(comparison_id=comparison.pk) is False
    comparison.refresh_from_db()
    assert comparison.settled_at == settled_at
    assert comparison.benchmarks.count() == 1


def test_an_answer_to_an_earlier_question_is_not_kept():
    """A worker computes; meanwhile the run is done again: her answer is of what no longer stands."""
    first = version()
    second = version(first.repository, marks=BAD)
    row = Comparison.objects.get(evaluation=second)
    answer = comparisons.answer_of

    def slow(base: Evaluation, evaluation: Evaluation) -> comparisons.Answer:
        found = answer(base, evaluation)
        comparisons.owe(second)
        return found

    with mock.patch.object(comparisons, "answer_of", slow):
        assert comparisons.settle(comparison_id=row.pk) is False
    row.refresh_from_db()
    assert not row.is_settled
    assert not row.benchmarks.exists()


def test_a_run_done_again_on_either_side_asks_anew():
    first = version(marks=GOOD)
    second = version(first.repository, marks=BAD)
    settled(second)
    run = first.runs.get(step=Step.BENCHMARK)
    rerun(run=run, user=first.repository.creator)

    answered(Run.objects.get(pk=run.pk), BAD)

    comparison = Comparison.objects.get(evaluation=second)
    assert not comparison.is_settled
    settled(second)
    assert comparison.benchmarks.get().worse == 0


def test_the_sweep_tells_again_of_what_a_dead_worker_owed(django_capture_on_commit_callbacks):
    first = version()
    second = version(first.repository)
    Comparison.objects.update(asked_at=timezone.now() - timedelta(minutes=5))

    with mock.patch("evaluation.tasks.compare.apply_async") as told, django_capture_on_commit_callbacks(execute=True):
        sweep()

    assert [call.kwargs["args"] for call in told.call_args_list] == [(Comparison.objects.get(evaluation=second).pk,)]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RuntimeError("torn row at /srv/data"), "broken"),
        (BadDefinition("no such scorer"), "declaration"),
        (json.JSONDecodeError("Expecting value", "{", 1), "receipt"),
    ],
)
def test_what_no_worker_can_answer_says_so_by_a_code_and_is_not_asked_for_ever(client, caplog, error, code):
    first = version()
    second = version(first.repository)
    with mock.patch.object(comparisons, "answer_of", side_effect=error):
        (comparison,) = settled(second)

    assert comparison.is_settled
    assert comparison.fault == code
    assert str(error) in caplog.text
    span = f"{first.commit.oid}..{second.commit.oid}"
    page = html.unescape(client.get(f"/{second.repository.full_name}/compare/{span}").content.decode())
    assert comparison.fault_sentence in page
    assert str(error) not in page


def test_a_fault_from_before_there_were_codes_is_not_shown():
    assert comparison_fault("RuntimeError: torn row") == comparison_fault("broken")
    assert comparison_fault("") == ""


def test_webhooks_hear_of_a_verdict():
    repository = RepositoryFactory()
    version(repository)
    create_webhook(
        user=repository.creator,
        url="https://example.org/hear",
        watched=[Watch("model", repository.full_name)],
        domains=["repo"],
        secret="",
    )
    second = version(repository, marks=BAD)
    settled(second)

    heard = WebhookDelivery.objects.filter(scope="repo.evaluation").latest("pk").payload
    assert heard["comparison"]["verdict"] == "worse"
    assert heard["comparison"]["benchmarks"] == {"pairs": "regressed"}


def test_costs_stand_beside_without_a_verdict():
    first = version()
    second = version(first.repository)
    for evaluation, size in ((first, 100), (second, 80)):
        evaluation.runs.filter(step=Step.COST).update(result={"bytes": size, "tokens_per_s": 7.0, "summary": "…"})
    (comparison,) = settled(second)

    assert comparison.costs == {"bytes": [100.0, 80.0], "tokens_per_s": [7.0, 7.0]}
    assert comparison.summary == "inconclusive"


def test_a_benchmark_that_only_one_side_has_is_left_out():
    first = version()
    second = version(first.repository, key="other")
    (comparison,) = settled(second)

    assert [row.benchmark.key for row in comparison.benchmarks.all()] == ["pairs"]
