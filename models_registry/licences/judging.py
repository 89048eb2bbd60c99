"""The engine: walks a lineage and says, rule by rule, what the root may be licensed as and what it has to carry. Pure.

Each way from an ancestor to the root is judged by itself. A parent with several licences to choose from is taken by
the one that goes best with the root's; a root that offers several has to be entitled to each. What is not known stays
unknown, and what the law leaves open is said to be open.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from django.utils.translation import gettext_lazy

from models_registry.licences import records as known_records
from models_registry.licences.expressions import parse
from models_registry.licences.judgement import (
    CONFLICT,
    OBLIGATIONS,
    OK,
    UNKNOWN,
    Conflict,
    Judgement,
    Obligation,
    Side,
    Step,
    Unknown,
)
from models_registry.licences.lineage import (
    DISTILLED,
    FINETUNE,
    TRAINED_ON,
    Lineage,
    Part,
    Way,
    ways,
)
from models_registry.licences.lineage import UNKNOWN as UNKNOWN_RELATION
from models_registry.licences.obligations import carried
from models_registry.licences.records import Record
from models_registry.licences.rules import RULES, Breach, Choice, Rule
from models_registry.licences.terms import Text, filled

Find = Callable[[str], Record | None]
FREE = "free"  # A relation by which, the licence says itself, nothing is carried on.
MAX_PAIRS = 20


@dataclass(frozen=True)
class Finding:
    """A rule that is broken between one licence of a parent and one choice of the root's."""

    rule: Rule
    parent: Record
    breach: Breach
    choice: Choice
    is_certain: bool


@dataclass
class Outcome:
    """What one licence choice of a parent means for one of the root's."""

    ids: frozenset[str]
    findings: list[Finding] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    obligations: list[Obligation] = field(default_factory=list)

    def rank(self) -> tuple[bool, bool, int, list[str]]:
        """The better the smaller; the ids last, so that the order of a declaration does not matter."""
        conflicts = any(finding.is_certain for finding in self.findings)
        open_ones = bool(self.unknown) or bool(self.findings)
        return conflicts, open_ones, len(self.obligations), sorted(self.ids)


def effective(relation: str, parent: Record) -> str:
    """A relation as the parent's own words have it: some say that what is taught or trained counts as made from it."""
    if relation == TRAINED_ON and parent.has("results-free"):
        return FREE
    if relation == TRAINED_ON and parent.has("trained-models-bound"):
        return FINETUNE
    if relation == DISTILLED and parent.has("distillation-is-derivative"):
        return FINETUNE
    return relation


def judge(lineage: Lineage, *, rules: Sequence[Rule] = RULES, find: Find = known_records.find) -> Judgement:
    """What the root of a lineage may be licensed as, and with what duties.

    Raises:
        LineageCycle: something is made from itself.
    """
    return _Judge(lineage, rules, find).judgement()


class _Judge:
    """One judgement under way."""

    def __init__(self, lineage: Lineage, rules: Sequence[Rule], find: Find) -> None:
        self.lineage, self.rules, self.find = lineage, rules, find
        self.ways = ways(lineage)
        self.root = lineage.parts.get(lineage.root) or Part(lineage.root, "model", "", lineage.root)
        self.conflicts: dict[tuple[object, ...], Conflict] = {}
        self.unknowns: dict[tuple[object, ...], Unknown] = {}
        self.obligations: dict[tuple[object, ...], Obligation] = {}
        self.trace: list[Step] = []

    def judgement(self) -> Judgement:
        choices = self._choices(self.root.licence)
        if not self.root.licence.strip():
            text = gettext_lazy("{child} declares no licence.")
            self._note_unknown("licence", self.root.key, filled(text, child=self.root.name))
        for name in parse(self.root.licence).unknown:
            self._note_strange(self.root, name)
        for way in self.ways:
            self._note_way(way)
            for choice in choices:
                self._take(way, choice)
        may_be, is_bounded = self._bound()
        return Judgement(
            verdict=self._verdict(),
            may_be=may_be,
            is_bounded=is_bounded,
            obligations=tuple(self.obligations[key] for key in sorted(self.obligations, key=repr)),
            conflicts=tuple(self.conflicts[key] for key in sorted(self.conflicts, key=repr)),
            unknowns=tuple(self.unknowns[key] for key in sorted(self.unknowns, key=repr)),
            trace=tuple(self.trace),
        )

    def _verdict(self) -> str:
        if self.conflicts:
            return CONFLICT
        if self.unknowns:
            return UNKNOWN
        return OBLIGATIONS if self.obligations else OK

    def _choices(self, licence: str) -> tuple[Choice, ...]:
        alternatives = parse(licence).alternatives or (frozenset[str](),)
        return tuple(self._choice(ids) for ids in alternatives)

    def _choice(self, ids: frozenset[str]) -> Choice:
        found = [self.find(name) for name in sorted(ids)]
        return Choice(
            frozenset(record.id if record else name for name, record in zip(sorted(ids), found, strict=True)),
            tuple(record for record in found if record),
            is_open=not ids or None in found,
        )

    def _part(self, key: str) -> Part:
        return self.lineage.parts.get(key) or Part(key, "unknown", "", "")

    def _name(self, part: Part) -> Text:
        return part.name or gettext_lazy("a part that is not named")

    # Each way by itself.

    def _note_way(self, way: Way) -> None:
        part = self._part(way.key)
        if not part.licence.strip():
            text = gettext_lazy("The licence of {parent} is not known.")
            self._note_unknown("licence", part.key, filled(text, parent=self._name(part)))
            self.trace.append(Step("licence-unknown", part.key, way.relation, "", self.root.licence, UNKNOWN))
        if way.relation == UNKNOWN_RELATION:
            text = gettext_lazy("How {child} was made from {parent} is not known.")
            values = {"child": self.root.name, "parent": self._name(part)}
            self._note_unknown("relation", part.key, filled(text, **values))
        if way.contradicted:
            text = gettext_lazy("The weights speak against what is declared of {parent}.")
            self._note_unknown("contradicted", part.key, filled(text, parent=self._name(part)))

    def _take(self, way: Way, choice: Choice) -> None:
        part = self._part(way.key)
        alternatives = parse(part.licence).alternatives
        if not alternatives:
            return
        outcomes = [self._outcome(way, ids, choice) for ids in alternatives]
        best = min(outcomes, key=Outcome.rank)
        for name in best.unknown:
            self._note_strange(part, name)
        for finding in best.findings:
            self._note_finding(part, finding)
        for one in best.obligations:
            self._note_obligation(one)
        self._note_steps(way, best, choice)

    def _outcome(self, way: Way, ids: frozenset[str], choice: Choice) -> Outcome:
        outcome = Outcome(ids)
        for name in sorted(ids):
            record = self.find(name)
            if record is None:
                outcome.unknown.append(name)
                continue
            relation = effective(way.relation, record)
            outcome.findings += self._findings(record, relation, choice)
            outcome.obligations += carried(record, relation, way.key)
        return outcome

    def _findings(self, parent: Record, relation: str, choice: Choice) -> Iterator[Finding]:
        for rule in self.rules:
            if relation not in rule.certain | rule.contested:
                continue
            for breach in rule.check(parent, choice):
                if breach.may_be_cured and choice.is_open and not choice.records:
                    continue  # Nothing declared, or nothing known of it: said once, of the root.
                is_open = breach.may_be_cured and choice.is_open
                yield Finding(rule, parent, breach, choice, relation in rule.certain and not is_open)

    # What was found, once each.

    def _note_unknown(self, kind: str, key: str, text: Text, sides: tuple[Side, ...] = (), *more: str) -> None:
        self.unknowns[kind, key, *more] = Unknown(kind, key, text, sides)

    def _note_strange(self, part: Part, name: str) -> None:
        text = gettext_lazy("This hub does not know the licence “{name}” of {parent}.")
        self._note_unknown("licence", part.key, filled(text, name=name, parent=self._name(part)), (), name)

    def _note_finding(self, part: Part, finding: Finding) -> None:
        text = self._text(part, finding)
        sides = self._sides(part, finding)
        rule = finding.rule
        mark = (rule.key, part.key, finding.parent.id, finding.breach.clause.term, tuple(sorted(finding.choice.ids)))
        if finding.is_certain:
            self.conflicts[mark] = Conflict(rule.key, text, sides, rule.source)
        else:
            unsettled = gettext_lazy("Not settled: {text} Whether that clause reaches this far is open.")
            self.unknowns["unsettled", part.key, mark] = Unknown(
                "unsettled", part.key, filled(unsettled, text=text), sides
            )

    def _text(self, part: Part, finding: Finding) -> Text:
        licences = [record.label for record in finding.choice.records] or [self.root.licence]
        return filled(
            finding.rule.text,
            parent=self._name(part),
            child=self.root.name,
            parent_licence=finding.parent.label,
            child_licence=" + ".join(licences) or gettext_lazy("no licence"),
            limit=finding.breach.clause.text,
        )

    def _sides(self, part: Part, finding: Finding) -> tuple[Side, Side]:
        clause, parent = finding.breach.clause, finding.parent
        theirs = Side(part.key, parent.id, clause.section, clause.said, parent.source)
        answer = finding.choice.clause(*finding.breach.against)
        if answer is None:
            licence = " AND ".join(sorted(finding.choice.ids))
            return theirs, Side(self.root.key, licence, "", gettext_lazy("Says nothing that allows it"))
        record, against = answer
        return theirs, Side(self.root.key, record.id, against.section, against.said, record.source)

    def _note_obligation(self, one: Obligation) -> None:
        mark = (one.licence, one.term, one.section, one.source)
        before = self.obligations.get(mark)
        if before is not None:
            because = tuple(sorted({*before.because, *one.because}))
            one = Obligation(**{**vars(one), "because": because, "is_certain": one.is_certain or before.is_certain})
        self.obligations[mark] = one

    def _note_steps(self, way: Way, best: Outcome, choice: Choice) -> None:
        licence, against = " AND ".join(sorted(best.ids)), " AND ".join(sorted(choice.ids))
        for finding in best.findings:
            outcome = CONFLICT if finding.is_certain else UNKNOWN
            self.trace.append(Step(finding.rule.key, way.key, way.relation, licence, against, outcome))
        if best.obligations and not best.findings:
            self.trace.append(Step("carried", way.key, way.relation, licence, against, OBLIGATIONS))
        elif not best.findings and not best.unknown:
            self.trace.append(Step("nothing-asked", way.key, way.relation, licence, against, OK))

    # What the root may be.

    def _bound(self) -> tuple[tuple[str, ...], bool]:
        candidates = [self._choice(frozenset({record.id})) for record in known_records.records()]
        allowed: dict[tuple[str, str], frozenset[str]] = {}
        for licence, relation in {(self._part(way.key).licence, way.relation) for way in self.ways}:
            fits = [choice for choice in candidates if self._fits(licence, relation, choice)]
            allowed[licence, relation] = frozenset(name for choice in fits for name in choice.ids)
        everything = frozenset(name for choice in candidates for name in choice.ids)
        left = everything.intersection(*allowed.values()) if allowed else everything
        if left:
            return tuple(sorted(left, key=str.lower)), left != everything
        return self._together(allowed), True

    def _fits(self, licence: str, relation: str, choice: Choice) -> bool:
        """Whether some choice of a parent's licence leaves the root this one."""
        alternatives = parse(licence).alternatives
        return not alternatives or any(
            not any(
                finding.is_certain
                for record in map(self.find, sorted(ids))
                if record
                for finding in self._findings(record, effective(relation, record), choice)
            )
            for ids in alternatives
        )

    def _together(self, allowed: dict[tuple[str, str], frozenset[str]]) -> tuple[str, ...]:
        """No single licence fits: whether all of the ancestors' at once do; if not, which two exclude each other."""
        binding = sorted(pair for pair, ids in allowed.items() if len(ids) < len(known_records.records()))
        ids = frozenset(name for licence, _ in binding for name in parse(licence).alternatives[0])
        whole = self._choice(ids)
        if all(self._fits(licence, relation, whole) for licence, relation in binding):
            return (" AND ".join(sorted(ids)),)
        self._note_pairs(allowed)
        return ()

    def _note_pairs(self, allowed: dict[tuple[str, str], frozenset[str]]) -> None:
        seen = {(self._part(way.key).licence, way.relation): way for way in reversed(self.ways)}
        for one, other in list(combinations(sorted(seen), 2))[: MAX_PAIRS * MAX_PAIRS]:
            if allowed[one] & allowed[other] or not allowed[one] or not allowed[other]:
                continue
            if self._fit_together(one, other) or len(self.conflicts) >= MAX_PAIRS:
                continue
            left, right = self._part(seen[one].key), self._part(seen[other].key)
            sides = (*self._excludes(left, one, allowed[other]), *self._excludes(right, other, allowed[one]))
            text = gettext_lazy("No licence keeps both what {left} and what {right} ask.")
            names = {"left": self._name(left), "right": self._name(right)}
            source = gettext_lazy("The clauses named, as this hub reads them.")
            mark = ("no-common-licence", left.key, right.key)
            self.conflicts[mark] = Conflict("no-common-licence", filled(text, **names), sides, source)

    def _fit_together(self, one: tuple[str, str], other: tuple[str, str]) -> bool:
        for left in parse(one[0]).alternatives:
            for right in parse(other[0]).alternatives:
                whole = self._choice(left | right)
                if self._fits(*one, whole) and self._fits(*other, whole):
                    return True
        return False

    def _excludes(self, part: Part, pair: tuple[str, str], wanted: frozenset[str]) -> tuple[Side, ...]:
        """The clause of a part that refuses what the other one needs."""
        for name in sorted(wanted):
            for ids in parse(pair[0]).alternatives:
                for record in filter(None, map(self.find, sorted(ids))):
                    found = self._findings(record, effective(pair[1], record), self._choice(frozenset({name})))
                    certain = next((finding for finding in found if finding.is_certain), None)
                    if certain is not None:
                        clause = certain.breach.clause
                        return (Side(part.key, record.id, clause.section, clause.said, record.source),)
        return ()
