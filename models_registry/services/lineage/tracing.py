"""What a repository comes from, as far up as one may look: bounded, and with a fixed number of queries a level.

What somebody may not see is as if it were not here. Where a file that she may read names it, the name stands as the
file spells it; where only the weights told, it is a part without a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.utils.translation import gettext

from accounts.models import User
from models_registry import addresses
from models_registry.licences.lineage import Lineage, Link, Part
from models_registry.lineage.cards import CARD
from models_registry.models import Commit, Evidence, Kind, LineageLink, Repository, RepositoryImport
from models_registry.querysets import RepositoryQuerySet

MAX_NODES = 200
MAX_LEVELS = 50  # As far as terms pass on: a chain of empty fine-tunes hides nothing.
HERE, ELSEWHERE, UNNAMED, MORE = "here", "elsewhere", "unnamed", "more"


@dataclass(frozen=True)
class Node:
    """One part. `repository` is set where it is here and may be seen; `mirror` where a copy told the licence."""

    key: str
    kind: str
    name: str
    licence: str
    place: str
    level: int
    says: str = ""
    repository: Repository | None = None
    mirror: Repository | None = None

    @property
    def where(self) -> str:
        return addresses.page(self.repository) if self.repository is not None else ""


@dataclass(frozen=True)
class Edge:
    """One link of the graph, with the row that says it; None where the walk ended before all was seen."""

    child: str
    parent: str
    relation: str
    evidence: str
    row: LineageLink | None = None


@dataclass
class Trace:
    """Everything found, the root first, level by level. `refused` are links that would have closed a circle."""

    root: str
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    refused: list[Edge] = field(default_factory=list)
    is_cut: bool = False


def trace(
    repository: Repository,
    viewer: User | AnonymousUser | None = None,
    *,
    commit: Commit | None = None,
    levels: int = MAX_LEVELS,
) -> Trace:
    """Walk up from a repository.

    Args:
        viewer: whose eyes; None is what anybody may see, and for a private repository its namespace's own as well.
        commit: of the root; its head by default. Parents count with their heads.
        levels: how far up.
    """
    root = _node_of(repository, level=0)
    found = Trace(root.key, {root.key: root})
    level = [(root, _links_of_commit(commit))] if commit is not None else _with_links([root])
    _climb(found, level, _visible(repository, viewer), levels)
    return found


def trace_planned(kind: Kind, links: Sequence[LineageLink], viewer: User | AnonymousUser) -> Trace:
    """The same of something that is not here yet.

    Args:
        links: what it will be made from, as rows that are not saved; those that are here with their `parent`.
    """
    root = Node(f"{kind}:", kind, gettext("the new one"), "", HERE, 0)
    found = Trace(root.key, {root.key: root})
    _climb(found, [(root, list(links))], Repository.objects.visible_to(viewer), MAX_LEVELS)
    return found


def _climb(found: Trace, level: list[tuple[Node, list[LineageLink]]], visible: RepositoryQuerySet, levels: int) -> None:
    for depth in range(1, levels + 2):
        rows = [(child, row) for child, links in level for row in links]
        if not rows:
            break
        if depth > levels:
            _cut(found, {child.key for child, _ in rows}, depth)
            break
        seen = _seen(visible, [row for _, row in rows])
        fresh = _add_level(found, rows, seen, depth)
        level = _with_links(fresh)
    _drop_circles(found)


def lineage_of(found: Trace) -> Lineage:
    """A trace without what only pages show."""
    parts = {node.key: Part(node.key, node.kind, node.licence, node.name, node.where) for node in found.nodes.values()}
    links = tuple(Link(edge.child, edge.parent, edge.relation, edge.evidence) for edge in found.edges)
    return Lineage(found.root, parts, links)


def licence_of(repository: Repository) -> str:
    """What a card declares, as one text; `other` gives its own name where it has one."""
    name = repository.card.get("license_name")
    if repository.licence.strip().lower() == "other" and isinstance(name, str) and name.strip():
        return name.strip()[:200]
    return repository.licence


def _node_of(repository: Repository, *, level: int) -> Node:
    key = f"{repository.kind}:{repository.key}"
    return Node(key, repository.kind, repository.full_name, licence_of(repository), HERE, level, repository=repository)


def _links_of_commit(commit: Commit) -> list[LineageLink]:
    return list(LineageLink.objects.filter(commit=commit).select_related("parent__namespace"))


def _with_links(nodes: Sequence[Node]) -> list[tuple[Node, list[LineageLink]]]:
    """The links of these nodes' heads: one query."""
    here = {node.repository.pk: node for node in nodes if node.repository is not None}
    if not here:
        return []
    by_child: dict[int, list[LineageLink]] = {}
    rows = LineageLink.objects.of_heads().filter(repository__in=here)
    for row in rows.select_related("parent__namespace").order_by("repository_id", "position"):
        by_child.setdefault(row.repository_id, []).append(row)
    return [(here[pk], rows_of) for pk, rows_of in by_child.items()]


@dataclass(frozen=True)
class _Seen:
    """Which parents of one level may be seen, and copies here of what is elsewhere."""

    visible: set[int]
    mirrors: Mapping[tuple[str, str], Repository]


def _seen(visible: RepositoryQuerySet, rows: Iterable[LineageLink]) -> _Seen:
    rows = list(rows)
    parents = {row.parent_id for row in rows if row.parent_id}
    pks = set(visible.filter(pk__in=parents).values_list("pk", flat=True)) if parents else set()
    names = {
        row.parent_name for row in rows if row.parent_name and row.parent_id not in pks and not row.is_from_weights
    }
    mirrors: dict[tuple[str, str], Repository] = {}
    if names:
        copies = RepositoryImport.objects.filter(origin__in=names, hub__gt="", repository__in=visible.values("pk"))
        for copy in copies.select_related("repository__namespace").order_by("-pk"):
            mirrors[copy.repository.kind, copy.origin.lower()] = copy.repository
    return _Seen(pks, mirrors)


def _visible(root: Repository, viewer: User | AnonymousUser | None) -> RepositoryQuerySet:
    if viewer is not None:
        return Repository.objects.visible_to(viewer)
    own = Q(namespace=root.namespace_id) if root.is_private else Q(pk=root.pk)
    return Repository.objects.filter(Q(visibility="public") | own)


def _add_level(found: Trace, rows: Iterable[tuple[Node, LineageLink]], seen: _Seen, depth: int) -> list[Node]:
    fresh: list[Node] = []
    for child, row in rows:
        node = _parent_node(row, seen, depth, number=len(found.nodes))
        edge = Edge(child.key, node.key, row.relation, _evidence(row, node), row)
        if row.refused or node.key == child.key:
            found.refused.append(edge)
            continue
        if node.key not in found.nodes:
            if len(found.nodes) >= MAX_NODES:
                _cut(found, {child.key}, depth)
                continue
            found.nodes[node.key] = node
            if node.repository is not None:
                fresh.append(node)
        found.edges.append(edge)
    return fresh


def _parent_node(row: LineageLink, seen: _Seen, depth: int, *, number: int) -> Node:
    says = str(row.detail.get("says") or "")
    if row.parent is not None and row.parent_id in seen.visible:
        return _node_of(row.parent, level=depth)
    if not row.parent_name or row.is_from_weights:
        return Node(
            f"unknown:{number}", row.parent_kind, "", "", UNNAMED, depth, says="" if row.is_from_weights else says
        )
    key, mirror = f"{row.parent_kind}:{row.parent_key}", seen.mirrors.get((row.parent_kind, row.parent_key))
    licence = licence_of(mirror) if mirror is not None else ""
    return Node(key, row.parent_kind, row.parent_name, licence, ELSEWHERE, depth, says=says, mirror=mirror)


def _evidence(row: LineageLink, node: Node) -> str:
    """What stands behind a link, as far as it may be told: of what is hidden, weights say nothing."""
    if node.place == HERE or row.is_from_weights or row.evidence not in {Evidence.VERIFIED, Evidence.CONTRADICTED}:
        return row.evidence
    is_declared = any(place.get("file") == CARD for place in row.detail.get("places", ()))
    return Evidence.DECLARED if is_declared else Evidence.DERIVED


def _cut(found: Trace, children: Iterable[str], level: int) -> None:
    """Say that there is more than was looked at: one part of which nothing is known."""
    found.is_cut = True
    key = "unknown:more"
    found.nodes.setdefault(key, Node(key, Kind.MODEL, "", "", MORE, level))
    known = {(edge.child, edge.parent) for edge in found.edges}
    found.edges += [Edge(child, key, "unknown", "derived") for child in sorted(children) if (child, key) not in known]


def _drop_circles(found: Trace) -> None:
    """Leave out links that lead back. Rows are kept free of circles when they are written; two that were written at the
    same moment may still form one.
    """
    above: dict[str, list[Edge]] = {}
    for each in found.edges:
        above.setdefault(each.child, []).append(each)
    done: set[str] = set()
    path: list[str] = [found.root]
    stack: list[Iterator[Edge]] = [iter(above.get(found.root, ()))]
    back: set[int] = set()
    while stack:
        edge: Edge | None = next(stack[-1], None)
        if edge is None:
            stack.pop()
            done.add(path.pop())
        elif edge.parent in path:
            back.add(id(edge))
        elif edge.parent not in done:
            path.append(edge.parent)
            stack.append(iter(above.get(edge.parent, ())))
    found.refused += [edge for edge in found.edges if id(edge) in back]
    found.edges = [edge for edge in found.edges if id(edge) not in back]
