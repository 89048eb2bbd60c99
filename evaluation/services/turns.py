"""Whose turn it is: short steps before long ones, and among namespaces the one that waited longest.

A model that was pushed is scanned and tried within moments, though somebody else's benchmarks fill the queue; and 200
pushes of one owner delay the first of another by one step, not by 200. Of one owner's, what was pushed to the default
branch comes before pull requests, and those before older commits.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db.models import F, Min

from evaluation.models import QueueTurn, Run, Step

QUICK = (Step.SCAN, Step.INSPECT, Step.SMOKE)
SLOW = (Step.COST, Step.BENCHMARK)
# Long steps that waited this long have every second turn, so that a flood of short ones cannot hold them up for good.
PATIENCE = timedelta(minutes=2)
_NAMESPACES, _RUNS = 10, 3


def candidates(*, at: datetime) -> Iterator[int]:
    """Runs that could start now, the fairest choice first; several, since another worker may be quicker."""
    for lane in _lanes(at):
        for namespace in _waiting_longest(lane, at):
            found = Run.objects.claimable(at=at).filter(step__in=lane).first_of_namespace(namespace)
            yield from found.values_list("pk", flat=True)[:_RUNS]


def is_turn_of(run_id: int, *, at: datetime) -> bool:
    """Whether nobody else waits whose turn comes before this run's owner's."""
    first = next(candidates(at=at), None)
    of = "evaluation__repository__namespace"
    return first is not None and len(set(Run.objects.filter(pk__in=[first, run_id]).values_list(of, flat=True))) == 1


def note(run: Run, *, at: datetime) -> None:
    """A namespace has its turn. Part of the transaction that claims the run."""
    QueueTurn.objects.update_or_create(
        namespace_id=run.evaluation.repository.namespace_id,
        defaults={"served_at": at, "was_quick": run.step in QUICK},
    )


def _lanes(at: datetime) -> tuple[Sequence[str], Sequence[str]]:
    """Which kind of step is taken first."""
    last = QueueTurn.objects.order_by("-served_at").values_list("was_quick", flat=True).first()
    overdue = Run.objects.claimable(at=at).filter(step__in=SLOW, queued_at__lt=at - PATIENCE)
    if last and overdue.exists():
        return SLOW, QUICK
    return QUICK, SLOW


def _waiting_longest(lane: Sequence[str], at: datetime) -> list[int]:
    """Namespaces with such runs, those first that never had a turn or had it longest ago."""
    found = (
        Run.objects.claimable(at=at)
        .filter(step__in=lane)
        .order_by()
        .values_list("evaluation__repository__namespace")
        .annotate(served=Min("evaluation__repository__namespace__queue_turn__served_at"), since=Min("queued_at"))
        .order_by(F("served").asc(nulls_first=True), "since", "evaluation__repository__namespace")
    )
    return [namespace for namespace, _, _ in found[:_NAMESPACES]]
