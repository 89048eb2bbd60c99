"""Terms that pass on: whose files need the terms of another repository, since they were made from it.

A gate is passed on where its owner says so, or where the licence itself demands that whoever uses what was made from it
accepts it. `InheritedGate` and `Repository.inherited_gate` are derived from the parents that files name and from the
gates: computed anew after each change of either, for the repository and all that was made from it, and again now and
then for all. Nothing passes on from a private repository or through one: nobody could accept what she may not see, and
what it was made from is its own matter.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import partial

from django.db import transaction

from models_registry.inherited import Edges, chunks, edges_above, heirs_of, passing_of, sources_by_child
from models_registry.models import Gated, InheritanceDue, InheritedGate, Repository


def settle_after_commit(repository: Repository) -> None:
    """Compute anew what this repository and those made from it inherit, once what is being done now has happened.

    Call it in the transaction of the change: the row says, from the moment of its commit, that what is kept is late.
    """
    row = InheritanceDue.objects.create(repository=repository)
    transaction.on_commit(partial(settle_due, [row.pk]))


def settle_due(rows: Collection[int] | None = None) -> int:
    """Compute what was left to be computed: of these rows, or of all; says how many repositories changed.

    A row goes with the transaction that has seen its change, so a process that dies leaves it to the next one.
    """
    due = InheritanceDue.objects.all() if rows is None else InheritanceDue.objects.filter(pk__in=rows)
    found = dict(due.values_list("pk", "repository_id"))
    return settle_heirs(set(found.values()), due=found) if found else 0


def settle_all() -> int:
    """The same for everything: mends what a process left that died in between."""
    passing = set(passing_of(Repository.objects.exclude(gated="")))
    heirs = set(Repository.everything.exclude(inherited_gate="").values_list("pk", flat=True))
    return settle_heirs(passing | heirs | set(InheritedGate.objects.values_list("child_id", flat=True)))


def settle_heirs(starts: Iterable[int], *, due: Collection[int] = ()) -> int:
    """Write down whose terms the given repositories, and all that was made from them, need; says how many changed.

    All rows are locked in one order before anything is read that counts, so of two at once the later one is right.

    Args:
        due: keys of `InheritanceDue` rows that this settles.
    """
    family = heirs_of(set(starts))
    with transaction.atomic():
        for chunk in chunks(sorted(family)):
            rows = Repository.everything.select_for_update(no_key=True).filter(pk__in=chunk).order_by("pk")
            list(rows.values_list("pk"))  # Without their keys, so that nobody waits who only names one of them.
        parents = edges_above(family)
        everyone = set(parents) | {pk for found in parents.values() for pk in found}
        passing: dict[int, str] = {}
        for chunk in chunks(sorted(everyone)):
            passing |= passing_of(Repository.objects.filter(pk__in=chunk))
        sources = sources_by_child(parents, passing)
        changed = _write({pk: sources.get(pk, set()) - {pk} for pk in family}, passing)
        InheritanceDue.objects.filter(pk__in=list(due)).delete()
        return changed


def _write(wanted: Mapping[int, set[int]], passing: Mapping[int, str]) -> int:
    changed = 0
    for chunk in chunks(sorted(wanted)):
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
