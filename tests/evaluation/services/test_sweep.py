"""One round of the sweep finds whatever was lost."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evaluation.models import Run, State, Step
from evaluation.services.sweep import sweep
from tests.factories.evaluation import benchmark, claimed, evaluation_of, run_of

pytestmark = pytest.mark.django_db


def test_expired_runs_are_queued_and_living_ones_left():
    lost, living = (run_of(evaluation_of(), Step.SCAN) for _ in range(2))
    for run in (lost, living):
        claimed(run)
    Run.objects.filter(pk=lost.pk).update(lease_until=timezone.now() - timedelta(seconds=1))

    sweep()

    assert Run.objects.get(pk=lost.pk).state == State.QUEUED
    assert Run.objects.get(pk=living.pk).state == State.RUNNING


def test_earlier_models_are_given_new_benchmarks():
    evaluation = evaluation_of()
    made = benchmark("pairs")

    sweep()

    assert evaluation.runs.filter(benchmark=made).exists()
    made.refresh_from_db()
    assert made.spread_after is None


def test_hints_are_given_again():
    run = run_of(evaluation_of(), Step.SCAN)
    Run.objects.filter(pk=run.pk).update(dispatched_at=timezone.now() - timedelta(minutes=1))

    sweep()

    assert Run.objects.get(pk=run.pk).dispatches == 1


def test_a_quiet_round_costs_few_queries_however_many_runs_are_at_work(django_assert_max_num_queries):
    for _ in range(6):
        claimed(run_of(evaluation_of(), Step.SCAN))

    with django_assert_max_num_queries(8):
        sweep()
