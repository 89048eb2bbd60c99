"""The repository that an address names. Every door looks here, so that all lead on from old names alike."""

from django.http import HttpRequest

from accounts.models import User
from hub.core.requests import renamed_address
from models_registry.exceptions import RepositoryMoved, RepositoryNotFound
from models_registry.models import Repository


def repository_at(request: HttpRequest, kind: str, namespace: str, name: str, *, is_page: bool = False) -> Repository:
    """The repository, if the caller may see it.

    Args:
        is_page: people hear that there is nothing; programs that nobody signed in, as on the public hub.

    Raises:
        RepositoryMoved: it is called something else now; the same address under its new name is where to go.
        RepositoryNotFound: missing or hidden, alike.
    """
    visible = Repository.objects.visible_to(request.user)
    named = visible.named(kind, namespace, name)
    found: Repository | None = (named.with_tab_counts() if is_page else named).first()
    if found is not None:
        return found
    moved: Repository | None = visible.formerly(kind, namespace, name).first()
    if moved is not None:
        raise RepositoryMoved(location=renamed_address(request, moved.namespace.name, moved.name))
    raise RepositoryNotFound(name=f"{namespace}/{name}") if is_page else not_found(request, namespace, name)


def not_found(request: HttpRequest, namespace: str, name: str) -> RepositoryNotFound:
    return RepositoryNotFound(name=f"{namespace}/{name}", anonymous=int(not isinstance(request.user, User)))
