"""Baselines of benchmarks: owed from the registration on, measured by a worker, kept with the version."""

import logging
from datetime import datetime, timedelta

from django.utils import timezone

from evaluation import baselines
from evaluation.benchmarks import BadData, parse
from evaluation.benchmarks.definition import NO_SENSE, BadDefinition
from evaluation.exceptions import DataMissing
from evaluation.models import Benchmark
from evaluation.sandbox import TimedOut
from evaluation.scorers import NotScorable
from evaluation.services.plain import plain_json
from evaluation.services.scoring import dataset_of
from hub.core.exceptions import Unavailable

logger = logging.getLogger("evaluation.baselines")

PATIENCE = timedelta(minutes=20)
AT_ONCE = 4


def perform(*, benchmark_id: int) -> bool:
    """Measure what a benchmark still owes; False if it owes nothing, or another worker is at it.

    Whatever prevents it is kept as the reason there are none: the same data give the same failure each time. A store
    that is away comes back, and the sweep asks again.
    """
    now = timezone.now()
    owed = Benchmark.objects.owing_baselines(before=now - PATIENCE).filter(pk=benchmark_id)
    if not owed.update(baselines_begun_at=now):
        return False
    row = Benchmark.objects.select_related("repository").get(pk=benchmark_id)
    try:
        found = _found(row)
    except Unavailable as error:
        logger.warning("baselines of %s wait: %s", row, error)
        return False
    Benchmark.objects.filter(pk=row.pk).update(baselines=plain_json(found.as_json()))
    return True


def tell_again(*, at: datetime) -> int:
    """Tell the queue of what is owed and was lost, or is older than this kind of work. Says of how many."""
    from evaluation import tasks

    told = 0
    for pk in (
        Benchmark.objects.owing_baselines(before=at - PATIENCE)
        .filter(created_at__lt=at - PATIENCE / 10)[:AT_ONCE]
        .values_list("pk", flat=True)
    ):
        tasks.dispatch_baselines(pk)
        told += 1
    return told


def _found(row: Benchmark) -> baselines.Baselines:
    try:
        declared = parse(row.definition)
        return baselines.measure(declared, dataset_of(row, declared, f"baselines-{row.pk}", with_train=True))
    except (BadDefinition, BadData, DataMissing, NotScorable, TimedOut) as error:
        return baselines.Baselines(reason=f"none: {error}"[:300])
    except Exception:
        # Rows of a set can be of any shape; what breaks over them must not be asked for again every few minutes.
        logger.exception("baselines of %s cannot be measured", row)
        return baselines.Baselines(reason=NO_SENSE)
