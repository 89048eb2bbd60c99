"""Terms that pass on: whose files need the terms of another repository, since they were made from it.

A gate is passed on where its owner says so, or where the licence itself demands that whoever uses what was made from it
accepts it. `InheritedGate` and `Repository.inherited_gate` are derived from the parents that files name and from the
gates: computed anew after each change of either, for the repository and all that was made from it, and again now and
then for all. Nothing passes on from a private repository or through one: nobody could accept what she may not see, and
what it was made from is its own matter.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial

from django.db import transaction

from models_registry import licences
from models_registry.models import Gated, InheritedGate, LineageLink, Repository, Visibility
from models_registry.querysets import RepositoryQuerySet

MAX_LEVELS = 50
_ROWS = 500
Edges = dict[int, set[int]]


def demands_acceptance(licence: str) -> bool:
    """Whether a licence itself says that it must be accepted by everybody who uses what it covers."""
    alternatives = licences.parse(licence).alternatives if licence else ()
    return bool(alternatives) and all(any(_demands(name) for name in each) for each in alternatives)


def _demands(name: str) -> bool:
    record = licences.find(name)
    return record is not None and record.requires_acceptance


def settle_after_commit(repository: Repository) -> None:
    """Compute anew what this repository and those made from it inherit, once what is being done now has happened."""
    transaction.on_commit(partial(settle_heirs, [repository.pk]))


def settle_all() -> int:
    """The same for everything: mends what a process left that died in between."""
    passing = set(_passing(Repository.objects.exclude(gated="")))
    heirs = set(Repository.everything.exclude(inherited_gate="").values_list("pk", flat=True))
    return settle_heirs(passing | heirs | set(InheritedGate.objects.values_list("child_id", flat=True)))


def settle_heirs(starts: Iterable[int]) -> int:
    """Write down whose terms the given repositories, and all that was made from them, need; says how many changed.

    All rows are locked in one order before anything is read that counts, so of two at once the later one is right.
    """
    family = _below(set(starts))
    with transaction.atomic():
        for chunk in _chunks(sorted(family)):
            list(Repository.everything.select_for_update().filter(pk__in=chunk).order_by("pk").values_list("pk"))
        parents = _above(family)
        everyone = set(parents) | {pk for found in parents.values() for pk in found}
        passing: dict[int, str] = {}
        for chunk in _chunks(sorted(everyone)):
            passing |= _passing(Repository.objects.filter(pk__in=chunk))
        sources = _sources(parents, passing)
        return _write({pk: sources.get(pk, set()) - {pk} for pk in family}, passing)


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


def _passing(repositories: RepositoryQuerySet) -> dict[int, str]:
    """Those of them whose terms whoever uses their children must accept, with the kind of their gate."""
    rows = repositories.filter(visibility=Visibility.PUBLIC).exclude(gated="")
    return {
        pk: gated
        for pk, gated, licence, with_children in rows.values_list("pk", "gated", "licence", "gate__with_children")
        if with_children or demands_acceptance(licence)
    }


def _below(starts: set[int]) -> set[int]:
    """These and all that was made from them; circles end where they began."""
    found, fresh = set(starts), set(starts)
    for _ in range(MAX_LEVELS):
        fresh = {pk for chunk in _chunks(sorted(fresh)) for pk in children_of(chunk)} - found
        if not fresh:
            break
        found |= fresh
    return found


def _above(children: set[int]) -> Edges:
    """All edges from these upwards, by child."""
    edges: Edges = {}
    fresh = set(children)
    for _ in range(MAX_LEVELS):
        for chunk in _chunks(sorted(fresh)):
            edges |= {key: set() for key in chunk} | parents_of(chunk)
        fresh = {pk for found in edges.values() for pk in found} - edges.keys()
        if not fresh:
            break
    return edges


def _sources(parents: Mapping[int, set[int]], passing: Mapping[int, str]) -> Edges:
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


def _write(wanted: Mapping[int, set[int]], passing: Mapping[int, str]) -> int:
    changed = 0
    for chunk in _chunks(sorted(wanted)):
        have: Edges = defaultdict(set)
        for child, source in InheritedGate.objects.filter(child__in=chunk).values_list("child_id", "source_id"):
            have[child].add(source)
        for child in chunk:
            gone = have[child] - wanted[child]
            if gone:
                InheritedGate.objects.filter(child=child, source__in=gone).delete()
            changed += have[child] != wanted[child]
        fresh = [InheritedGate(child_id=pk, source_id=each) for pk in chunk for each in wanted[pk] - have[pk]]
        InheritedGate.objects.bulk_create(fresh, ignore_conflicts=True)
        gates: dict[str, list[int]] = defaultdict(list)
        for child in chunk:
            gates[_strictest(passing[pk] for pk in wanted[child])].append(child)
        for gate, children in gates.items():
            rows = Repository.everything.filter(pk__in=children)
            rows.exclude(inherited_gate=gate).update(inherited_gate=gate)
    return changed


def _strictest(found: Iterable[str]) -> str:
    kinds = set(found)
    return Gated.MANUAL if Gated.MANUAL in kinds else Gated.AUTO if kinds else Gated.OFF


def _chunks(keys: list[int]) -> Iterable[list[int]]:
    return (keys[start : start + _ROWS] for start in range(0, len(keys), _ROWS))
