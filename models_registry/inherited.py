"""Whose terms the files of a repository need since it was made from theirs: read from links and gates as they are now.

`InheritedGate` rows and `Repository.inherited_gate` say the same and cost nothing to ask. They are computed after the
commit of what changed; until then a row of `InheritanceDue`, written in the very transaction of the change, says that
they are late, and whoever asks for files of what it may reach is judged by the links and gates themselves.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from accounts.models import User
from models_registry import licences
from models_registry.models import AccessRequest, InheritanceDue, InheritedGate, LineageLink, Repository, Visibility
from models_registry.querysets import RepositoryQuerySet

MAX_LEVELS = 50
_ROWS = 500
Edges = dict[int, set[int]]


def closed_sources(user: User | AnonymousUser, repository: Repository) -> bool:
    """Whether terms of what this was made from keep its files from somebody. One query, mostly."""
    due = set(InheritanceDue.objects.values_list("repository_id", flat=True))
    edges = edges_above({repository.pk}) if due else {}
    if not due & edges.keys():
        return (
            repository.inherited_gate != "" and InheritedGate.objects.filter(child=repository).closed_to(user).exists()
        )
    return bool(_closing(user, _sources_now(edges).get(repository.pk, set())))


def needs_terms(repository: Repository) -> bool:
    """Whether its files need the terms of what it was made from, whoever asks."""
    return closed_sources(AnonymousUser(), repository)


def closed_meanwhile(user: User | AnonymousUser) -> tuple[set[int], set[int]]:
    """Repositories of which the rows may be late, and those of them that are closed to somebody. Mostly none."""
    due = set(InheritanceDue.objects.values_list("repository_id", flat=True))
    if not due:
        return set(), set()
    family = heirs_of(due)
    found = {pk: sources - {pk} for pk, sources in _sources_now(edges_above(family)).items() if pk in family}
    closing = _closing(user, set().union(*found.values()))
    return family, {pk for pk, sources in found.items() if sources & closing}


def _sources_now(edges: Edges) -> Edges:
    everyone = set(edges) | {pk for found in edges.values() for pk in found}
    passing: dict[int, str] = {}
    for chunk in chunks(sorted(everyone)):
        passing |= passing_of(Repository.objects.filter(pk__in=chunk))
    return sources_by_child(edges, passing)


def _closing(user: User | AnonymousUser, sources: set[int]) -> set[int]:
    """Those of the sources that did not accept her, and where she has no role."""
    if not user.is_authenticated or not sources:
        return sources
    if user.is_superuser:
        return set()
    organisations = user.memberships.values("organisation_id")
    mine = Q(namespace__user=user) | Q(namespace__organisation__in=organisations)
    opened = mine | Q(pk__in=AccessRequest.objects.opening(user).values("repository_id"))
    return sources - set(Repository.objects.filter(opened, pk__in=sources).values_list("pk", flat=True))


def demands_acceptance(licence: str) -> bool:
    """Whether a licence itself says that it must be accepted by everybody who uses what it covers."""
    alternatives = licences.parse(licence).alternatives if licence else ()
    return bool(alternatives) and all(any(_demands(name) for name in each) for each in alternatives)


def _demands(name: str) -> bool:
    record = licences.find(name)
    return record is not None and record.requires_acceptance


def parents_of(children: Iterable[int]) -> Edges:
    """Child to those that it was made from, as far as everybody may see them."""
    links = LineageLink.objects.made_from_models().filter(
        repository__in=list(children), parent__visibility=Visibility.PUBLIC, parent__deleted_at__isnull=True
    )
    found: Edges = defaultdict(set)
    for child, parent in links.values_list("repository_id", "parent_id"):
        found[child].add(parent)
    return found


def children_of(parents: Iterable[int]) -> set[int]:
    """Those that were made from one of these."""
    links = LineageLink.objects.made_from_models().filter(parent__in=list(parents))
    return set(links.values_list("repository_id", flat=True))


def passing_of(repositories: RepositoryQuerySet) -> dict[int, str]:
    """Those of them whose terms whoever uses their children must accept, with the kind of their gate."""
    rows = repositories.filter(visibility=Visibility.PUBLIC).exclude(gated="")
    return {
        pk: gated
        for pk, gated, licence, with_children in rows.values_list("pk", "gated", "licence", "gate__with_children")
        if with_children or demands_acceptance(licence)
    }


def heirs_of(starts: set[int]) -> set[int]:
    """These and all that was made from them; circles end where they began."""
    found, fresh = set(starts), set(starts)
    for _ in range(MAX_LEVELS):
        fresh = {pk for chunk in chunks(sorted(fresh)) for pk in children_of(chunk)} - found
        if not fresh:
            break
        found |= fresh
    return found


def edges_above(children: set[int]) -> Edges:
    """All edges from these upwards, by child."""
    edges: Edges = {}
    fresh = set(children)
    for _ in range(MAX_LEVELS):
        for chunk in chunks(sorted(fresh)):
            edges |= {key: set() for key in chunk} | parents_of(chunk)
        fresh = {pk for found in edges.values() for pk in found} - edges.keys()
        if not fresh:
            break
    return edges


def sources_by_child(parents: Mapping[int, set[int]], passing: Mapping[int, str]) -> Edges:
    """For each child the ancestors whose terms pass on. Sets only grow, so circles come to rest."""
    found: Edges = {pk: set() for pk in parents}
    is_moving = True
    while is_moving:
        is_moving = False
        for child, above in parents.items():
            now = found[child].union(*(found.get(parent, set()) for parent in above)) | (above & passing.keys())
            if now != found[child]:
                found[child], is_moving = now, True
    return found


def chunks(keys: list[int]) -> Iterable[list[int]]:
    return (keys[start : start + _ROWS] for start in range(0, len(keys), _ROWS))
