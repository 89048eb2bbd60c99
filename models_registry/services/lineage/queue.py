"""Telling the queue of models whose weights are to be looked at. The row is the truth: a sweep finds what got lost."""

import logging

from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def dispatch(repository_id: int) -> None:
    """Hint at one model. Without a broker the sweep tells of it later."""
    from models_registry import tasks  # It imports services, and commits ask for its jobs.

    try:
        tasks.look_at_weights.apply_async(args=(repository_id,), retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("Weights of %s wait for the sweep, for the broker cannot be reached: %s", repository_id, error)
