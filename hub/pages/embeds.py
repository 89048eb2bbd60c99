"""Boards for frames on other sites. What everybody may see and nothing else, whoever looks: no cookies, no scripts."""

from dataclasses import replace

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from evaluation import boards
from evaluation.benchmarks.tiers import Tier
from evaluation.names import metric_name, shown_name
from hub.core.middleware import CONTENT_SECURITY_POLICY
from hub.pages.boards import TIER_NAMES, Asked, board_lines

ROWS = 10
FRESH_S = 300
# The one place that other sites may show in a frame.
FRAMED_POLICY = CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", "frame-ancestors *").replace(
    "script-src 'self'", "script-src 'none'"
)


@require_safe
def board(request: HttpRequest, key: str) -> HttpResponse:
    """The first rows of one benchmark's board, by the same questions as the board itself."""
    nobody = AnonymousUser()
    benchmark = boards.find_benchmark(nobody, key)
    asked = replace(Asked.of(request.GET, benchmark), order="score")
    shown = boards.board(nobody, benchmark, asked.limits, tier=asked.tier, limit=ROWS)
    lines = board_lines(benchmark, shown, mark=asked.mark)
    context = {
        "benchmark": benchmark,
        "title": shown_name(benchmark.title),
        "metric": metric_name(benchmark.definition.get("main_metric", "")),
        "lines": lines,
        "tier_name": TIER_NAMES[asked.tier] if asked.tier != Tier.STANDARD else "",
        "axis": next((line.reading for line in lines if line.reading.low is not None), None),
        "total": shown.total,
        "url": request.build_absolute_uri(reverse("leaderboard", args=[benchmark.key])),
    }
    response = render(request, "evaluation/embed_board.html", context)
    response["Content-Security-Policy"] = FRAMED_POLICY
    response["Cache-Control"] = f"public, max-age={FRESH_S}"
    return response
