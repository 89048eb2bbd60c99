"""Leaderboards: all of them, one benchmark's with its chart, and those of a task, language, size or domain."""

import math
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_safe

from evaluation import boards
from evaluation.benchmarks.tiers import Tier
from evaluation.boards import Board, Section
from evaluation.models import Benchmark, Standing
from evaluation.names import metric_name, shown_name
from evaluation.official_suites import SUITES
from evaluation.presentation import Reading, Text, score_reading, shown_unit
from evaluation.querysets_standings import ORDERS, Limits
from evaluation.ranking import Rank
from hub.core.chart import Plot, Point, decades, draw_pareto
from hub.core.htmx import render_page_or_fragment, wants_fragment
from hub.core.numbers import number
from hub.core.ruler import Scale
from hub.pages import facets
from models_registry import addresses, labels
from models_registry.sizes import SIZES

PER_PAGE = 50
TOP = 5
MEAN_ROWS = 20
CHART_POINTS = 200
TIER_NAMES: dict[Tier, Text] = {
    Tier.STANDARD: gettext_lazy("whole set"),
    Tier.QUICK: gettext_lazy("quick tier"),
    Tier.SMOKE: gettext_lazy("smoke tier"),
}
AXES: dict[str, tuple[Text, Text, float]] = {
    "size": (gettext_lazy("MB"), gettext_lazy("Size on disk, MB, log scale; smaller is better"), 1e6),
    "ms": (gettext_lazy("ms"), gettext_lazy("First token or answer, ms, log scale; smaller is better"), 1.0),
    "memory": (gettext_lazy("memory"), gettext_lazy("Peak memory, MB, log scale; smaller is better"), 1e6),
}


@dataclass(frozen=True)
class Asked:
    """What a board's address asks for, cleaned: what makes no sense is dropped, so a stale link still shows a board."""

    limits: Limits
    order: str = "score"
    axis: str = "size"
    tier: Tier = Tier.STANDARD
    mark: str = ""
    score: float | None = None

    @classmethod
    def of(cls, given: QueryDict, benchmark: Benchmark | None = None) -> "Asked":
        """
        Args:
            benchmark: the one whose scores can be asked for; a share may be given in per cent, as it is shown.
        """
        order, axis, tier = given.get("sort", ""), given.get("axis", ""), given.get("tier", "")
        size = given.get("size", "")
        mb, memory_mb = _positive(given, "max_mb"), _positive(given, "max_memory_mb")
        limits = Limits(
            max_bytes=None if mb is None else mb * 1e6,
            max_ms=_positive(given, "max_ms"),
            max_memory_bytes=None if memory_mb is None else memory_mb * 1e6,
            licence=given.get("licence", "").strip()[:200],
            language=given.get("language", "").strip()[:40],
            size=size if size in SIZES else "",
            family=given.get("family", "").strip()[:64],
        )
        score = _score(given, benchmark) if benchmark is not None else None
        if benchmark is not None:
            limits = boards.at_least(benchmark, limits, score)
        return cls(
            limits=limits,
            score=score,
            order=order if order in ORDERS else "score",
            axis=axis if axis in AXES else "size",
            tier=Tier(tier) if tier in list(Tier) else Tier.STANDARD,
            mark=given.get("mark", "").strip().lower()[:140],
        )

    @property
    def is_narrow(self) -> bool:
        return self.limits != Limits()


def _positive(given: QueryDict, name: str) -> float | None:
    try:
        value = float(given.get(name, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def _score(given: QueryDict, benchmark: Benchmark) -> float | None:
    value = _positive(given, "min_score")
    factor, _ = shown_unit(benchmark.definition.get("unit") or "", benchmark.definition.get("scale") or {})
    return value / factor if value is not None and value > 1 else value


@dataclass(frozen=True)
class Line:
    """One line of a board's table: a model, or something that scores are read against."""

    standing: Standing | None
    reading: Reading
    rank: Rank | None = None
    is_on_front: bool = False
    is_marked: bool = False
    name: Text = ""

    @property
    def interval(self) -> str:
        """ "73.4–76.3", or "" where there is none."""
        low, high = self.reading.ci_low, self.reading.ci_high
        decimals = 1 if self.reading.unit == "%" else None
        return (
            "" if low is None or high is None else f"{number(low, decimals=decimals)}–{number(high, decimals=decimals)}"
        )


ShownSection = tuple[Section, list[Line], str]


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All boards, by task, with who is in front."""
    every = boards.benchmarks(request.user)
    found = boards.sections(request.user, every, Limits(), rows=1)
    tasks: dict[str, list[ShownSection]] = {}
    for section in found:
        tasks.setdefault(section.benchmark.task, []).append(_shown(section))
    languages = sorted({code for row in every for code in boards.languages_of(row)})
    domains = sorted({name for row in every for name in boards.domains_of(row)})
    context = {
        "section": "leaderboards",
        "tasks": [(task, labels.task_name(task), rows) for task, rows in tasks.items()],
        "spoken": [(code, labels.language_name(code)) for code in languages],
        "domains": [(name, _group_title("domains", name)) for name in domains],
        "sizes": [(key, label) for key, (label, _, _) in SIZES.items()],
    }
    return render(request, "evaluation/leaderboards.html", context)


def front_runners(request: HttpRequest, number: int) -> list[ShownSection]:
    """The boards on which most models stand, with who is in front."""
    found = boards.sections(request.user, boards.benchmarks(request.user), Limits(), rows=1)
    return [_shown(section) for section in found[:number] if section.total]


@require_safe
def board(request: HttpRequest, key: str) -> HttpResponse:
    """One benchmark: the chart, then every model with its interval and the places that it allows."""
    version = request.GET.get("version", "")
    benchmark = boards.find_benchmark(request.user, key, int(version) if is_version(version) else None)
    asked = Asked.of(request.GET, benchmark)
    shown = boards.board(
        request.user,
        benchmark,
        asked.limits,
        order=asked.order,
        axis=asked.axis,
        tier=asked.tier,
        limit=PER_PAGE,
        cursor=request.GET.get("cursor"),
    )
    context = _board_context(request, benchmark, asked, shown)
    if not wants_fragment(request):
        context["tiers"] = _tiers(request, benchmark, asked)
        context["families"] = boards.families(request.user, benchmark)
        context["chart"] = _chart(benchmark, asked, shown)
    return render_page_or_fragment(
        request, "evaluation/leaderboard.html", "evaluation/partials/_board_rows.html", context
    )


@require_safe
def group(request: HttpRequest, by: str, value: str) -> HttpResponse:
    """The benchmarks of one task, language, size or domain, each with its best; and means where they mean something."""
    choice, limits = boards.group_choice(by, value)
    asked = Asked.of(request.GET)
    language = asked.limits.language if by != "languages" else ""
    choice = replace(choice, language=language) if language else choice
    limits = replace(asked.limits, size=limits.size or asked.limits.size, language="")
    chosen = boards.benchmarks(request.user, choice)
    found = boards.sections(request.user, chosen, limits, rows=TOP)
    means = boards.suites(request.user, chosen, limits, rows=MEAN_ROWS) if by != "sizes" else []
    languages = sorted({code for row in boards.benchmarks(request.user) for code in boards.languages_of(row)})
    context = {
        "section": "leaderboards",
        "by": by,
        "value": value,
        "title": _group_title(by, value),
        "pack": SUITES.get(value) if by == "domains" else None,
        "sections": [_shown(section) for section in found if section.total],
        "suites": [_suite(suite) for suite in means],
        "asked": asked,
        "spoken": [(code, labels.language_name(code)) for code in languages] if by != "languages" else [],
        "licences": facets.licence_choices(facets.chosen_licence(request.GET)),
        "chosen": _chosen(request.GET),
        "csv_url": f"{reverse('evaluation_v1:leaderboard_group', args=[by, value])}{_query(request.GET, format='csv')}",
        "json_url": f"{reverse('evaluation_v1:leaderboard_group', args=[by, value])}{_query(request.GET)}",
    }
    return render(request, "evaluation/leaderboard_group.html", context)


def _tiers(request: HttpRequest, benchmark: Benchmark, asked: Asked) -> list[tuple[Text, int, bool, str]]:
    """The boards of this benchmark by tier (name, models, whether it is this one, address); [] with one alone."""
    counts = boards.tiers(request.user, benchmark)
    shown = [tier for tier, count in counts.items() if count or tier in (Tier.STANDARD, asked.tier)]
    if len(shown) < 2:
        return []
    given = request.GET.copy()
    given.pop("cursor", None)
    addresses_of = {tier: facets.with_value(given, "tier", "" if tier == Tier.STANDARD else tier) for tier in shown}
    return [(TIER_NAMES[tier], counts[tier], tier == asked.tier, addresses_of[tier]) for tier in shown]


def _board_context(request: HttpRequest, benchmark: Benchmark, asked: Asked, shown: Board) -> dict[str, Any]:
    following = facets.with_value(request.GET, "cursor", shown.next_cursor) if shown.next_cursor else ""
    table = reverse("evaluation_v1:leaderboard", args=[benchmark.key])
    lines = board_lines(benchmark, shown, mark=asked.mark, order=asked.order)
    least = {} if asked.score is None else {"min_score": repr(asked.score)}
    return {
        "section": "leaderboards",
        "benchmark": benchmark,
        "title": shown_name(benchmark.title),
        "metric": metric_name(benchmark.definition.get("main_metric", "")),
        "task": labels.task_name(benchmark.task),
        "spoken": [labels.language_name(code) for code in boards.languages_of(benchmark)],
        "asked": asked,
        "higher_is_better": bool(benchmark.definition.get("higher_is_better", True)),
        "tier_name": TIER_NAMES[asked.tier],
        "lines": lines,
        "axis": next((line.reading for line in lines if line.reading.low is not None), None),
        "total": shown.total,
        "next_url": following,
        "is_first": "cursor" not in request.GET,
        "sorts": {name: facets.with_value(request.GET, "sort", name) for name in ORDERS},
        "axes": [(key, AXES[key][0], key == asked.axis, facets.with_value(request.GET, "axis", key)) for key in AXES],
        "licences": facets.licence_choices(facets.chosen_licence(request.GET)),
        "sizes": [(key, label) for key, (label, _, _) in SIZES.items()],
        "chosen": _chosen(request.GET),
        "hidden": [(name, request.GET[name]) for name in _HIDDEN if request.GET.get(name)],
        "csv_url": f"{table}{_query(request.GET, **least, format='csv')}",
        "json_url": f"{table}{_query(request.GET, **least)}",
        "embed_url": f"{reverse('embed_leaderboard', args=[benchmark.key])}{_query(request.GET, **least)}",
    }


def board_lines(benchmark: Benchmark, shown: Board, *, mark: str = "", order: str = "score") -> list[Line]:
    """The lines of one page; baseline and chance stand where their value puts them, or last in another order."""
    lines: list[Line] = []
    waiting = list(shown.references)
    for row in shown.rows:
        if order == "score":
            lines += [_reference(benchmark, ref) for ref in waiting if ref.before == row.standing.pk]
            waiting = [ref for ref in waiting if ref.before != row.standing.pk]
        name = row.standing.repository.full_name.lower()
        lines.append(
            Line(row.standing, score_reading(row.standing.score), row.rank, row.is_on_front, is_marked=name == mark)
        )
    if shown.next_cursor is None and shown.rows:
        lines += [_reference(benchmark, ref) for ref in waiting if order != "score" or ref.before is None]
    return lines


def _reference(benchmark: Benchmark, reference: boards.Reference) -> Line:
    scale = benchmark.definition.get("scale") or {}
    factor, unit = shown_unit(benchmark.definition.get("unit") or "", scale)
    value = reference.value * factor
    known = shown_name(reference.name.replace("_", " "))
    name = gettext("chance") if reference.kind == "chance" else known or gettext("baseline")
    text = number(value, decimals=1) if unit == "%" else number(value)
    return Line(None, Reading(name=name, value=value, text=text, unit=unit), name=name)


def _shown(section: Section) -> ShownSection:
    return section, _lines_of(section), shown_name(section.benchmark.title)


def _lines_of(section: Section) -> list[Line]:
    return [Line(row, score_reading(row.score), rank) for row, rank in boards.with_ranks(section.rows)]


def _suite(suite: boards.Suite) -> dict[str, Any]:
    first = suite.benchmarks[0]
    scale = first.definition.get("scale") or {}
    factor, unit = shown_unit(first.definition.get("unit") or "", scale)
    decimals = 1 if unit == "%" else None
    rows = []
    for standing, mean, rank in suite.rows:
        low, high = (number(end * factor, decimals=decimals) for end in (mean.low, mean.high))
        rows.append((standing, rank, number(mean.value * factor, decimals=decimals), f"{low}–{high}"))
    return {
        "names": [shown_name(row.title) for row in suite.benchmarks],
        "metric": metric_name(first.definition.get("main_metric", "")),
        "unit": unit,
        "rows": rows,
    }


def _chart(benchmark: Benchmark, asked: Asked, shown: Board) -> Any:
    """The drawing, or None where no model has the quantity."""
    drawn = boards.points(shown, axis=asked.axis, limit=CHART_POINTS)
    if not drawn:
        return None
    _, title, divisor = AXES[asked.axis]
    readings = [score_reading(row.score) for row in drawn]
    first = readings[0]
    y = Scale(first.low if first.low is not None else 0.0, first.high if first.high is not None else 1.0, first.kind)
    costs = [getattr(row, boards.AXES[asked.axis]) / divisor for row in drawn]
    front = set(shown.front)
    points = [
        _point(row, reading, cost, asked, is_on_front=row.pk in front)
        for row, reading, cost in zip(drawn, readings, costs, strict=True)
    ]
    lines = [
        (line.reading.value or 0.0, f"{line.name} {line.reading.text}", kind == "baseline")
        for line, kind in ((_reference(benchmark, ref), ref.kind) for ref in shown.references)
    ]
    best = ", ".join(point.spoken for point in sorted(points, key=lambda point: point.x) if point.is_on_front)
    plot = Plot(
        x=decades(costs),
        y=y,
        x_title=str(title),
        y_title=f"{shown_name(benchmark.title)}, {first.unit or first.metric}",
        higher_is_better=first.higher_is_better is not False,
        spoken=gettext("%(count)s models by quality and cost. On the front: %(best)s. The table below has all numbers.")
        % {"count": len(points), "best": best[:1000]},
        lines=tuple(lines),
    )
    return draw_pareto(plot, points)


def _point(row: Standing, reading: Reading, cost: float, asked: Asked, *, is_on_front: bool) -> Point:
    unit = AXES[asked.axis][0] if asked.axis == "ms" else "MB"
    name = row.repository.full_name
    value = reading.value or 0.0
    return Point(
        x=cost,
        y=value,
        low=reading.ci_low if reading.ci_low is not None else value,
        high=reading.ci_high if reading.ci_high is not None else value,
        label=row.repository.name,
        spoken=f"{name}: {reading.text} {reading.unit}, {number(cost)} {unit}",
        url=addresses.page(row.repository),
        is_on_front=is_on_front,
        is_marked=name.lower() == asked.mark,
    )


def is_version(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 8


def _group_title(by: str, value: str) -> Text:
    if by == "tasks":
        return labels.task_name(value)
    if by == "languages":
        return labels.language_name(value)
    if by == "sizes":
        return SIZES[value][0]
    return gettext(SUITES[value].title) if value in SUITES else value


_KEPT = ("max_mb", "max_ms", "max_memory_mb", "licence", "language", "size", "family", "sort", "tier", "version")

_HIDDEN = ("sort", "axis", "tier", "version", "language")


def _chosen(given: QueryDict) -> dict[str, str]:
    """What the form shows as typed."""
    return {name: given.get(name, "") for name in (*_KEPT, "min_score", "mark", "axis")}


def _query(given: QueryDict, **more: str) -> str:
    values = {name: str(given[name]) for name in _KEPT if given.get(name)} | more
    return facets.query_string(**values) if values else ""
