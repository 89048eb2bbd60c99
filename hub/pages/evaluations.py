"""What was measured: the list of a repository's evaluations, and one of them live."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from evaluation.models import Claim, Evaluation, State, Step
from evaluation.presentation import (
    badges,
    benchmark_rows,
    cost_readings,
    main_score,
    progress_percent,
    result_of,
    score_reading,
    scores_of,
    spent,
    step_rows,
)
from evaluation.services.conversions import offer_of
from evaluation.services.workers import short_name
from evaluation.suitability import reference_rows
from hub.core.htmx import render_page_or_fragment
from hub.core.pagination import keyset_page
from hub.pages import facets
from hub.pages.repository import open_repository
from models_registry.labels import languages
from models_registry.permissions import Action, can

PER_PAGE = 30
CLAIMS_SHOWN = 50


@require_safe
def evaluations(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Every measured commit, newest first."""
    opened = open_repository(request, kind, namespace, name)
    found = Evaluation.objects.with_scores(request.user).filter(repository=opened.repository)
    found = found.select_related("commit__author")
    page = keyset_page(found, order=("-id",), limit=PER_PAGE, cursor=request.GET.get("cursor"))
    rows = []
    for evaluation in page.rows:
        main = main_score(scores_of(evaluation), languages(opened.repository))
        rows.append((evaluation, badges(evaluation), score_reading(main) if main else None))
    context = opened.context("evaluations") | {
        "rows": rows,
        "next_url": facets.with_value(request.GET, "cursor", page.next_cursor) if page.next_cursor else "",
    }
    return render(request, "evaluation/evaluations.html", context)


@require_safe
def evaluation(request: HttpRequest, kind: str, namespace: str, name: str, revision: str) -> HttpResponse:
    """One evaluation. While it runs the page asks for its middle part every two seconds; then it stops by itself."""
    opened = open_repository(request, kind, namespace, name, revision)
    found = Evaluation.everything.with_runs(request.user).filter(commit=opened.commit).first()
    if request.GET.get("format") == "log" and found is not None:
        return _log(found)
    context = opened.context("evaluations") | {"revision": opened.commit.oid} | run_context(found)
    context["may_act"] = can(request.user, Action.WRITE, opened.repository)
    context["conversion"] = offer_of(opened.commit) if found and context["may_act"] else None
    context["poll_url"] = request.get_full_path()
    context["claims"] = list(Claim.objects.filter(commit=opened.commit)[:CLAIMS_SHOWN])
    return render_page_or_fragment(request, "evaluation/evaluation.html", "evaluation/partials/_live.html", context)


def _log(found: Evaluation) -> HttpResponse:
    """All that the workers said, as text: for readers without JavaScript, and to be passed on."""
    parts = [f"# {run.benchmark or run.step}: {run.state}\n{run.log}\n" for run in found.runs.all() if run.log]
    return HttpResponse("\n".join(parts), content_type="text/plain; charset=utf-8")


def run_context(found: Evaluation | None) -> dict[str, Any]:
    """Steps, scores, log and costs of an evaluation, as the live part draws them."""
    if found is None:
        return {"found": None}
    runs = list(found.runs.all())
    rows = benchmark_rows(runs)
    return {
        "found": found,
        "is_open": found.status != Evaluation.Status.DONE,
        "steps": step_rows(runs),
        "percent": progress_percent(runs),
        "rows": [row for row in rows if row.state != State.NOT_APPLICABLE],
        "left_out": [row for row in rows if row.state == State.NOT_APPLICABLE],
        "cost": cost_readings(result_of(found, Step.COST)),
        "machine": result_of(found, Step.COST).get("machine") or {},
        "there": reference_rows(result_of(found, Step.COST)),
        "smoke_checks": [
            check for step in (Step.SMOKE, Step.COST) for check in result_of(found, step).get("checks") or []
        ],
        "compared": result_of(found, Step.SMOKE).get("compared") or [],
        "findings": result_of(found, Step.SCAN).get("findings") or [],
        "logs": [(run, run.log) for run in runs if run.log],
        "worker": next((short_name(run.worker) for run in reversed(runs) if run.worker), ""),
        "attempts": max((run.attempt for run in runs), default=0),
        "seconds": _seconds(found),
        "spent": spent(runs),
        "limits": {"seconds": settings.SMALLHUB_RUN_SECONDS, "bytes": settings.SMALLHUB_RUN_MEMORY_BYTES},
        "rerunnable": [run for run in runs if not run.is_open and run.started_at is not None],
    }


def _seconds(found: Evaluation) -> float | None:
    if found.finished_at is None:
        return None
    return (found.finished_at - found.created_at).total_seconds()
