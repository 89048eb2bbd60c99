"""What the licence page shows of where a repository comes from: the drawing, each step with its evidence, children."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext

from hub.pages import facets
from hub.pages.lineage_drawing import draw
from hub.pages.lineage_words import CHILD_RELATIONS, EVIDENCE, RELATIONS, mark_of, mark_of_row
from models_registry.models import Kind, LineageState, Repository
from models_registry.services import lineage
from models_registry.services.lineage import Edge, Node, Trace, telling

PER_PAGE = 20
_MAX_STEPS = 400


@dataclass(frozen=True)
class Step:
    """One step of the list: a part, how its child relates to it, and why one should believe that.

    Attributes:
        depth: how many steps from the root.
        evidence: a key of EVIDENCE, for the mark.
        sentences: what stands behind it, in words.
        is_again: it stands in the list already, with all above it.
    """

    depth: int
    node: Node
    relation: str
    evidence: str
    sentences: list[str]
    is_again: bool

    @property
    def relation_words(self) -> str | Promise:
        return RELATIONS.get(self.relation, RELATIONS["unknown"])

    @property
    def evidence_words(self) -> str | Promise:
        return EVIDENCE[self.evidence]


def context(request: HttpRequest, repository: Repository) -> dict[str, Any]:
    """All that `partials/lineage.html` needs."""
    found = lineage.trace(repository, request.user)
    page = telling.children(repository, request.user, limit=PER_PAGE, cursor=request.GET.get("children"))
    next_url = facets.with_value(request.GET, "children", page.next_cursor) if page.next_cursor else ""
    return {
        "lineage": found,
        "drawing": draw(found),
        "steps": list(steps(found)),
        "lineage_summary": summary(found),
        "left_out": [left_out(found, edge) for edge in found.refused],
        "weights_note": weights_note(telling.state_of(repository)),
        "children": [(row, CHILD_RELATIONS.get(row.relation, ""), EVIDENCE[mark_of_row(row)]) for row in page.rows],
        "children_count": telling.count_children(repository, request.user),
        "children_next": f"{next_url}#children" if next_url else "",
        "is_later_page": bool(request.GET.get("children")),
    }


def summary(found: Trace) -> str:
    """What there is, in a sentence."""
    parts = [node for node in found.nodes.values() if node.key != found.root]
    if not parts:
        return ""
    said = ngettext("Made from %(n)d part.", "Made from %(n)d parts.", len(parts)) % {"n": len(parts)}
    dark = sum(not node.licence for node in parts)
    if not dark:
        return f"{said} {gettext('The licence of each is known.')}"
    told = ngettext("The licence of %(n)d is not known.", "The licences of %(n)d are not known.", dark) % {"n": dark}
    return f"{said} {told}"


def steps(found: Trace) -> Iterator[Step]:
    """The graph as a list, depth first, each part with all above it once."""
    above: dict[str, list[Edge]] = {}
    for edge in found.edges:
        above.setdefault(edge.child, []).append(edge)
    shown: set[str] = set()
    pending = [(1, edge) for edge in reversed(above.get(found.root, []))]
    count = 0
    while pending and count < _MAX_STEPS:
        depth, edge = pending.pop()
        node = found.nodes[edge.parent]
        is_again = node.key in shown and node.key in above
        yield Step(depth, node, edge.relation, mark_of(edge), sentences(found, edge), is_again)
        count += 1
        if not is_again:
            shown.add(node.key)
            pending += [(depth + 1, each) for each in reversed(above.get(node.key, []))]


def sentences(found: Trace, edge: Edge) -> list[str]:
    """Where a link was read, and what the weights say to it."""
    if edge.row is None:
        return [gettext("There is more above this than is looked at here.")]
    words = gettext("%(file)s says so in “%(key)s”.")
    said = [words % {"file": place["file"], "key": place["key"]} for place in edge.row.detail.get("places", [])]
    told = telling.weights_told(found, edge)
    if told:
        said.append(weights_sentence(told, edge))
    elif edge.row.is_from_weights:
        said.append(gettext("Its weights tell. You may not see the model that they come from."))
    return said


def weights_sentence(told: dict[str, Any], edge: Edge) -> str:
    """The figures of a comparison, in words."""
    values = {
        "near": f"{100 * told['near']:.0f}",
        "exact": f"{100 * told['exact']:.0f}",
        "far": f"{100 * told['distance']:.2g}",
        "comparable": f"{100 * told['comparable']:.0f}",
    }
    if edge.evidence == "contradicted":
        return (
            gettext("Its weights do not resemble it: %(comparable)s %% could be compared, none of it is alike.")
            % values
        )
    if told["how"] == "copy":
        return gettext("The weights are the same, number by number.")
    if told["how"] == "rounded":
        return gettext("The weights are the same, written with fewer digits; %(far)s %% apart.") % values
    if told["near"] == 0:
        return gettext("The weights resemble it too little to tell.")
    said = gettext("%(near)s %% of the weights are alike, %(far)s %% apart; %(exact)s %% are equal.") % values
    if mark_of(edge) == "weights":
        said += " " + gettext("No file names it: this was made from it, or both from one that is not here.")
    return said


def left_out(found: Trace, edge: Edge) -> str:
    """Why a link is not part of the graph."""
    names = [found.nodes[key].name if key in found.nodes else _name_of(edge) for key in (edge.child, edge.parent)]
    child, parent = names
    return gettext("%(child)s names %(parent)s, which itself comes from %(child)s. This step is left out.") % {
        "child": child,
        "parent": parent,
    }


def _name_of(edge: Edge) -> str:
    return edge.row.parent_name if edge.row is not None and not edge.row.is_from_weights else gettext("a model")


def weights_note(state: LineageState | None) -> str:
    """What is still to be known of the weights."""
    if state is None or state.state == LineageState.State.DONE:
        return ""
    if state.state == LineageState.State.FAILED:
        return gettext("The weights could not be compared: %(fault)s") % {"fault": state.fault}
    return gettext("The weights have not been compared with other models yet.")


def line(repository: Repository, user: Any) -> dict[str, Any]:
    """The short line on the page of a model: its nearest parents, and how many come from it."""
    if repository.kind not in (Kind.MODEL, Kind.DATASET):
        return {}
    found = lineage.trace(repository, user, levels=1)
    parents = [
        (RELATIONS.get(edge.relation, ""), found.nodes[edge.parent], EVIDENCE[mark_of(edge)], mark_of(edge))
        for edge in found.edges
        if edge.relation != "evaluated_on" and edge.row is not None
    ]
    return {
        "parents": parents[:3],
        "more_parents": max(0, len(parents) - 3),
        "children_count": telling.count_children(repository, user),
    }
