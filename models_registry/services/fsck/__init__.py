"""Checks every promise of the registry against what is stored. Reads only."""

from collections.abc import Iterator

from models_registry.models import Repository
from models_registry.services.fsck.faults import Fault, Use
from models_registry.services.fsck.repositories import check_repository
from models_registry.services.fsck.stores import check_names, check_stores, find_leftovers

__all__ = ["Fault", "Use", "check_all", "check_repository", "find_notes"]


def check_all(*, deep: bool = False) -> Iterator[Fault]:
    """Every repository, every name, then every pack of chunks; `deep` also hashes what the store holds."""
    for repository in Repository.everything.select_related("namespace").order_by("pk").iterator():
        yield from check_repository(repository)
    yield from check_names()
    yield from check_stores(deep=deep)


def find_notes() -> Iterator[Fault]:
    """What is left over and older than the time of grace."""
    yield from find_leftovers()
