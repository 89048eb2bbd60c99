"""Celery doors of the registry."""

from celery import shared_task

from models_registry import downloads
from models_registry.services import content, undelete, weights
from models_registry.services.trending import refresh_trends


@shared_task
def clean_up() -> None:
    """Remove what interrupted uploads left behind, write the tally of downloads, and see what is trending."""
    content.clean_leftovers()
    downloads.flush()
    refresh_trends()


@shared_task
def purge_deleted() -> None:
    """Let go of repositories whose time to be restored is over."""
    undelete.purge_deleted()


@shared_task
def materialise_content(content_id: int) -> None:
    """Make a whole copy of content that is in demand. A copy that exists is left alone."""
    found = content.Content.objects.filter(pk=content_id).first()
    if found is not None:
        content.materialise(found)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def compare_weights(diff_id: int) -> None:
    """Compare two files of weights. One that is done, or with another worker, is left alone."""
    weights.perform_weights_diff(diff_id)
