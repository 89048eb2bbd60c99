"""What people may, must and must not do under a declared licence, for pages. Pure; no legal advice."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from models_registry.licences.expressions import parse
from models_registry.licences.records import Clause, Record, find, records


@dataclass(frozen=True)
class Point:
    """One line: a clause and the licence that says it."""

    clause: Clause
    record: Record


@dataclass(frozen=True)
class Panel:
    """One choice of a declared licence. All of `records` apply; of `unknown` this hub has no record."""

    records: tuple[Record, ...]
    unknown: tuple[str, ...]
    may: tuple[Point, ...]
    must: tuple[Point, ...]
    must_not: tuple[Point, ...]
    notes: tuple[Point, ...]

    @property
    def forbids_sale(self) -> bool:
        return any(point.clause.term in ("no-commercial-use", "research-only") for point in self.must_not)

    @property
    def uses(self) -> tuple[Point, ...]:
        return tuple(point for point in self.must_not if point.clause.group == "use")

    @property
    def limits(self) -> tuple[Point, ...]:
        return tuple(point for point in self.must_not if point.clause.group != "use")


def panels(text: str) -> tuple[Panel, ...]:
    """One panel for each choice that a declared licence leaves."""
    return tuple(_panel(sorted(ids)) for ids in parse(text).alternatives)


@cache
def open_spellings() -> frozenset[str]:
    """Ids, as cards spell them, of licences that let anyone use, change and sell."""
    found = (record for record in records() if record.has("commercial-use") and record.has("modify"))
    names = (name for record in found for name in (record.id, *record.aliases))
    return frozenset(spelt for name in names for spelt in (name, name.lower()))


def _panel(ids: Iterable[str]) -> Panel:
    names = tuple(ids)
    known = tuple(record for record in map(find, names) if record)
    shared = {clause.term for clause in known[0].permissions} if known else set()
    for record in known[1:]:
        shared &= {clause.term for clause in record.permissions}
    return Panel(
        records=known,
        unknown=tuple(name for name in names if find(name) is None),
        may=tuple(point for point in _points(known, lambda record: record.may) if point.clause.term in shared),
        must=_points(known, lambda record: record.must),
        must_not=_points(known, lambda record: record.must_not),
        notes=_points(known, _notes),
    )


def _notes(record: Record) -> tuple[Clause, ...]:
    return record.thresholds + record.outputs + ((record.patent,) if record.patent else ())


def _points(known: Iterable[Record], of: Callable[[Record], tuple[Clause, ...]]) -> tuple[Point, ...]:
    """Clauses of all, each said once."""
    found: dict[tuple[str, str], Point] = {}
    for record in known:
        for clause in of(record):
            found.setdefault((clause.term, clause.what), Point(clause, record))
    return tuple(found.values())
