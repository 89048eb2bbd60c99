"""The rules of the engine: which clause of a parent's licence asks what of the licence of what was made from it. Pure.

A rule reaches some relations for certain and others perhaps: where the law does not say whether what was made counts
as made *from* the parent, the rule's finding is unsettled, never a conflict. Every check looks at one licence of one
parent and one choice of the child alone, so that another parent or another clause can only add findings.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from models_registry.licences.lineage import (
    ADAPTER,
    DERIVED,
    DISTILLED,
    FINETUNE,
    MERGE,
    PART_OF,
    QUANTIZED,
    TRAINED_ON,
    UNKNOWN,
)
from models_registry.licences.records import Clause, Record

Find = Callable[[str], Record | None]


@dataclass(frozen=True)
class Choice:
    """One choice of the child's licence: all of `records` apply. `is_open`: something in it is not known here."""

    ids: frozenset[str]
    records: tuple[Record, ...]
    is_open: bool = False

    def clause(self, *terms: str) -> tuple[Record, Clause] | None:
        """The first of these that any of its licences says."""
        for term in terms:
            for record in self.records:
                clause = record.clause(term)
                if clause is not None:
                    return record, clause
        return None

    def holds(self, parent: Record, term: str) -> bool:
        return parent.id in self.ids or any(record.has(term) for record in self.records)


@dataclass(frozen=True)
class Breach:
    """What a check found: the parent's clause, and terms of the child's licence that stand against it."""

    clause: Clause
    against: tuple[str, ...] = ()
    # Whether a licence that is not known here could say otherwise.
    may_be_cured: bool = True


Check = Callable[[Record, Choice], Iterator[Breach]]


@dataclass(frozen=True)
class Rule:
    """One row of the table.

    Attributes:
        certain, contested: the relations that it reaches for certain, and perhaps.
        source: what the rule rests on.
    """

    key: str
    check: Check
    certain: frozenset[str]
    contested: frozenset[str]
    text: str | Promise
    source: str | Promise


def never(*terms: str) -> Check:
    """Whatever the child declares, the parent forbids that it is made or given on."""

    def check(parent: Record, child: Choice) -> Iterator[Breach]:
        for term in terms:
            clause = parent.clause(term)
            if clause is not None:
                yield Breach(clause, ("distribute", "modify"), may_be_cured=False)

    return check


def same(term: str) -> Check:
    """The child carries the parent's licence, or one that the parent's text allows instead."""

    def check(parent: Record, child: Choice) -> Iterator[Breach]:
        clause = parent.clause(term)
        if clause is not None and not child.ids & {parent.id, *parent.compatible}:
            yield Breach(clause, ("same-licence", "same-licence-files", "sublicense", "distribute"))

    return check


def alone(parent: Record, child: Choice) -> Iterator[Breach]:
    """Two licences that each want the whole for themselves do not stand side by side."""
    clause = parent.clause("same-licence")
    if clause is None:
        return
    for record in child.records:
        goes_along = record.id in {parent.id, *parent.compatible} or parent.id in record.compatible
        if record.has("same-licence") and not goes_along and child.ids & {parent.id, *parent.compatible}:
            yield Breach(clause, ("same-licence",), may_be_cured=False)
            return


def holds(*terms: str, against: tuple[str, ...] = ("commercial-use", "use", "distribute")) -> Check:
    """What the parent forbids or demands stands in the child's licence too."""

    def check(parent: Record, child: Choice) -> Iterator[Breach]:
        for term in terms:
            clause = parent.clause(term)
            if clause is not None and not child.holds(parent, term):
                yield Breach(clause, against)

    return check


def holds_uses(parent: Record, child: Choice) -> Iterator[Breach]:
    """Uses that the parent forbids, and wants forbidden further on, are forbidden by the child's licence."""
    clause = parent.clause("pass-on-restrictions")
    if clause is None or parent.id in child.ids:
        return
    forbidden = {restriction.term for record in child.records for restriction in record.use_restrictions}
    if {restriction.term for restriction in parent.use_restrictions} - forbidden:
        yield Breach(clause, ("sublicense", "distribute", "commercial-use"))


def holds_licence(term: str) -> Check:
    """Allowed only under the parent's own licence."""

    def check(parent: Record, child: Choice) -> Iterator[Breach]:
        clause = parent.clause(term)
        if clause is not None and parent.id not in child.ids:
            yield Breach(clause, ("distribute", "commercial-use"))

    return check


_ADDED = tuple(
    """no-commercial-use research-only no-derivatives no-distribution no-training-of-others no-hosting monthly-users
    yearly-revenue no-region no-competing follow-policy pass-on-restrictions no-data-redistribution""".split()
)


def adds_nothing(parent: Record, child: Choice) -> Iterator[Breach]:
    """The child's licence takes nothing away that the parent's gives."""
    clause = parent.clause("no-extra-restrictions")
    if clause is None:
        return
    for record in child.records:
        added = [term for term in _ADDED if record.has(term) and not parent.has(term)]
        if added:
            yield Breach(clause, tuple(added), may_be_cured=False)
            return


def can_hold(parent: Record, child: Choice) -> Iterator[Breach]:
    """None of the child's licences refuses the parent's terms."""
    for record in child.records:
        if parent.id in record.incompatible:
            clause = parent.clause("patent-peace") or next(iter(parent.conditions or parent.limits), None)
            if clause is not None:
                yield Breach(clause, ("no-extra-restrictions", "same-licence"), may_be_cured=False)


_PERHAPS = frozenset({DISTILLED, TRAINED_ON, UNKNOWN})
_NOT_DATA = frozenset({DISTILLED, UNKNOWN})
_CLAUSES = gettext_lazy("The clauses named, as this hub reads them.")

RULES: tuple[Rule, ...] = (
    Rule(
        "no-derivatives",
        never("no-derivatives"),
        frozenset({FINETUNE, ADAPTER, MERGE}),
        frozenset({QUANTIZED}) | _PERHAPS,
        gettext_lazy("{parent} may not be shared in a changed form; {child} is one."),
        gettext_lazy("CC BY-ND 4.0, 2(a)(1)(B): adapted material may be made, not shared."),
    ),
    Rule(
        "no-distribution",
        never("no-distribution"),
        DERIVED | {PART_OF},
        _NOT_DATA,
        gettext_lazy("{parent} may not be given to others; {child} is made from it and stands here for others."),
        _CLAUSES,
    ),
    Rule(
        "no-data-redistribution",
        never("no-data-redistribution"),
        DERIVED | {PART_OF},
        frozenset({UNKNOWN}),
        gettext_lazy("The data of {parent} may not be given on; {child} holds them."),
        _CLAUSES,
    ),
    Rule(
        "share-alike",
        same("same-licence"),
        DERIVED,
        _PERHAPS,
        gettext_lazy("What is made from {parent} has to carry {parent_licence}; {child} declares {child_licence}."),
        gettext_lazy("GPL-3.0, 5(c); CC BY-SA 4.0, 3(b)(1); ODbL 1.0, 4.4: the whole under the same licence."),
    ),
    Rule(
        "share-alike-alone",
        alone,
        DERIVED,
        _PERHAPS,
        gettext_lazy("{parent_licence} of {parent} wants the whole to itself; {child_licence} asks the same."),
        gettext_lazy("GPL-3.0, 5(c); OSL-3.0, 1(c): the whole under this licence and no other."),
    ),
    Rule(
        "share-alike-files",
        same("same-licence-files"),
        DERIVED,
        _NOT_DATA,
        gettext_lazy("Changed files of {parent} stay under {parent_licence}; {child} declares {child_licence}."),
        gettext_lazy("MPL-2.0, 3.1; LGPL-2.1, 2(c): changed files under the same licence."),
    ),
    Rule(
        "non-commercial",
        holds("no-commercial-use", "research-only"),
        DERIVED,
        _PERHAPS,
        gettext_lazy("{parent} forbids commercial use; {child} allows it."),
        gettext_lazy("CC BY-NC 4.0, 2(a)(1) and 3(a)(4): adapters cannot grant what they were not granted."),
    ),
    Rule(
        "forbidden-uses",
        holds_uses,
        DERIVED,
        _PERHAPS,
        gettext_lazy(
            "{parent} forbids some uses and wants them forbidden by whoever passes it on; "
            "{child_licence} does not forbid them all."
        ),
        gettext_lazy("OpenRAIL-M, section 5 with attachment A: the same restrictions in every agreement further on."),
    ),
    Rule(
        "terms-travel",
        holds_licence("pass-on-terms"),
        DERIVED,
        _NOT_DATA,
        gettext_lazy(
            "{parent_licence} goes along with all that is made from {parent}; {child} declares {child_licence}."
        ),
        gettext_lazy("Llama 3.1 Community License, 1(b)(i): a copy of the agreement with every derivative work."),
    ),
    Rule(
        "limits-travel",
        holds("no-training-of-others", "no-hosting", "no-region", "no-competing", "monthly-users", "yearly-revenue"),
        DERIVED,
        frozenset({UNKNOWN}),
        gettext_lazy("{parent} sets a limit that {child_licence} does not: {limit}."),
        gettext_lazy("Llama 3.1 Community License, 1(b) and 2: the agreement goes with everything made from it."),
    ),
    Rule(
        "outputs-train",
        holds_licence("no-training-of-others"),
        frozenset({DISTILLED}),
        frozenset({TRAINED_ON, UNKNOWN}),
        gettext_lazy("What {parent} says may not improve other models; {child} learned from it."),
        gettext_lazy("Llama 2 Community License, 1(b)(v): not to improve any other large language model."),
    ),
    Rule(
        "no-extra-restrictions",
        adds_nothing,
        DERIVED,
        _NOT_DATA,
        gettext_lazy("{parent} lets nobody add restrictions; {child_licence} adds one."),
        gettext_lazy("GPL-3.0, 10; CC BY-SA 4.0, 3(b)(3): no further restrictions."),
    ),
    Rule(
        "cannot-hold",
        can_hold,
        DERIVED,
        _NOT_DATA,
        gettext_lazy("{child_licence} cannot hold what {parent_licence} asks of those who get {parent}."),
        gettext_lazy("GPL-2.0, 6: no further restrictions, so none of the terms on patents of Apache-2.0."),
    ),
)
