"""Celery doors of the registry."""

from celery import shared_task

from models_registry import downloads
from models_registry.services import content


@shared_task
def clean_up() -> None:
    """Remove what interrupted uploads left behind, and write the tally of downloads."""
    content.clean_leftovers()
    downloads.flush()


@shared_task
def materialise_content(content_id: int) -> None:
    """Make a whole copy of content that is in demand. A copy that exists is left alone."""
    found = content.Content.objects.filter(pk=content_id).first()
    if found is not None:
        content.materialise(found)
