"""The items behind one number, page by page: right, wrong, flipped, by part of the set and by label."""

import math
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from evaluation.exceptions import ItemsNotFound
from evaluation.models import Benchmark, Comparison, Receipt
from evaluation.presentation import score_reading
from evaluation.services.browsing import PER_PAGE, SHOWS, ItemPage, Show, browse
from hub.core.htmx import render_page_or_fragment
from hub.pages import facets
from hub.pages.explanations import explained
from hub.pages.repository import Opened, open_repository

NAMES: dict[Show, str | Promise] = {
    "all": _("All"),
    "right": _("Right"),
    "wrong": _("Wrong"),
    "flipped": _("Flipped"),
    "better": _("Right now, wrong before"),
    "worse": _("Wrong now, right before"),
}
_MOST = 10_000_000


@dataclass(frozen=True)
class Tab:
    """One way to narrow the items, with how many it leaves."""

    name: str | Promise
    count: int
    url: str
    is_chosen: bool


@dataclass(frozen=True)
class Cell:
    """One cell of the confusion matrix; `heat` is 0 to 5, by its share of the true label's items."""

    n: int
    heat: int
    is_right: bool
    url: str
    spoken: str


@require_safe
def items(request: HttpRequest, kind: str, namespace: str, name: str, revision: str, sha256: str) -> HttpResponse:
    """The items of one receipt, beside those of the version that it was compared with."""
    opened = open_repository(request, kind, namespace, name, revision)
    receipt = _receipt(request, opened, sha256)
    benchmark = receipt.of_run.benchmark
    assert benchmark is not None
    context = opened.context("evaluations") | {"receipt": receipt, "benchmark": benchmark, "score": _score(receipt)}
    if not Benchmark.objects.readable_by(request.user).filter(pk=benchmark.pk).exists():
        return render(request, "evaluation/items.html", context | {"hidden": True})
    against = _against(receipt, request)
    try:
        page = browse(
            receipt,
            benchmark,
            against=against,
            show=_show(request),
            part=request.GET.get("part", "")[:200],
            gold=request.GET.get("gold", "")[:200],
            said=request.GET.get("said", "")[:200],
            start=_start(request),
        )
    except ItemsNotFound:
        return render(request, "evaluation/items.html", context | {"missing": True})
    context |= _shown(request, page) | {"page": page, "against": against}
    context["rows"] = [(item, explained(_kept(receipt).get(item.id))) for item in page.items]
    return render_page_or_fragment(request, "evaluation/items.html", "evaluation/partials/_items.html", context)


def _receipt(request: HttpRequest, opened: Opened, sha256: str) -> Receipt:
    found = (
        Receipt.objects.visible_to(request.user)
        .select_related("run__score__benchmark", "of_run__benchmark__repository__namespace")
        .filter(sha256=sha256, of_run__evaluation__commit=opened.commit, of_run__benchmark__isnull=False)
        .first()
    )
    if found is None:
        raise Http404
    return found


def _score(receipt: Receipt) -> Any:
    """The reading of the score, where this receipt is still the run's own."""
    score = getattr(receipt.run, "score", None)
    return score_reading(score, short=False) if score else None


def _kept(receipt: Receipt) -> dict[str, Any]:
    """The explanations by item that were made with this receipt; a newer one has its own."""
    return dict((receipt.run.result or {}).get("explanations") or {}) if receipt.run is not None else {}


def _against(receipt: Receipt, request: HttpRequest) -> Receipt | None:
    """The same benchmark's receipt of an earlier version: the one asked for, or that of the newest comparison."""
    run = receipt.of_run
    earlier = Receipt.objects.visible_to(request.user).filter(
        run__benchmark=run.benchmark_id, of_run__evaluation__repository=run.evaluation.repository_id
    )
    wanted = request.GET.get("against", "")
    if wanted:
        return earlier.filter(sha256=wanted[:64]).exclude(pk=receipt.pk).first() if "\x00" not in wanted else None
    bases = Comparison.objects.filter(evaluation=run.evaluation_id).values("base")
    return earlier.filter(of_run__evaluation__in=bases).exclude(pk=receipt.pk).order_by("-pk").first()


def _shown(request: HttpRequest, page: ItemPage) -> dict[str, Any]:
    show = _show(request)
    shows = [each for each in SHOWS if _applies(each, page)]
    without_start = request.GET.copy()
    without_start.pop("start", None)
    return {
        "tabs": [
            Tab(NAMES[each], page.counts[each], facets.with_value(without_start, "show", each), each == show)
            for each in shows
        ],
        "parts": [
            (name, size, right, facets.with_value(without_start, "part", name), name == request.GET.get("part"))
            for name, (size, right) in page.slices.items()
        ],
        "all_parts_url": facets.with_value(without_start, "part", ""),
        "part": request.GET.get("part", ""),
        "gold": request.GET.get("gold", ""),
        "said": request.GET.get("said", ""),
        "confusion": _cells(page),
        "sure_name": gettext("how sure it was"),
        "right_name": gettext("how often it was right"),
        "first": page.start + 1,
        "last": page.start + len(page.items),
        "next_url": facets.with_value(request.GET, "start", str(page.next_start)) if page.next_start else "",
        "previous_url": (
            facets.with_value(request.GET, "start", str(max(0, page.start - PER_PAGE))) if page.start else ""
        ),
    }


def _cells(page: ItemPage) -> list[tuple[str, list[Cell]]]:
    if page.confusion is None:
        return []
    table = []
    for gold, row in page.confusion.rows:
        cells = []
        for said, (n, share) in zip(page.confusion.labels, row, strict=True):
            spoken = gettext("truly %(gold)s, said %(said)s: %(n)s") % {"gold": gold, "said": said, "n": n}
            url = facets.query_string(gold=gold, said=said)
            cells.append(Cell(n, math.ceil(share * 5), gold == said, url, spoken))
        table.append((gold, cells))
    return table


def _applies(show: Show, page: ItemPage) -> bool:
    if show == "all":
        return True
    if show in ("right", "wrong"):
        return page.is_right_or_wrong
    return page.has_before and page.is_right_or_wrong


def _show(request: HttpRequest) -> Show:
    wanted = request.GET.get("show", "all")
    return next((each for each in SHOWS if each == wanted), "all")


def _start(request: HttpRequest) -> int:
    text = request.GET.get("start", "0")
    return min(int(text), _MOST) if text.isascii() and text.isdigit() and len(text) < 9 else 0
