"""What a model was made from: parts with their licences, and how one was made from another. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FINETUNE, ADAPTER, MERGE, QUANTIZED = "finetune", "adapter", "merge", "quantized"
DISTILLED, TRAINED_ON, EVALUATED_ON, PART_OF, UNKNOWN = "distilled", "trained_on", "evaluated_on", "part_of", "unknown"
RELATIONS = (FINETUNE, ADAPTER, MERGE, QUANTIZED, PART_OF, DISTILLED, TRAINED_ON, UNKNOWN, EVALUATED_ON)
# What is made this way holds the parent's weights, or works with them alone.
DERIVED = frozenset({FINETUNE, ADAPTER, MERGE, QUANTIZED})
DECLARED, DERIVED_EVIDENCE, VERIFIED, CONTRADICTED = "declared", "derived", "verified", "contradicted"
EVIDENCE = (DECLARED, DERIVED_EVIDENCE, VERIFIED, CONTRADICTED)
# How far each carries what the parent demands; along a way the weakest step counts.
_REACH = {FINETUNE: 0, ADAPTER: 0, MERGE: 0, QUANTIZED: 0, PART_OF: 1, DISTILLED: 2, TRAINED_ON: 3, UNKNOWN: 4}


class LineageCycle(ValueError):
    """Something would be made from itself. `keys` go round."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        super().__init__(" → ".join(keys))
        self.keys = keys


@dataclass(frozen=True)
class Part:
    """One model, data set or file. `licence` is as declared, "" is unknown; `where` is its address, if it has one."""

    key: str
    kind: str
    licence: str
    name: str
    where: str = ""


@dataclass(frozen=True)
class Link:
    """`child` was made from `parent`; of `part_of`: the parent lies in the child as it is."""

    child: str
    parent: str
    relation: str
    evidence: str = DECLARED


@dataclass(frozen=True)
class Lineage:
    """A root and all that it was made from."""

    root: str
    parts: Mapping[str, Part]
    links: tuple[Link, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "root": self.root,
            "parts": [vars(part) for part in self.parts.values()],
            "links": [vars(link) for link in self.links],
        }


@dataclass(frozen=True)
class Way:
    """An ancestor and how it reaches the root. `contradicted`: the weights speak against a step on the way."""

    key: str
    relation: str
    contradicted: bool = False


def joined(near: str, far: str) -> str:
    """How what stands behind two steps reaches the root: as the weaker of them."""
    if near not in _REACH or far not in _REACH:
        return EVALUATED_ON
    if near in DERIVED and far in DERIVED:
        return near if near == far else FINETUNE
    return max(near, far, key=_REACH.__getitem__)


def ways(lineage: Lineage) -> tuple[Way, ...]:
    """Every ancestor by every way that reaches the root, in a fixed order. What was only measured on reaches nothing.

    Raises:
        LineageCycle: something is made from itself.
    """
    above = _parents(lineage)
    _refuse_cycles(lineage.root, above)
    found: set[Way] = set()
    open_ways = [Way(link.parent, link.relation, link.evidence == CONTRADICTED) for link in above.get(lineage.root, ())]
    while open_ways:
        way = open_ways.pop()
        if way.relation == EVALUATED_ON or way in found:
            continue
        found.add(way)
        for link in above.get(way.key, ()):
            contradicted = way.contradicted or link.evidence == CONTRADICTED
            open_ways.append(Way(link.parent, joined(way.relation, link.relation), contradicted))
    order = {relation: place for place, relation in enumerate(RELATIONS)}
    return tuple(sorted(found, key=lambda way: (way.key, order[way.relation], way.contradicted)))


def _parents(lineage: Lineage) -> dict[str, list[Link]]:
    above: dict[str, list[Link]] = {}
    for link in lineage.links:
        relation = link.relation if link.relation in RELATIONS else UNKNOWN
        known = Link(link.child, link.parent, relation, link.evidence)
        if known.relation != EVALUATED_ON:
            above.setdefault(link.child, []).append(known)
    return above


def _refuse_cycles(root: str, above: Mapping[str, list[Link]]) -> None:
    """Walk down with a stack of our own: a lineage may be deeper than Python's."""
    done: set[str] = set()
    path: list[str] = [root]
    on_path: set[str] = {root}
    stack: list[Iterator[Link]] = [iter(above.get(root, ()))]
    while stack:
        link = next(stack[-1], None)
        if link is None:
            stack.pop()
            on_path.discard(path[-1])
            done.add(path.pop())
        elif link.parent in on_path:
            raise LineageCycle((*path[path.index(link.parent) :], link.parent))
        elif link.parent not in done:
            path.append(link.parent)
            on_path.add(link.parent)
            stack.append(iter(above.get(link.parent, ())))
