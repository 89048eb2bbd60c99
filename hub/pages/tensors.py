"""The tensors of a model, read from the headers of its weight files: name, shape, number format, bytes."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from hub.core.htmx import render_page_or_fragment
from hub.pages import facets
from hub.pages.repository import Opened, open_repository
from models_registry.exceptions import BadWeights
from models_registry.permissions import Action, require
from models_registry.services.tensors import NamedTensor, list_tensors, weight_paths

PER_PAGE = 100
MAX_QUERY = 200


@dataclass(frozen=True)
class Total:
    tensors: int
    elements: int
    size_bytes: int


@require_safe
def tensors(request: HttpRequest, kind: str, namespace: str, name: str, revision: str) -> HttpResponse:
    """A page of them, with a filter by name, number format and file. A commit never changes, so a page is a place."""
    opened = open_repository(request, kind, namespace, name, revision)
    require(request.user, Action.DOWNLOAD, opened.repository)
    context = opened.context("files") | _shown(request, opened)
    return render_page_or_fragment(
        request, "models_registry/tensors.html", "models_registry/partials/_tensor_list.html", context
    )


def _shown(request: HttpRequest, opened: Opened) -> dict[str, Any]:
    paths = weight_paths(opened.commit)
    query, dtype = request.GET.get("q", "").strip()[:MAX_QUERY], request.GET.get("dtype", "")[:40]
    file = request.GET.get("file", "")
    chosen = [file] if file in paths else paths
    context = {"paths": paths, "query": query, "dtype": dtype, "file": file if file in paths else ""}
    try:
        everything = list_tensors(opened.repository, opened.commit, chosen)
    except BadWeights as error:
        return context | {"fault": str(error)}
    found = [each for each in everything if query.lower() in each.name.lower() and dtype in ("", each.dtype)]
    start = _number(request.GET.get("after", ""))
    return context | {
        "dtypes": sorted({each.dtype for each in everything}),
        "total": _total(everything),
        "found": _total(found),
        "rows": found[start : start + PER_PAGE],
        "next_url": _place(request, start + PER_PAGE) if start + PER_PAGE < len(found) else "",
        "previous_url": _place(request, max(0, start - PER_PAGE)) if start else "",
    }


def _place(request: HttpRequest, start: int) -> str:
    return facets.with_value(request.GET, "after", str(start))


def _total(found: list[NamedTensor]) -> Total:
    return Total(len(found), sum(each.elements for each in found), sum(each.size_bytes for each in found))


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0
