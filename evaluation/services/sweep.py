"""What goes round every few seconds: runs whose worker is gone, hints that got lost, left-overs of dead jobs."""

import logging

from django.utils import timezone

from evaluation.models import Benchmark, Run
from evaluation.services import benchmarks, dispatch, files, runs

logger = logging.getLogger("evaluation.sweep")

SPREAD_BATCH = 200


def sweep() -> None:
    """One round. Every part is harmless when two workers do it at once."""
    now = timezone.now()
    for run_id, attempt in Run.objects.running().values_list("pk", "attempt"):
        if runs.requeue_expired(run_id=run_id, at=now):
            logger.warning("run %s: attempt %s was lost, queued again", run_id, attempt)
    told = dispatch.tell_again(at=now)
    if told:
        logger.info("told the queue again of %s runs", len(told))
    for benchmark in Benchmark.objects.to_spread():
        benchmarks.measure_heads_with(benchmark, limit=SPREAD_BATCH)
    files.remove_leftovers()
