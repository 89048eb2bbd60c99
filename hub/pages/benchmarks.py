"""Benchmarks: what they ask, of which data, under which rules; and the suites and domain packs that they make up."""

import json
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from accounts.models import User
from evaluation.benchmarks.definition import NO_KIND, NO_SENSE, NO_TRAIN
from evaluation.boards import find_benchmark
from evaluation.exceptions import SuiteNotFound
from evaluation.models import Benchmark, Standing
from evaluation.names import metric_name, shown_name
from evaluation.official_suites import SUITES, Suite
from evaluation.presentation import Reading, score_reading
from evaluation.reference import baseline_of, measured_of
from hub.core.numbers import number
from hub.core.pagination import keyset_page
from hub.pages import facets
from hub.pages.boards import is_version
from models_registry.labels import language_name, task_name
from models_registry.permissions import Action, can

PER_PAGE = 40
IN_FRONT = 5
LOOKED_AT = 50

Viewer = User | AnonymousUser


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Every active benchmark whose data this person may see, with the way to register one."""
    task = request.GET.get("task", "")[:64]
    visible = Benchmark.objects.active().visible_to(request.user)
    found = visible.select_related("repository__namespace")
    if task:
        found = found.filter(task=task)
    if licence := facets.chosen_licence(request.GET):
        found = found.with_data_under(licence)
    page = keyset_page(found, order=("key", "id"), limit=PER_PAGE, cursor=request.GET.get("cursor"))
    context = {
        **facets.licence_filter(request.GET, "task"),
        "section": "leaderboards",
        "rows": [(row, shown_name(row.title), facts(row)) for row in page.rows],
        "tasks": [(key, task_name(key)) for key in sorted(set(visible.order_by().values_list("task", flat=True)))],
        "task": task,
        "next_url": facets.with_value(request.GET, "cursor", page.next_cursor) if page.next_cursor else "",
    }
    return render(request, "evaluation/benchmarks.html", context)


@require_safe
def benchmark(request: HttpRequest, key: str) -> HttpResponse:
    """One benchmark: its declaration in words and as it is, its data, its versions, and who is in front."""
    version = request.GET.get("version", "")
    shown = find_benchmark(request.user, key, int(version) if is_version(version) else None)
    data = shown.repository
    in_front = (
        Standing.objects.visible_to(request.user)
        .filter(benchmark=shown)
        .select_related("repository__namespace", "score__benchmark", "score__run__receipt")
        .order_by("-merit", "id")[:IN_FRONT]
    )
    declared = shown.definition
    context = {
        "section": "leaderboards",
        "benchmark": shown,
        "title": shown_name(shown.title),
        "facts": facts(shown),
        "declaration": json.dumps(declared, indent=2, ensure_ascii=False),
        "files": declared.get("files") or [],
        "prompt": (declared.get("prompt") or {}).get("template", ""),
        "versions": Benchmark.objects.filter(key=shown.key, repository=data).order_by("-version"),
        "front": [(row, score_reading(row.score)) for row in in_front],
        "suites": [suite for suite in SUITES.values() if shown.key in suite.benchmarks],
        "may_preview": can(request.user, Action.DOWNLOAD, data),
    }
    return render(request, "evaluation/benchmark.html", context)


@require_safe
def suite_list(request: HttpRequest) -> HttpResponse:
    """The official suites: one for each task, a pack for each domain, with how much of each is on this hub."""
    here = set(Benchmark.objects.active().visible_to(request.user).order_by().values_list("key", flat=True))
    rows = [(suite, [key for key in suite.benchmarks if key in here]) for suite in SUITES.values()]
    context = {
        "section": "leaderboards",
        "domains": [row for row in rows if row[0].is_domain],
        "tasks": [row for row in rows if not row[0].is_domain],
    }
    return render(request, "evaluation/suites.html", context)


@require_safe
def suite(request: HttpRequest, suite_id: str) -> HttpResponse:
    """One suite: its benchmarks with the models in front on each; of a domain, on the items of that domain."""
    found = SUITES.get(suite_id)
    if found is None:
        raise SuiteNotFound(suite=suite_id[:80])
    here = {
        row.key: row for row in Benchmark.objects.active().visible_to(request.user).filter(key__in=found.benchmarks)
    }
    front = _in_front(request.user, found, list(here.values()))
    rows = [
        (here[key], shown_name(here[key].title), facts(here[key]), front[key])
        for key in found.benchmarks
        if key in here
    ]
    context = {
        "section": "leaderboards",
        "suite": found,
        "rows": rows,
        "missing": [key for key in found.benchmarks if key not in here],
    }
    return render(request, "evaluation/suite.html", context)


def facts(row: Benchmark) -> dict[str, Any]:
    """What a list and a page say of a benchmark besides its name."""
    declared = row.definition
    name, value = baseline_of(row) or ("", None)
    return {
        "task": task_name(row.task),
        "languages": ", ".join(str(language_name(code)) for code in declared.get("language", [])),
        "metric": metric_name(str(declared.get("main_metric", ""))),
        "higher": declared.get("higher_is_better", True),
        "baseline": _percent_or_plain(declared, value),
        "baseline_name": shown_name(name.replace("_", " ")),
        "measured": [
            (shown_name(each["name"]), _percent_or_plain(declared, each["value"]), each.get("of", ""))
            for each in measured_of(row)
        ],
        "no_baselines": _no_baselines(row),
        "chance": _percent_or_plain(declared, declared.get("chance")),
        "licence": declared.get("licence", ""),
    }


def _no_baselines(row: Benchmark) -> str:
    """Why no baseline was measured, for people; "" where some were."""
    if row.baselines is None:
        return gettext("not measured yet")
    reason = str(row.baselines.get("reason") or "")
    known = {
        NO_SENSE: gettext("none: the data could not be made sense of"),
        NO_TRAIN: gettext("none: the set has no training split"),
        NO_KIND: gettext("none: no baseline of a kind that is known here fits the task"),
    }
    return known.get(reason, reason)


def _percent_or_plain(declared: dict[str, Any], value: float | None) -> str:
    if value is None:
        return ""
    is_share = declared.get("unit") == "fraction"
    return f"{number(100 * value, decimals=1)} %" if is_share else number(value)


def _in_front(
    viewer: Viewer, found: Suite, here: Sequence[Benchmark]
) -> dict[str, list[tuple[Standing, Reading, int]]]:
    """The best models on each benchmark with a reading and its number of items: one query for a suite.

    In a domain the reading is of the domain's own items; where a benchmark has no such part, it is of all. There the
    first are looked for among those that are best on the whole.
    """
    best = Standing.objects.visible_to(viewer).first_of_each(here, LOOKED_AT)
    rows = best.select_related("repository__namespace", "score__benchmark", "benchmark")
    by_key: dict[str, list[tuple[Standing, Reading, int]]] = {row.key: [] for row in here}
    for row in rows:
        reading, n = _part(row, found.slice)
        by_key[row.benchmark.key].append((row, reading, n))
    for key, entries in by_key.items():
        entries.sort(key=lambda entry: -(entry[1].value or 0) if entry[1].higher_is_better else (entry[1].value or 0))
        by_key[key] = entries[:3]
    return by_key


def _part(row: Standing, slice_name: str) -> tuple[Reading, int]:
    """The reading of one part of a score's items. A part has no interval of its own: its items are few."""
    part = (row.score.metrics.get("by_slice") or {}).get(slice_name) if slice_name else None
    if not isinstance(part, dict):
        return score_reading(row.score), row.score.n
    score = row.score
    score.value, score.low, score.high = float(part["value"]), None, None
    return score_reading(score), int(part["n"])
