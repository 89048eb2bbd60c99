"""What has to be carried on from a parent, by how something was made from it. Pure."""

from collections.abc import Iterator

from models_registry.licences.judgement import Obligation
from models_registry.licences.lineage import DERIVED, DISTILLED, PART_OF, TRAINED_ON, UNKNOWN
from models_registry.licences.records import Clause, Record

# Duties that concern its author or its user alone, not what is made from it.
_NOT_CARRIED = frozenset({"ask-licence", "publish-results", "use-latest", "report-misuse", "no-extra-restrictions"})
_LIMITS = frozenset(
    {
        "no-commercial-use",
        "research-only",
        "no-training-of-others",
        "no-sale-alone",
        "no-hosting",
        "no-region",
        "no-competing",
        "no-trademark",
        "no-reidentify",
        "no-data-redistribution",
        "outputs-no-commercial",
    }
)
# What training on data leaves, where a licence does not say that models are free of it. Courts have not settled it.
_OF_DATA = frozenset({"attribute", "keep-notice", "produced-work-notice", "no-reidentify"})
_OF_ANSWERS = frozenset({"outputs-keep-name", "outputs-no-commercial"})


def carried(parent: Record, relation: str, key: str) -> Iterator[Obligation]:
    """The obligations that a parent's licence leaves on what was made from it in this way."""
    if relation in DERIVED or relation in (PART_OF, UNKNOWN):
        yield from _of_copies(parent, key, is_certain=relation != UNKNOWN)
    elif relation == DISTILLED:
        yield from (_made(parent, one, key) for one in parent.clauses if one.term in _OF_ANSWERS)
    elif relation == TRAINED_ON:
        for clause in parent.clauses:
            if clause.term in _OF_DATA:
                yield _made(parent, clause, key, is_certain=clause.term == "produced-work-notice")


def _of_copies(parent: Record, key: str, *, is_certain: bool) -> Iterator[Obligation]:
    for clause in parent.conditions:
        if clause.term not in _NOT_CARRIED:
            yield _made(parent, clause, key, is_certain=is_certain)
    for clause in (*parent.limits, *parent.outputs):
        if clause.term in _LIMITS:
            yield _made(parent, clause, key, "must-not", is_certain=is_certain)
    for clause in parent.use_restrictions:
        yield _made(parent, clause, key, "must-not", is_certain=is_certain)
    for clause in parent.thresholds:
        yield _made(parent, clause, key, is_certain=is_certain)


def _made(parent: Record, clause: Clause, key: str, kind: str = "must", *, is_certain: bool = True) -> Obligation:
    return Obligation(
        term=clause.term,
        text=clause.text,
        because=(key,),
        source=parent.source,
        licence=parent.id,
        section=clause.section,
        kind=kind if clause.group in ("must", "limit", "use") else "must",
        is_certain=is_certain,
    )
