"""What the engine answers. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from models_registry.licences.records import find
from models_registry.licences.terms import Text

OK, OBLIGATIONS, UNKNOWN, CONFLICT = "ok", "obligations", "unknown", "conflict"
# From the best to the worst: a verdict only moves to the right when something is added to a lineage.
VERDICTS = (OK, OBLIGATIONS, UNKNOWN, CONFLICT)


@dataclass(frozen=True)
class Obligation:
    """Something to do, or not to do, because of parts of the lineage.

    Attributes:
        kind: `must` or `must-not`.
        because: the keys of the parts that ask for it.
        licence, section, source: whose clause it is, and where its text stands.
        is_certain: whether it is settled that the clause reaches this far.
    """

    term: str
    text: Text
    because: tuple[str, ...]
    source: str
    licence: str = ""
    section: str = ""
    kind: str = "must"
    is_certain: bool = True

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "text": str(self.text), "because": list(self.because)}


@dataclass(frozen=True)
class Side:
    """One side of a conflict: whose licence says what, and where."""

    key: str
    licence: str
    section: str
    text: Text
    source: str = ""

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "text": str(self.text)}


@dataclass(frozen=True)
class Conflict:
    """Two clauses that cannot both be kept."""

    rule: str
    text: Text
    sides: tuple[Side, ...]
    source: Text

    def as_json(self) -> dict[str, Any]:
        sides = [side.as_json() for side in self.sides]
        return {"rule": self.rule, "text": str(self.text), "sides": sides, "source": str(self.source)}


@dataclass(frozen=True)
class Unknown:
    """What cannot be told. `kind`: licence, relation, contradicted, or unsettled (the law does not say)."""

    kind: str
    key: str
    text: Text
    sides: tuple[Side, ...] = ()

    def as_json(self) -> dict[str, Any]:
        sides = [side.as_json() for side in self.sides]
        return {"kind": self.kind, "key": self.key, "text": str(self.text), "sides": sides}


@dataclass(frozen=True)
class Step:
    """One line of how the verdict came about."""

    rule: str
    key: str
    relation: str
    licence: str
    against: str
    outcome: str

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Judgement:
    """The verdict on a lineage, with its reasons. No legal advice.

    Attributes:
        may_be: ids of the licences known here that the root may carry by what its ancestors ask; where no single one
            fits, the expression of all that apply together, or nothing.
        is_bounded: whether the ancestors exclude any.
    """

    verdict: str
    may_be: tuple[str, ...]
    is_bounded: bool
    obligations: tuple[Obligation, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    trace: tuple[Step, ...] = ()

    @property
    def may_be_classes(self) -> tuple[str, ...]:
        found = (record.licence_class for record in map(find, self.may_be) if record)
        return tuple(dict.fromkeys(sorted(found)))

    @property
    def must(self) -> tuple[Obligation, ...]:
        return tuple(one for one in self.obligations if one.kind == "must")

    @property
    def must_not(self) -> tuple[Obligation, ...]:
        return tuple(one for one in self.obligations if one.kind == "must-not")

    def as_json(self) -> dict[str, Any]:
        """Plain values, with the texts in the language that is on."""
        return {
            "verdict": self.verdict,
            "may_be": list(self.may_be),
            "is_bounded": self.is_bounded,
            "obligations": _plain(self.obligations),
            "conflicts": _plain(self.conflicts),
            "unknowns": _plain(self.unknowns),
            "trace": _plain(self.trace),
        }


def _plain(rows: Iterable[Any]) -> list[dict[str, Any]]:
    return [row.as_json() for row in rows]
