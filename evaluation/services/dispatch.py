"""Telling the queue which runs could start. The rows are the truth: a hint that gets lost is given again."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import F

from evaluation.models import Run

FIRST_SILENCE = timedelta(seconds=10)
LONGEST_SILENCE = timedelta(minutes=10)
AT_ONCE = 50
WHEN_IDLE = 4


def after_commit(run_ids: Iterable[int]) -> None:
    """Tell the queue once the surrounding transaction stands."""
    for run_id in run_ids:
        transaction.on_commit(partial(_tell, run_id))


def tell_again(*, at: datetime) -> list[int]:
    """Tell the queue once more of queued runs that nobody took. Returns their ids.

    A run is named again after 10 s, then after ever longer silences: in a long queue every run waits without anything
    being lost, and a hint for each every few seconds would bury a broker that is a folder. When nothing is being
    worked on, though, workers are free and the hints are gone: then the first few are named without that patience.
    """
    unheard = list(Run.objects.unheard(at=at, after=FIRST_SILENCE)[: 4 * AT_ONCE])
    idle = not Run.objects.running().exists()
    chosen = [run for place, run in enumerate(unheard) if (idle and place < WHEN_IDLE) or _is_due(run, at)]
    told = []
    for run in chosen[:AT_ONCE]:
        # Two sweeps at once must not both tell.
        same = Run.objects.filter(pk=run.pk, state=run.state, dispatches=run.dispatches)
        if same.update(dispatched_at=at, dispatches=F("dispatches") + 1):
            told.append(run.pk)
            transaction.on_commit(partial(_tell, run.pk))
    return told


def _is_due(run: Run, at: datetime) -> bool:
    if run.dispatched_at is None:
        return True
    silence: timedelta = min(FIRST_SILENCE * (1 << min(run.dispatches, 10)), LONGEST_SILENCE)
    return run.dispatched_at + silence <= at


def _tell(run_id: int) -> None:
    from evaluation import tasks

    tasks.dispatch(run_id)
