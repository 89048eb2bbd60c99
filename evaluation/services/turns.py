"""Whose turn it is: short steps before long ones, and among namespaces the one that waited longest.

A model that was pushed is scanned and tried within moments, though somebody else's benchmarks fill the queue; and 200
pushes of one owner delay the first of another by one step, not by 200. Of one owner's, what was pushed to the default
branch comes before pull requests, and those before older commits.

Commits beside, which are only scanned, come last of all, but for every other turn once they have waited: what is held
back of them until then nobody waits for at the default branch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Min

from evaluation.models import QueueTurn, Run, Step
from evaluation.querysets import RunQuerySet

QUICK = (Step.SCAN, Step.INSPECT, Step.SMOKE)
SLOW = (Step.COST, Step.BENCHMARK)
# Long steps that waited this long have every second turn, so that a flood of short ones cannot hold them up for good.
PATIENCE = timedelta(minutes=2)
_NAMESPACES, _RUNS = 10, 3


@dataclass(frozen=True)
class Lane:
    """A part of the queue that is served as one."""

    steps: Sequence[str]
    only_scan: bool = False

    def waiting(self, at: datetime) -> RunQuerySet:
        """What of it could start now."""
        return Run.objects.claimable(at=at).filter(step__in=self.steps, evaluation__only_scan=self.only_scan)

    def holds(self, run: Run) -> bool:
        """Whether a run waits in this part."""
        return run.step in self.steps and run.evaluation.only_scan == self.only_scan

    def is_overdue(self, at: datetime) -> bool:
        """Whether some of it has waited longer than it should."""
        return self.waiting(at).filter(queued_at__lt=at - PATIENCE).exists()


_SHORT, _LONG, _ASIDE = Lane(QUICK), Lane(SLOW), Lane((Step.SCAN,), only_scan=True)


def candidates(*, at: datetime) -> Iterator[int]:
    """Runs that could start now, the fairest choice first; several, since another worker may be quicker."""
    for lane in _lanes(at):
        for namespace in _waiting_longest(lane, at):
            found = lane.waiting(at).first_of_namespace(namespace)
            yield from found.values_list("pk", flat=True)[:_RUNS]


def is_turn_of(run_id: int, *, at: datetime) -> bool:
    """Whether nobody else waits whose turn comes before this run's owner's, for such a step or one served sooner."""
    run = Run.objects.select_related("evaluation__repository").filter(pk=run_id).first()
    if run is None:  # Deleted with its repository, a moment ago.
        return False
    own = run.evaluation.repository.namespace_id
    for lane in _lanes(at):
        if next(iter(_waiting_longest(lane, at)), own) != own:
            return False
        if lane.holds(run):
            break
    return True


def note(run: Run, *, at: datetime) -> None:
    """A namespace has its turn. Part of the transaction that claims the run."""
    QueueTurn.objects.update_or_create(
        namespace_id=run.evaluation.repository.namespace_id,
        defaults={"served_at": at, "was_quick": run.step in QUICK, "was_aside": run.evaluation.only_scan},
    )


def _lanes(at: datetime) -> Sequence[Lane]:
    """Which part of the queue is served first."""
    last = QueueTurn.objects.order_by("-served_at").values_list("was_quick", "was_aside").first()
    was_quick, was_aside = last or (False, False)
    if was_quick and not was_aside and _LONG.is_overdue(at):
        return _LONG, _SHORT, _ASIDE
    if last and not was_aside and _ASIDE.is_overdue(at):
        return _ASIDE, _SHORT, _LONG
    return _SHORT, _LONG, _ASIDE


def _waiting_longest(lane: Lane, at: datetime) -> list[int]:
    """Namespaces with such runs, those first that never had a turn or had it longest ago."""
    found = (
        lane.waiting(at)
        .order_by()
        .values_list("evaluation__repository__namespace")
        .annotate(served=Min("evaluation__repository__namespace__queue_turn__served_at"), since=Min("queued_at"))
        .order_by(F("served").asc(nulls_first=True), "since", "evaluation__repository__namespace")
    )
    return [namespace for namespace, _, _ in found[:_NAMESPACES]]
