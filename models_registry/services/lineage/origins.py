"""Which models of this hub a sketch comes from: of parents that files name whether it is true, and who else it may be.

Models are compared only where whoever may see the child may see the other, so that nobody learns of a private model by
uploading something like it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, Min, OuterRef, Q

from models_registry.formats import sketches
from models_registry.formats.sketches import Sketch
from models_registry.lineage.matching import Candidate, Child, Likeness, choose, is_origin, verdict_on
from models_registry.models import Commit, Kind, LineageLink, LineageState, Repository, RepositoryImport, SketchShape
from models_registry.querysets_lineage import LineageStateQuerySet
from models_registry.services.lineage.building import Weighed
from models_registry.services.lineage.circles import closing

MAX_CANDIDATES = 20_000
_BATCH = 100
_MAX_YOUNGER = 50
_MAX_RESEMBLING = 500


def find(*, repository: Repository, commit: Commit, sketch: Sketch) -> list[Weighed]:
    """How a model stands to its named parents and to all others: verified, contradicted, proposed, or younger ones that
    may come from it. Reads only.
    """
    if not sketch.shapes:
        return []
    child = Child(sketch)
    links = list(LineageLink.objects.filter(commit=commit, parent__isnull=False, is_from_weights=False))
    named = {link.parent_id: link for link in links if link.parent_id and not link.refused}
    found, verified = _judged(child, repository, named)
    alike = [(pk, likeness) for pk, likeness in _resembling(child, repository) if pk not in named]
    ages = _ages([repository.pk, *(pk for pk, _ in alike)])
    mine = ages[repository.pk]
    younger = [pk for pk, _ in alike if (ages[pk], pk) > (mine, repository.pk)]
    older = [Candidate(pk, likeness, ages[pk].timestamp()) for pk, likeness in alike if pk not in younger]
    below = closing(repository, [each.key for each in older])
    siblings = _siblings(commit, [each.key for each in older])
    left = [each for each in older if each.key not in below | siblings]
    for each in choose(child, left, verified):
        found.append(Weighed(each.key, "proposed", each.likeness.relation, each.likeness.figures()))
    return found + [Weighed(pk, "younger", "unknown", {}) for pk in younger[:_MAX_YOUNGER]]


def _judged(
    child: Child, repository: Repository, named: dict[int, LineageLink]
) -> tuple[list[Weighed], list[Likeness]]:
    """What the weights say of parents that files name."""
    found: list[Weighed] = []
    verified: list[Likeness] = []
    states = _comparable(repository).filter(repository__in=named).exclude(sketch=b"")
    for pk, raw in states.values_list("repository_id", "sketch"):
        likeness = child.compare(sketches.unpack(bytes(raw)))
        relation = named[pk].relation
        verdict = verdict_on(likeness, relation)
        if likeness.comparable:
            found.append(Weighed(pk, verdict, relation, likeness.figures()))
        if verdict == "verified":
            verified.append(likeness)
    return found, verified


def _comparable(repository: Repository) -> LineageStateQuerySet:
    """States of models that everybody sees who sees this one."""
    seen = Q(repository__visibility="public")
    if repository.is_private:
        seen |= Q(repository__namespace=repository.namespace_id)
    rows = LineageState.objects.filter(seen, repository__kind=Kind.MODEL, repository__deleted_at__isnull=True)
    return rows.exclude(repository=repository)


def _resembling(child: Child, repository: Repository) -> list[tuple[int, Likeness]]:
    """All models so much like this one that one of both was made from the other, or both from a third."""
    shapes = {"x".join(map(str, shape))[:100] for shape, _ in child.sketch.groups()}
    shared = SketchShape.objects.filter(state=OuterRef("pk"), shape__in=shapes)
    states = _comparable(repository).filter(Exists(shared)).order_by("pk")[:MAX_CANDIDATES]
    found: list[tuple[int, Likeness]] = []
    for pk, raw in states.values_list("repository_id", "sketch").iterator(chunk_size=_BATCH):
        other = sketches.unpack(bytes(raw))
        likeness = child.compare(other)
        if is_origin(likeness) and not _is_rounded_form(other, child.sketch, likeness):
            found.append((pk, likeness))
        if len(found) >= _MAX_RESEMBLING:
            break
    return found


def _is_rounded_form(other: Sketch, mine: Sketch, likeness: Likeness) -> bool:
    """Whether the other is this one, written less precisely: nothing is made from its own rounded form."""
    return not likeness.is_rounded and likeness.exact < 1 and Child(other).compare(mine).is_rounded


def _ages(repositories: Iterable[int]) -> dict[int, datetime]:
    """Since when each is there. What was brought from another hub is as old as its first commit says."""
    wanted = list(repositories)
    ages = dict(Repository.objects.filter(pk__in=wanted).values_list("pk", "created_at"))
    brought = RepositoryImport.objects.filter(repository__in=wanted, hub__gt="")
    first = brought.values_list("repository_id").annotate(first=Min("repository__commits__committed_at"))
    return ages | {pk: min(ages[pk], moment) for pk, moment in first if moment is not None}


def _siblings(commit: Commit, others: list[int]) -> set[int]:
    """Those of the others that name a parent that this one names too: both come from that."""
    keys = set(LineageLink.objects.filter(commit=commit, parent_kind=Kind.MODEL).values_list("parent_key", flat=True))
    rows = LineageLink.objects.of_heads().filter(repository__in=others, parent_kind=Kind.MODEL, is_from_weights=False)
    return set(rows.filter(parent_key__in=keys - {""}).values_list("repository_id", flat=True))
