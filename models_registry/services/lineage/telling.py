"""Lineage as plain data for programs: parts, links with where each was read, and what was made from a repository."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from hub.core.pagination import Page, keyset_page
from models_registry.licences import licence_class
from models_registry.models import LineageLink, LineageState, Repository
from models_registry.services.lineage.tracing import HERE, Edge, Node, Trace

CHILDREN_ORDER = ("-repository_id", "-pk")
MAX_CHILDREN = 100


def state_of(repository: Repository) -> LineageState | None:
    """How far the weights of a repository have been looked at, without the sketch."""
    return LineageState.objects.filter(repository=repository).defer("sketch", "headers", "matches").first()


def children(
    repository: Repository, viewer: User | AnonymousUser, *, limit: int, cursor: str | None
) -> Page[LineageLink]:
    """A page of what was made from this one, the newest first.

    Raises:
        BadCursor: not one of ours.
    """
    rows = LineageLink.objects.children_of([repository.pk], viewer).select_related("repository__namespace", "commit")
    return keyset_page(rows, order=CHILDREN_ORDER, limit=limit, cursor=cursor)


def count_children(repository: Repository, viewer: User | AnonymousUser) -> int:
    """How many that are."""
    return LineageLink.objects.children_of([repository.pk], viewer).values("repository").distinct().count()


def as_json(found: Trace) -> dict[str, Any]:
    """A trace as JSON. Of parts that may not be seen nothing is told but that they are there."""
    return {
        "root": found.root,
        "parts": [_part(node) for node in found.nodes.values()],
        "links": [_link(found, edge) for edge in found.edges],
        "refused": [_link(found, edge) | {"reason": "cycle"} for edge in found.refused],
        "is_cut": found.is_cut,
    }


def child_as_json(link: LineageLink) -> dict[str, Any]:
    """One model or data set that was made from another."""
    return {
        "name": link.repository.full_name,
        "kind": link.repository.kind,
        "licence": link.repository.licence,
        "relation": link.relation,
        "evidence": link.evidence,
    }


def weights_told(found: Trace, edge: Edge) -> dict[str, Any] | None:
    """The figures of a comparison, where both sides may be seen."""
    node = found.nodes.get(edge.parent)
    told = edge.row.detail.get("weights") if edge.row is not None else None
    return told if told and node is not None and node.place == HERE else None


def _part(node: Node) -> dict[str, Any]:
    return {
        "key": node.key,
        "kind": node.kind,
        "name": node.name,
        "place": node.place,
        "licence": node.licence,
        "licence_class": str(licence_class(node.licence)),
        "where": node.where,
        "says": node.says,
    }


def _link(found: Trace, edge: Edge) -> dict[str, Any]:
    detail = edge.row.detail if edge.row is not None else {}
    return {
        "child": edge.child,
        "parent": edge.parent,
        "relation": edge.relation,
        "evidence": edge.evidence,
        "from_weights": edge.row.is_from_weights if edge.row is not None else False,
        "places": detail.get("places", []),
        "weights": weights_told(found, edge),
    }
