"""Evaluations: asked for with a commit, advanced run by run, done when nothing is open."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext

from evaluation.models import Benchmark, Evaluation, Run, State, Step
from evaluation.services import comparisons, dispatch, fitting
from models_registry.holding import can_run
from models_registry.manifests import listing_of
from models_registry.models import Commit, Kind, Ref, Repository, ScanVerdict
from models_registry.services import heads

FIXED_STEPS = (Step.SCAN, Step.INSPECT, Step.SMOKE, Step.COST)


@transaction.atomic
def request_evaluation(*, repository: Repository, commit: Commit) -> Evaluation:
    """Make the rows that ask for a commit to be measured; asking twice gives the same rows.

    Part of the caller's transaction: a commit and the wish to measure it exist together or not at all.
    """
    evaluation, created = Evaluation.everything.get_or_create(commit=commit, defaults={"repository": repository})
    if not created:
        return _widened(evaluation) if evaluation.only_scan else evaluation
    Run.objects.bulk_create([_scan_of(evaluation), *_after_scan(evaluation)])
    dispatch.after_commit(evaluation.runs.filter(position=0).values_list("pk", flat=True))
    return evaluation


@transaction.atomic
def request_scan(*, repository: Repository, commit: Commit) -> Evaluation | None:
    """Make the rows that ask for a commit to be scanned and no more, unless that was asked for or done already."""
    if commit.scan_verdict != ScanVerdict.PENDING:
        return None
    defaults = {"repository": repository, "only_scan": True}
    evaluation, created = Evaluation.everything.get_or_create(commit=commit, defaults=defaults)
    if created:
        run = _scan_of(evaluation)
        run.save()
        dispatch.after_commit([run.pk])
    return evaluation


def scan_named(*, limit: int = 1_000) -> int:
    """Ask for scans of what refs name and nobody has asked for, as on a hub from before such commits were scanned.

    Returns:
        How many were asked for.
    """
    refs = Ref.objects.filter(repository=OuterRef("repository"), commit=OuterRef("oid"))
    unscanned = Commit.objects.filter(
        Exists(refs), scan_verdict=ScanVerdict.PENDING, evaluation__isnull=True, repository__deleted_at__isnull=True
    )
    asked = 0
    for kind in (Kind.MODEL, Kind.DATASET):
        for commit in unscanned.filter(repository__kind=kind).select_related("repository").order_by("-pk")[:limit]:
            if kind == Kind.MODEL or can_run(listing_of(commit)):
                heads.hold_until_scanned(repository=commit.repository, commit=commit)
                asked += request_scan(repository=commit.repository, commit=commit) is not None
    return asked


def _scan_of(evaluation: Evaluation) -> Run:
    now = timezone.now()
    return Run(evaluation=evaluation, step=Step.SCAN, position=0, state=State.QUEUED, queued_at=now, dispatched_at=now)


def _after_scan(evaluation: Evaluation) -> list[Run]:
    """The runs of all other steps and of the benchmarks that are active now."""
    runs = [Run(evaluation=evaluation, step=step, position=place) for place, step in enumerate(FIXED_STEPS)][1:]
    benchmarks = Benchmark.objects.active().for_models_of(evaluation.repository.namespace).order_by("key")
    for place, benchmark in enumerate(benchmarks, start=len(FIXED_STEPS)):
        runs.append(Run(evaluation=evaluation, step=Step.BENCHMARK, benchmark=benchmark, position=place))
    return runs


def _widened(evaluation: Evaluation) -> Evaluation:
    """Measure what was only to be scanned; the scan stands."""
    evaluation = Evaluation.everything.select_for_update(of=("self",)).get(pk=evaluation.pk)
    if evaluation.only_scan:
        queued = Evaluation.Status.QUEUED
        changed = {"only_scan": False, "status": queued, "finished_at": None}
        Evaluation.everything.filter(pk=evaluation.pk).update(**changed)
        evaluation.only_scan, evaluation.status, evaluation.finished_at = False, queued, None
        Run.objects.bulk_create(_after_scan(evaluation))
        advance(evaluation)
    return evaluation


def advance(evaluation: Evaluation) -> None:
    """Queue the runs whose turn has come, close those that cannot come to pass, and note the end.

    Call inside the transaction that changed a run, with the evaluation's row locked.
    """
    runs = list(evaluation.runs.select_related("benchmark").defer("log").order_by("position"))
    steps = {run.step: run for run in runs if run.benchmark_id is None}
    started = []
    for run in runs:
        if run.state != State.WAITING or not _may_decide(run, steps):
            continue
        reason = _obstacle(run, steps, evaluation)
        if reason:
            _close(run, reason)
        else:
            run.state = State.QUEUED
            started.append(run.pk)
    now = timezone.now()
    Run.objects.filter(pk__in=started).update(state=State.QUEUED, queued_at=now, dispatched_at=now, dispatches=0)
    dispatch.after_commit(started)
    _note_status(evaluation, runs)


def add_benchmark_run(*, evaluation: Evaluation, benchmark: Benchmark) -> Run | None:
    """Give an evaluation one more benchmark, and start it if its time has come; None if it has it already."""
    evaluation = Evaluation.everything.select_for_update(of=("self",)).get(pk=evaluation.pk)
    if evaluation.only_scan or evaluation.runs.filter(benchmark=benchmark).exists():
        return None
    last = evaluation.runs.order_by("-position").values_list("position", flat=True).first() or 0
    run = Run.objects.create(evaluation=evaluation, step=Step.BENCHMARK, benchmark=benchmark, position=last + 1)
    advance(evaluation)
    return run


def close_superseded(benchmark: Benchmark) -> None:
    """End what has not begun of a benchmark that a newer version has replaced. Call inside a transaction."""
    open_runs = Run.objects.filter(benchmark=benchmark, state__in=[State.WAITING, State.QUEUED])
    ids = list(open_runs.values_list("evaluation_id", flat=True))
    reason = gettext("A newer version of this benchmark has replaced it.")
    open_runs.update(state=State.NOT_APPLICABLE, reason=reason, finished_at=timezone.now())
    for evaluation in Evaluation.objects.filter(pk__in=ids):
        advance(evaluation)


def _may_decide(run: Run, steps: dict[str, Run]) -> bool:
    """Whether what a run waits for has ended. Benchmarks wait for the cost step too: timings want a quiet machine."""
    return all(not steps[step].is_open for step in _before(run) if step in steps)


def _before(run: Run) -> Iterable[str]:
    if run.step == Step.BENCHMARK:
        return FIXED_STEPS
    return FIXED_STEPS[: FIXED_STEPS.index(Step(run.step))]


def _obstacle(run: Run, steps: dict[str, Run], evaluation: Evaluation) -> str:
    """Why a run cannot come to pass, for people; "" if it can."""
    for step in _before(run):
        earlier = steps.get(step)
        if step != Step.COST and earlier is not None and earlier.state != State.PASSED:
            return _blame(earlier)
    if run.benchmark is not None:
        smoke = steps.get(Step.SMOKE)
        card = heads.card_of(evaluation.repository, evaluation.commit)
        result = smoke.result if smoke is not None else {}
        return fitting.obstacle(run.benchmark, smoke=result, languages=card.languages, task=card.task)
    return ""


def _blame(earlier: Run) -> str:
    """What to say of a run that an earlier one made impossible: the first cause, not the chain to it."""
    if earlier.state in (State.NOT_APPLICABLE, State.CANCELLED):
        return earlier.reason
    sentences = {
        Step.SCAN: gettext("Not done, for the scan held this version back. %(reason)s"),
        Step.INSPECT: gettext("Not done, for the files could not be read as a model. %(reason)s"),
        Step.SMOKE: gettext("Not done, for the model did not pass the smoke test. %(reason)s"),
    }
    return (sentences[Step(earlier.step)] % {"reason": earlier.reason}).strip()


def _close(run: Run, reason: str) -> None:
    run.state, run.reason, run.finished_at = State.NOT_APPLICABLE, reason, timezone.now()
    run.save(update_fields=["state", "reason", "finished_at"])


def _note_status(evaluation: Evaluation, runs: list[Run]) -> None:
    rows = Evaluation.everything.filter(pk=evaluation.pk)
    if not any(run.is_open for run in runs):
        now = timezone.now()
        if rows.exclude(status=Evaluation.Status.DONE).update(status=Evaluation.Status.DONE, finished_at=now):
            evaluation.status, evaluation.finished_at = Evaluation.Status.DONE, now
            if not evaluation.only_scan:
                comparisons.owe(evaluation)
    else:
        rows.filter(status=Evaluation.Status.DONE).update(status=Evaluation.Status.RUNNING, finished_at=None)
