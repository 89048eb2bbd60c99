"""Evaluations: asked for with a commit, advanced run by run, done when nothing is open."""

from django.db import transaction
from django.utils import timezone

from evaluation.models import Benchmark, Evaluation, Run, State, Step
from models_registry.models import Commit, Repository

FIXED_STEPS = (Step.SCAN, Step.INSPECT, Step.SMOKE, Step.COST)


@transaction.atomic
def request_evaluation(*, repository: Repository, commit: Commit) -> Evaluation:
    """Make the rows that ask for a commit to be measured; asking twice gives the same rows.

    Part of the caller's transaction: a commit and the wish to measure it exist together or not at all.
    """
    evaluation, created = Evaluation.objects.get_or_create(commit=commit, defaults={"repository": repository})
    if not created:
        return evaluation
    runs = [Run(evaluation=evaluation, step=step, position=index) for index, step in enumerate(FIXED_STEPS)]
    for index, benchmark in enumerate(Benchmark.objects.active().order_by("key"), start=len(runs)):
        runs.append(Run(evaluation=evaluation, step=Step.BENCHMARK, benchmark=benchmark, position=index))
    runs[0].state, runs[0].queued_at = State.QUEUED, timezone.now()
    Run.objects.bulk_create(runs)
    first = evaluation.runs.get(position=0)
    transaction.on_commit(lambda: _dispatch(first.pk))
    return evaluation


def _dispatch(run_id: int) -> None:
    """Hint the queue. A broker that is away loses nothing: the sweep finds queued rows."""
    from evaluation import tasks

    tasks.dispatch(run_id)
