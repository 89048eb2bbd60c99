"""From a request to what it names, in the wire's words."""

import re
from urllib.parse import urlencode

from django.http import HttpRequest

from hub.core.bodies import BadBody
from models_registry.finding import not_found, repository_at
from models_registry.models import Commit, Kind, Repository
from models_registry.services.revisions import find_commit

KINDS = {"models": Kind.MODEL, "datasets": Kind.DATASET, "spaces": Kind.APP}
PLURAL = {kind: plural for plural, kind in KINDS.items()}
MAX_PAGE = 1000
SINGULAR = {"model": Kind.MODEL, "dataset": Kind.DATASET, "space": Kind.APP, "app": Kind.APP}
PREFIX = {Kind.MODEL: "", Kind.DATASET: "datasets/", Kind.APP: "spaces/"}


def find_repository(request: HttpRequest, kind: str, namespace: str, name: str) -> Repository:
    """The repository that the address names, if the caller may see it.

    Args:
        kind: the plural of the wire: models, datasets or spaces.

    Raises:
        RepositoryMoved: it is called something else now; the answer leads to the same address under its new name.
        RepositoryNotFound: missing or hidden, alike.
    """
    return repository_at(request, KINDS[kind], namespace, name.removesuffix(".git"))


def find_named(request: HttpRequest, kind: Kind, namespace: str, name: str) -> Repository:
    """The repository that a body names, by its present name alone: there is no address to lead on to.

    Raises:
        RepositoryNotFound: missing or hidden, alike.
    """
    found: Repository | None = Repository.objects.visible_to(request.user).named(kind, namespace, name).first()
    if found is None:
        raise not_found(request, namespace, name)
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


def page_limit(request: HttpRequest) -> int:
    text = request.GET.get("limit", "")
    if not text:
        return MAX_PAGE
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or int(text) < 1:
        raise BadBody(reason="“limit” must be a whole number of at least 1.")
    return min(int(text), MAX_PAGE)


def next_url(request: HttpRequest, cursor: str) -> str:
    pairs = [(key, value) for key, values in request.GET.lists() for value in values if key != "cursor"]
    return f"{endpoint(request)}{request.path}?{urlencode([*pairs, ('cursor', cursor)])}"
