"""Two to four models side by side: every benchmark with what the same items say, costs, licences, languages."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from evaluation.models import Standing
from evaluation.names import shown_name
from evaluation.pairings import MAX_MODELS, Matrix, Told, matrix
from evaluation.presentation import Reading, Text, score_reading, shown_unit
from hub.core.numbers import count_parts, number, size_parts
from hub.pages import facets
from models_registry import labels
from models_registry.models import Kind, Repository

SUGGESTED = 12


@dataclass(frozen=True)
class Cell:
    """One model on one benchmark, told against the first model; `told` is None for the first itself."""

    standing: Standing | None
    reading: Reading | None
    told: Told | None = None
    difference: str = ""
    interval: str = ""
    p: str = ""


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """The models that the address names, `?models=a/b&models=c/d`; with fewer than two, a place to choose them."""
    asked = _asked(request)
    found = _visible(request, asked[:MAX_MODELS])
    chosen = [found[name.lower()] for name in asked[:MAX_MODELS] if name.lower() in found]
    context: dict[str, Any] = {
        "section": "models",
        "models": chosen,
        "missing": [name for name in asked[:MAX_MODELS] if name.lower() not in found],
        "left_out": asked[MAX_MODELS:],
        "most": MAX_MODELS,
        "without": {model.pk: _address([other for other in chosen if other != model]) for model in chosen},
    }
    if len(chosen) > 1:
        context |= _matrix_context(request, chosen)
    else:
        newest = Repository.objects.listed_to(request.user).filter(kind=Kind.MODEL, standings__isnull=False)
        context["suggestions"] = newest.select_related("namespace").distinct().order_by("-updated_at")[:SUGGESTED]
    return render(request, "evaluation/compare_models.html", context)


def _asked(request: HttpRequest) -> list[str]:
    """Names as they were given, each once; commas separate as well."""
    parts = [part.strip()[:140] for value in request.GET.getlist("models")[:20] for part in value.split(",")]
    unique: dict[str, str] = {}
    for part in parts:
        if part:
            unique.setdefault(part.lower(), part)
    return list(unique.values())[:20]


def _visible(request: HttpRequest, names: list[str]) -> dict[str, Repository]:
    keys = [name.lower() for name in names if "\x00" not in name]
    rows = Repository.objects.visible_to(request.user).filter(Q(kind=Kind.MODEL), key__in=keys)
    return {row.key: row for row in rows.select_related("namespace")}


def _matrix_context(request: HttpRequest, chosen: list[Repository]) -> dict[str, Any]:
    found = matrix(request.user, chosen)
    names = [model.full_name for model in chosen]
    question = "&".join(facets.query_string(models=name)[1:] for name in names)
    return {
        "rows": [_row(found, of_benchmark) for of_benchmark in found.standings.values()],
        "facts": _facts(found),
        "tally": _tally(found),
        "firsts": [(model, _address([model, *(other for other in chosen if other != model)])) for model in chosen],
        "json_url": f"{reverse('evaluation_v1:models_compare')}?{question}",
        "csv_url": f"{reverse('evaluation_v1:models_compare')}?{question}&format=csv",
    }


def _row(found: Matrix, of_benchmark: Any) -> dict[str, Any]:
    cells = [_cell(of_benchmark.get(model.pk), found) for model in found.repositories]
    some = next(iter(of_benchmark.values()))
    axis = next((cell.reading for cell in cells if cell.reading is not None), None)
    return {
        "key": some.score.benchmark.key,
        "name": shown_name(some.score.benchmark.title),
        "metric": axis.metric if axis else "",
        "lower": some.score.higher_is_better is False,
        "cells": cells,
    }


def _cell(standing: Standing | None, found: Matrix) -> Cell:
    if standing is None:
        return Cell(None, None)
    reading, told = score_reading(standing.score), found.told.get(standing.pk)
    if told is None:
        return Cell(standing, reading)
    factor, unit = shown_unit(standing.score.unit, standing.score.benchmark.definition.get("scale") or {})
    decimals = 1 if unit == "%" else None
    interval = ""
    if told.low is not None and told.high is not None:
        interval = f"{_signed(told.low * factor, decimals)} … {_signed(told.high * factor, decimals)}"
    p = "" if told.p is None else "p < 0.001" if told.p < 0.001 else f"p = {number(told.p)}"
    return Cell(standing, reading, told, _signed(told.difference * factor, decimals), interval, p)


def _signed(value: float, decimals: int | None) -> str:
    return f"{'+' if value > 0 else ''}{number(value, decimals=decimals)}"


def _tally(found: Matrix) -> list[tuple[Repository, dict[str, int]]]:
    """How often each of the others is better, worse, the same or unclear against the first."""
    counts = {
        model.pk: dict.fromkeys(("better", "worse", "same", "unclear", "not_comparable", "all"), 0)
        for model in found.repositories
    }
    for of_benchmark in found.standings.values():
        for standing in of_benchmark.values():
            told = found.told.get(standing.pk)
            if told is not None:
                counts[standing.repository_id]["all"] += 1
                counts[standing.repository_id][told.word] += 1
    return [(model, counts[model.pk]) for model in found.repositories[1:]]


def _facts(found: Matrix) -> list[tuple[Text, list[str]]]:
    """What the models take and are, a line each."""
    rows = [found.of(model) for model in found.repositories]

    def of(write: Any) -> list[str]:
        return [write(row) if row is not None else "—" for row in rows]

    return [
        (gettext("Size on disk"), of(lambda row: " ".join(size_parts(row.size_bytes)))),
        (gettext("First answer"), of(lambda row: f"{number(row.first_ms)} ms" if row.first_ms is not None else "—")),
        (gettext("Peak memory"), of(lambda row: " ".join(size_parts(row.memory_bytes)).strip())),
        (gettext("Parameters"), of(lambda row: " ".join(count_parts(row.parameters)).strip())),
        (gettext("Kind"), of(lambda row: row.family or "—")),
        (gettext("Task"), of(lambda row: str(labels.task_name(row.task)) or "—")),
        (gettext("Licence"), of(lambda row: labels.licence_name(row.licence) or "—")),
        (gettext("Languages"), of(lambda row: ", ".join(map(labels.language_name, row.language_codes[:8])) or "—")),
        (gettext("Version"), of(lambda row: row.release or row.commit[:7])),
    ]


def _address(models: list[Repository]) -> str:
    question = "&".join(facets.query_string(models=model.full_name)[1:] for model in models)
    return f"{reverse('compare_models')}?{question}"
