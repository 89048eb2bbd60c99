"""What goes round every few seconds: runs whose worker is gone, hints that got lost, left-overs of dead jobs."""

import logging
from datetime import datetime

from django.utils import timezone

from evaluation.models import Benchmark, Run
from evaluation.services import baselines, benchmarks, comparisons, conversions, dispatch, files, runs, workers

logger = logging.getLogger("evaluation.sweep")

SPREAD_BATCH = 200


def sweep() -> None:
    """One round. Every part is harmless when two workers do it at once."""
    now = timezone.now()
    for run in Run.objects.running().only("state", "attempt", "lease_until", "worker", "not_before"):
        if run.is_claimable(at=now) or workers.is_gone(run.worker):
            _requeue(run, now)
    told = dispatch.tell_again(at=now)
    if told:
        logger.info("told the queue again of %s runs", len(told))
    for benchmark in Benchmark.objects.to_spread():
        benchmarks.measure_heads_with(benchmark, limit=SPREAD_BATCH)
    comparisons.tell_again(at=now)
    conversions.tell_again()
    baselines.tell_again(at=now)
    files.remove_leftovers()


def _requeue(run: Run, now: datetime) -> None:
    """Take one run back. If even that fails, the others must still have their turn, and it has another soon."""
    try:
        if runs.requeue_expired(run_id=run.pk, at=now):
            logger.warning("run %s: attempt %s was lost, queued again", run.pk, run.attempt)
    except Exception:
        logger.exception("run %s cannot be taken back now", run.pk)
