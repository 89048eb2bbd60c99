"""From a request to what it names, in the wire's words."""

from django.http import HttpRequest

from accounts.models import User
from models_registry.exceptions import RepositoryNotFound
from models_registry.models import Commit, Kind, Repository
from models_registry.services.revisions import find_commit

KINDS = {"models": Kind.MODEL, "datasets": Kind.DATASET, "spaces": Kind.APP}
PLURAL = {kind: plural for plural, kind in KINDS.items()}
SINGULAR = {"model": Kind.MODEL, "dataset": Kind.DATASET, "space": Kind.APP, "app": Kind.APP}
PREFIX = {Kind.MODEL: "", Kind.DATASET: "datasets/", Kind.APP: "spaces/"}


def find_repository(request: HttpRequest, kind: str, namespace: str, name: str) -> Repository:
    """The repository, if the caller may see it.

    Args:
        kind: the plural of the wire: models, datasets or spaces.

    Raises:
        RepositoryNotFound: missing or hidden, alike.
    """
    name = name.removesuffix(".git")
    found: Repository | None = Repository.objects.visible_to(request.user).named(KINDS[kind], namespace, name).first()
    if found is None:
        anonymous = not isinstance(request.user, User)
        raise RepositoryNotFound(name=f"{namespace}/{name}", anonymous=int(anonymous))
    return found


def find_revision(
    request: HttpRequest, kind: str, namespace: str, name: str, rev: str | None
) -> tuple[Repository, Commit]:
    """The repository and the commit that a revision names."""
    repository = find_repository(request, kind, namespace, name)
    return repository, find_commit(repository, rev)


def endpoint(request: HttpRequest) -> str:
    """The address that the caller used, without a slash at the end; clients parse names out of what we send."""
    return f"{request.scheme}://{request.get_host()}"


def web_url(request: HttpRequest, repository: Repository) -> str:
    return f"{endpoint(request)}/{PREFIX[Kind(repository.kind)]}{repository.full_name}"


def many(request: HttpRequest, name: str) -> list[str]:
    """All values of a repeated key, also in the spelling `name[]`."""
    return request.GET.getlist(name) + request.GET.getlist(f"{name}[]")
