"""The queue's doors: ids come in, one service call goes out. A task may arrive twice, late, or never.

What does the work is imported by the worker that does it: a web process only ever sends.
"""

import logging

from celery import shared_task
from kombu.exceptions import OperationalError

logger = logging.getLogger("evaluation.tasks")


@shared_task(acks_late=True, reject_on_worker_lost=True)
def perform(run_id: int) -> None:
    """There is work: this run, or another whose turn it is. What is leased to a living worker is left alone."""
    from evaluation.services import work

    work.perform_next(hint=run_id)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def compare(comparison_id: int) -> None:
    """Answer what is owed of two versions; nothing is done twice."""
    from evaluation.services import comparisons

    comparisons.settle(comparison_id=comparison_id)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def convert(conversion_id: int) -> None:
    """Turn pickled weights into safetensors; a row that is done or worked on is left alone."""
    from evaluation.services import conversions

    conversions.perform(conversion_id=conversion_id)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def measure_baselines(benchmark_id: int) -> None:
    """Find out what models without skill get on a benchmark; what is known, or worked on, is left alone."""
    from evaluation.services import baselines

    baselines.perform(benchmark_id=benchmark_id)


@shared_task
def requeue_runs() -> None:
    """Find what was lost: expired leases, hints that never arrived, benchmarks not yet given to earlier models."""
    from evaluation.services import sweep

    sweep.sweep()


def dispatch(run_id: int) -> None:
    """Tell the queue of a run. A broker that is away loses nothing: the sweep finds the row."""
    try:
        perform.apply_async(args=(run_id,), retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("run %s waits for the sweep, for the broker cannot be reached: %s", run_id, error)


def dispatch_comparison(comparison_id: int) -> None:
    """Tell the queue of a comparison; without a broker the sweep tells it later."""
    try:
        compare.apply_async(args=(comparison_id,), retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("comparison %s waits for the sweep, for the broker cannot be reached: %s", comparison_id, error)


def dispatch_baselines(benchmark_id: int) -> None:
    """Tell the queue of a benchmark's baselines; without a broker the sweep tells it later."""
    try:
        measure_baselines.apply_async(args=(benchmark_id,), retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("baselines of %s wait for the sweep, for the broker cannot be reached: %s", benchmark_id, error)


def dispatch_conversion(conversion_id: int) -> None:
    """Tell the queue of a conversion; without a broker the sweep tells it later."""
    try:
        convert.apply_async(args=(conversion_id,), retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("conversion %s waits for the sweep, for the broker cannot be reached: %s", conversion_id, error)
