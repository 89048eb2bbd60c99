"""Celery doors of the registry."""

from celery import shared_task

from models_registry import downloads
from models_registry.services import content


@shared_task
def clean_up() -> None:
    """Remove what interrupted uploads left behind, and write the tally of downloads."""
    content.clean_leftovers()
    downloads.flush()
