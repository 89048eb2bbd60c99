"""The front page and the lists of models and data sets."""

from typing import Any

from django.core.cache import cache
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from evaluation.models import Benchmark, Evaluation, Receipt, Score, Standing, Step
from evaluation.models.standings import NEVER
from evaluation.presentation import (
    STEP_NAMES,
    STEP_PLANS,
    Reading,
    cost_readings,
    relevant_first,
    result_of,
    score_reading,
    scores_of,
)
from hub.core.htmx import render_page_or_fragment
from hub.core.pagination import Page, keyset_page
from hub.pages import facets
from hub.pages.boards import front_runners
from hub.pages.repository import origin
from hub.pages.rows import Row, common_benchmark, rows_of
from models_registry.labels import languages
from models_registry.models import Kind, Repository
from models_registry.querysets import RepositoryQuerySet

PER_PAGE = 20
HOME_ROWS = 8
HOME_BOARDS = 4
COUNT_UP_TO = 1_000  # Counting further would cost more than it tells.


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What the hub is, the newest models with their scores, and ways into the catalogue."""
    models = Repository.objects.listed_to(request.user).filter(kind=Kind.MODEL).select_related("namespace")
    rows = rows_of(list(models.order_by("-updated_at", "-id")[:HOME_ROWS]))
    example = next((row for row in rows if row.reading is not None and row.is_measured), None)
    counts = facets.public_counts(Kind.MODEL)
    context = {
        "rows": rows,
        "example": example,
        "example_readings": _example_readings(example) if example else [],
        "pull_lines": _pull_lines(request, example),
        "fronts": front_runners(request, HOME_BOARDS),
        "steps": [(STEP_NAMES[step], STEP_PLANS[step]) for step in Step],
        "totals": _totals(),
        "counts": counts,
        "tasks": facets.facets(facets.Filters(), counts)[0].first[:6],
        "sizes": facets.size_options(facets.Filters(), counts),
    }
    return render(request, "hub/home.html", context)


def _example_readings(row: Row) -> list[Reading]:
    """Two scores and the first token's time of one real model, with numbers and names on the rulers."""
    ranked = relevant_first(scores_of(row.evaluation), languages(row.repository))
    scores = [score_reading(score, short=False) for score in ranked[:2]]
    return scores + cost_readings(result_of(row.evaluation, Step.COST), short=False)[: 3 - len(scores)]


def _pull_lines(request: HttpRequest, row: Row | None) -> str:
    name = row.repository.full_name if row else "ns/name"
    return f"export SMALLHUB_ENDPOINT={origin(request)}\nsmallhub pull {name}"


def _totals() -> dict[str, int]:
    """Counts of what everybody may see of the hub, shared for a minute."""
    found: dict[str, int] | None = cache.get("totals")
    if found is None:
        kinds = Repository.objects.filter(visibility="public", is_draft=False).counts_by_kind()
        found = {
            "models": kinds.get(Kind.MODEL, 0),
            "datasets": kinds.get(Kind.DATASET, 0),
            "evaluations": Evaluation.objects.of_public_models().filter(status=Evaluation.Status.DONE).count(),
            "receipts": Receipt.objects.public().count(),
        }
        cache.set("totals", found, facets.COUNTS_S)
    return found


@require_safe
def model_list(request: HttpRequest) -> HttpResponse:
    """Models, narrowed by words and facets; the next page starts where the last one ended."""
    filters = facets.Filters.of(request.GET)
    found = filters.apply(Repository.objects.listed_to(request.user).filter(kind=Kind.MODEL))
    total = found.order_by()[: COUNT_UP_TO + 1].count()
    benchmark = _ranking(request, found) if filters.tasks or filters.sort == facets.BEST else None
    page = _page(request, filters, found, benchmark)
    rows = rows_of(page.rows, benchmark)
    context = _list_context(request, filters, Kind.MODEL, page, total)
    context |= {"rows": rows, "benchmark": benchmark, "axis": _axis(rows) if benchmark else None, "ticks": True}
    context["orders"] = [
        *context["orders"],
        (facets.FASTEST, gettext("Fastest answer"), filters.sort == facets.FASTEST),
    ]
    if benchmark is not None:
        context["orders"] = [*context["orders"], (facets.BEST, gettext("Best measured"), filters.sort == facets.BEST)]
    return render_page_or_fragment(
        request, "models_registry/model_list.html", "models_registry/partials/_results.html", context
    )


@require_safe
def dataset_list(request: HttpRequest) -> HttpResponse:
    """Data sets, with the same filters as models where they mean something."""
    return _unmeasured(request, Kind.DATASET, "models_registry/dataset_list.html")


@require_safe
def app_list(request: HttpRequest) -> HttpResponse:
    """Apps, likewise."""
    return _unmeasured(request, Kind.APP, "models_registry/app_list.html")


def _unmeasured(request: HttpRequest, kind: Kind, template: str) -> HttpResponse:
    filters = facets.Filters.of(request.GET)
    found = filters.apply(Repository.objects.listed_to(request.user).filter(kind=kind))
    total = found.order_by()[: COUNT_UP_TO + 1].count()
    page = _page(request, filters, found, None)
    context = _list_context(request, filters, kind, page, total)
    rows = [Row(repository, None, None, None, "") for repository in page.rows]
    context |= {"rows": rows, "benchmark": None, "axis": None}
    return render_page_or_fragment(request, template, "models_registry/partials/_results.html", context)


def _ranking(request: HttpRequest, found: RepositoryQuerySet) -> Benchmark | None:
    """The benchmark to rank by: the one asked for, else the one that most of the newest of these were scored on."""
    asked = request.GET.get("benchmark")
    if asked:
        return Benchmark.objects.active().shown_to(request.user).filter(key=asked[:80]).first()
    newest = list(found.order_by("-updated_at", "-id").select_related("namespace")[:PER_PAGE])
    return common_benchmark(rows_of(newest))


def _page(
    request: HttpRequest, filters: facets.Filters, found: RepositoryQuerySet, benchmark: Benchmark | None
) -> Page[Repository]:
    found = found.select_related("namespace")
    cursor = request.GET.get("cursor")
    if filters.sort == facets.BEST and benchmark is not None:
        scores = Score.objects.filter(
            repository=OuterRef("pk"), benchmark=benchmark, run__evaluation__commit__oid=OuterRef("head")
        )
        ranked = found.annotate(best=Subquery(scores.values("value")[:1])).filter(best__isnull=False)
        better_first = "-best" if benchmark.definition.get("higher_is_better", True) else "best"
        return keyset_page(ranked, order=(better_first, "-id"), limit=PER_PAGE, cursor=cursor)
    if filters.sort == facets.FASTEST:
        times = Standing.objects.filter(repository=OuterRef("pk")).values("order_ms")[:1]
        timed = found.annotate(ms=Subquery(times)).filter(ms__lt=NEVER)
        return keyset_page(timed, order=("ms", "id"), limit=PER_PAGE, cursor=cursor)
    order = facets.ORDERS.get(filters.sort, facets.ORDERS["updated"])[1]
    return keyset_page(found, order=order, limit=PER_PAGE, cursor=cursor)


def _axis(rows: list[Row]) -> Row | None:
    """A row whose reading carries the scale of the column."""
    return next((row for row in rows if row.reading is not None and row.reading.low is not None), None)


def _list_context(
    request: HttpRequest, filters: facets.Filters, kind: Kind, page: Page[Repository], total: int
) -> dict[str, Any]:
    counts = facets.public_counts(kind)
    following = facets.with_value(request.GET, "cursor", page.next_cursor) if page.next_cursor else ""
    return {
        "filters": filters,
        "chips": facets.chips(filters, request.GET),
        "facets": facets.facets(filters, counts),
        "sizes": facets.size_options(filters, counts),
        "orders": [(key, label, key == filters.sort) for key, (label, _) in facets.ORDERS.items()],
        "comfortable_url": facets.with_value(request.GET, "density", "comfortable"),
        "compact_url": facets.with_value(request.GET, "density", "compact"),
        "next_url": following,
        "is_first": "cursor" not in request.GET,
        "total": total,
        "count_up_to": COUNT_UP_TO,
        "search_query": filters.query,
        "section": {Kind.MODEL: "models", Kind.DATASET: "datasets", Kind.APP: "apps"}[kind],
    }
