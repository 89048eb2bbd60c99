"""A lineage laid out for drawing: levels of boxes with lines between them, in percent across and pixels down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.utils.functional import Promise

from hub.pages.lineage_words import EVIDENCE, RELATIONS, mark_of
from models_registry.services.lineage import Edge, Node, Trace

MAX_COLUMNS = 8
MAX_LEVELS = 12
_GROUPED_FROM = 4


@dataclass
class Box:
    """One place in a level: a part, several alike in one, or a line that passes through."""

    key: str
    node: Node | None = None
    group: tuple[Node, ...] = ()
    x: float = 0.0

    @property
    def is_passing(self) -> bool:
        return self.node is None and not self.group


@dataclass(frozen=True)
class Line:
    """A line from a box to one in the level below it on the page, which is what it was made from."""

    x1: str
    x2: str
    edge: Edge
    label_x: str
    is_end: bool  # Whether it reaches the parent here, and so carries the words.

    @property
    def mark(self) -> str:
        return mark_of(self.edge)

    @property
    def relation(self) -> str | Promise:
        return RELATIONS.get(self.edge.relation, RELATIONS["unknown"])

    @property
    def evidence(self) -> str | Promise:
        return EVIDENCE[self.mark]


@dataclass
class Level:
    """Boxes of one level, with the lines that lead to it from the level before."""

    boxes: list[Box]
    lines: list[Line] = field(default_factory=list)

    @property
    def columns(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True)
class Drawing:
    levels: list[Level]
    columns: int


def draw(found: Trace) -> Drawing | None:
    """Lay out a trace, the root on top; None where it is only a root, or too wide or deep to be read as a picture."""
    groups = _groups(found)
    edges = _edges(found, groups)
    if not edges:
        return None
    depth = _depths(found.root, edges)
    bottom = max(depth.values())
    if bottom > MAX_LEVELS:
        return None
    levels: list[Level] = [Level([]) for _ in range(bottom + 1)]
    for key in depth:
        levels[depth[key]].boxes.append(_box(key, found, groups))
    steps = [step for edge in edges for step in _passes(edge, depth, levels)]
    if max(level.columns for level in levels) > MAX_COLUMNS:
        return None
    _place(levels, steps)
    return Drawing(levels, max(level.columns for level in levels))


@dataclass(frozen=True)
class _Step:
    """A line between two neighbouring levels."""

    level: int
    above: str
    below: str
    edge: Edge
    is_end: bool


def _groups(found: Trace) -> dict[str, tuple[Node, ...]]:
    """Parts that go into one box, by the key of the box: many of one child, alike in relation and evidence, which
    come from nothing themselves.
    """
    has_parents = {edge.child for edge in found.edges}
    children: dict[str, list[Edge]] = {}
    for edge in found.edges:
        children.setdefault(edge.parent, []).append(edge)
    alike: dict[tuple[str, str, str, str], list[Node]] = {}
    for key, edges in children.items():
        if len(edges) == 1 and key not in has_parents:
            (edge,) = edges
            node = found.nodes[key]
            alike.setdefault((edge.child, edge.relation, edge.evidence, node.kind), []).append(node)
    return {f"group:{nodes[0].key}": tuple(nodes) for nodes in alike.values() if len(nodes) >= _GROUPED_FROM}


def _edges(found: Trace, groups: dict[str, tuple[Node, ...]]) -> list[Edge]:
    """Lines between boxes: those of a group as one."""
    box_of = {node.key: key for key, nodes in groups.items() for node in nodes}
    told: dict[tuple[str, str], Edge] = {}
    for edge in found.edges:
        parent = box_of.get(edge.parent, edge.parent)
        told.setdefault((edge.child, parent), Edge(edge.child, parent, edge.relation, edge.evidence, edge.row))
    return list(told.values())


def _depths(root: str, edges: Iterable[Edge]) -> dict[str, int]:
    """How far below the root each box stands: as far as the longest way to it, so that every line leads down."""
    below: dict[str, list[str]] = {}
    waits: dict[str, int] = {}
    for edge in edges:
        below.setdefault(edge.child, []).append(edge.parent)
        waits[edge.parent] = waits.get(edge.parent, 0) + 1
    depth = {root: 0}
    ready = [root]
    while ready:
        key = ready.pop(0)
        for parent in below.get(key, ()):
            depth[parent] = max(depth.get(parent, 0), depth[key] + 1)
            waits[parent] -= 1
            if not waits[parent]:
                ready.append(parent)
    return depth


def _box(key: str, found: Trace, groups: dict[str, tuple[Node, ...]]) -> Box:
    return Box(key, group=groups[key]) if key in groups else Box(key, node=found.nodes[key])


def _passes(edge: Edge, depth: dict[str, int], levels: Sequence[Level]) -> Iterable[_Step]:
    """A line over several levels, cut into steps; where it passes a level it has a box of its own there."""
    above = edge.child
    for level in range(depth[edge.child] + 1, depth[edge.parent]):
        passing = f"{edge.child}→{edge.parent}@{level}"
        levels[level].boxes.append(Box(passing))
        yield _Step(level, above, passing, edge, is_end=False)
        above = passing
    yield _Step(depth[edge.parent], above, edge.parent, edge, is_end=True)


def _place(levels: Sequence[Level], steps: Sequence[_Step]) -> None:
    """Order each level by what is above it, give every box its place, and draw the lines."""
    x: dict[str, float] = {}
    for at, level in enumerate(levels):
        above: dict[str, list[float]] = {}
        for step in steps:
            if step.level == at:
                above.setdefault(step.below, []).append(x[step.above])
        level.boxes.sort(key=lambda box: sum(above.get(box.key, [50.0])) / len(above.get(box.key, [50.0])))
        for column, box in enumerate(level.boxes):
            box.x = x[box.key] = round((column + 0.5) / len(level.boxes) * 100, 3)
        level.lines = [
            Line(f"{x[s.above]:g}", f"{x[s.below]:g}", s.edge, f"{0.3 * x[s.above] + 0.7 * x[s.below]:g}", s.is_end)
            for s in steps
            if s.level == at
        ]
