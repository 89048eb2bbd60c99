"""A judgement of licences in the words of a page: parts have their names, licences their labels."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from models_registry.labels import PICKS
from models_registry.licences import Judgement, Lineage, find, judge, label, parse
from models_registry.licences.judgement import Side
from models_registry.services.lineage import Trace, lineage_of

RELATIONS: dict[str, str | Promise] = {
    "finetune": gettext_lazy("fine-tune"),
    "adapter": gettext_lazy("adapter"),
    "merge": gettext_lazy("merge"),
    "quantized": gettext_lazy("quantised"),
    "distilled": gettext_lazy("distilled"),
    "trained_on": gettext_lazy("trained on it"),
    "evaluated_on": gettext_lazy("measured on it"),
    "part_of": gettext_lazy("lies in it"),
    "unknown": gettext_lazy("not said"),
}
RULE_NAMES: dict[str, str | Promise] = {
    "no-derivatives": gettext_lazy("no changed versions"),
    "no-distribution": gettext_lazy("not to be given on"),
    "no-data-redistribution": gettext_lazy("data not to be given on"),
    "share-alike": gettext_lazy("share alike"),
    "share-alike-alone": gettext_lazy("share alike, and nothing else"),
    "share-alike-files": gettext_lazy("share changed files alike"),
    "non-commercial": gettext_lazy("no commercial use"),
    "forbidden-uses": gettext_lazy("forbidden uses go along"),
    "terms-travel": gettext_lazy("the whole licence goes along"),
    "limits-travel": gettext_lazy("limits go along"),
    "outputs-train": gettext_lazy("answers may not teach others"),
    "no-extra-restrictions": gettext_lazy("nothing may be taken away"),
    "cannot-hold": gettext_lazy("terms that do not go together"),
    "no-common-licence": gettext_lazy("no licence for both"),
    "licence-unknown": gettext_lazy("licence not known"),
    "carried": gettext_lazy("duties go along"),
    "nothing-asked": gettext_lazy("nothing asked"),
}
OUTCOMES: dict[str, str | Promise] = {
    "ok": gettext_lazy("fits"),
    "obligations": gettext_lazy("fits, with duties"),
    "unknown": gettext_lazy("cannot be told"),
    "conflict": gettext_lazy("contradiction"),
}


@dataclass(frozen=True)
class Judged:
    """A judgement in words: parts have their names, licences their labels."""

    verdict: str
    is_bounded: bool
    may_be: list[str]
    conflicts: list[dict[str, Any]]
    unknowns: list[dict[str, Any]]
    steps: list[dict[str, Any]]

    @property
    def more(self) -> int:
        return len(self.may_be) - 12


def judged(trace: Trace) -> dict[str, Any]:
    """What the page of a licence shows of a lineage: the judgement, and what its other parts take from it."""
    found = lineage_of(trace)
    judgement = judge(found)
    return {"obligations": judgement.obligations, "judgement": in_words(judgement, found)}


def in_words(judgement: Judgement, found: Lineage) -> Judged:
    """A judgement as the page shows it."""
    return Judged(
        verdict=judgement.verdict,
        is_bounded=judgement.is_bounded,
        may_be=[_label(name) for name in _likely_first(judgement.may_be, found)],
        conflicts=[
            {"text": one.text, "source": one.source, "sides": [_side(side, found) for side in one.sides]}
            for one in judgement.conflicts
        ],
        unknowns=[
            {"text": one.text, "sides": [_side(side, found) for side in one.sides]} for one in judgement.unknowns
        ],
        steps=[
            {
                "name": _name(step.key, found),
                "relation": RELATIONS.get(step.relation, step.relation),
                "licence": _label(step.licence),
                "against": _label(step.against),
                "rule": RULE_NAMES.get(step.rule, step.rule),
                "outcome": OUTCOMES[step.outcome],
            }
            for step in judgement.trace
        ],
    )


def _likely_first(names: Iterable[str], found: Lineage) -> list[str]:
    """Licences of the lineage itself, then those that the upload offers, then the rest."""
    own = {name for part in found.parts.values() for name in parse(part.licence).ids}
    offered = [record.id for record in map(find, PICKS) if record]
    return sorted(names, key=lambda name: (name not in own, name not in offered, name.lower()))


def _side(side: Side, found: Lineage) -> dict[str, Any]:
    part = found.parts.get(side.key)
    return {
        "name": _name(side.key, found),
        "where": part.where if part else "",
        "label": _label(side.licence),
        "section": side.section,
        "text": side.text,
        "source": side.source,
    }


def _name(key: str, found: Lineage) -> str:
    part = found.parts.get(key)
    return (part.name if part else "") or gettext("a part that is not named")


def _label(licence: str) -> str:
    record = find(licence)
    return record.label if record else label(licence)
