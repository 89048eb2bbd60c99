"""What a collection must leave alone although no commit names it: each part of the hub says so of its own things."""

from collections.abc import Callable, Iterator

from models_registry.models import Commit, Repository

Keeper = Callable[[Repository], set[str]]
_keepers: list[Keeper] = []


def keeper(function: Keeper) -> Keeper:
    """Register a function that gives the SHA-256 of content which a repository needs besides its commits' files."""
    _keepers.append(function)
    return function


def kept_contents(repository: Repository) -> set[str]:
    return set().union(*(each(repository) for each in _keepers))


def held_commits(repository: Repository) -> Iterator[str]:
    """Commits that rows of any part hold on to: those which forbid their deletion, such as releases and pointers."""
    for relation in Commit._meta.related_objects:
        if getattr(relation.on_delete, "__name__", "") in {"PROTECT", "RESTRICT"}:
            name = f"{relation.field.name}__oid"
            rows = relation.related_model._default_manager.filter(**{f"{relation.field.name}__repository": repository})
            yield from rows.values_list(name, flat=True).distinct()


def is_pinned(repository: Repository) -> bool:
    """Do other records stand on this repository as a whole, by commits that they name? Then its history stays."""
    for relation in Repository._meta.related_objects:
        if getattr(relation.on_delete, "__name__", "") in {"PROTECT", "RESTRICT"}:
            found = relation.related_model._default_manager.filter(**{relation.field.name: repository})
            if found.exists():
                return True
    return False
