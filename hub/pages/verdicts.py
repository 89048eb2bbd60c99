"""Whether a version is better or worse: the line of versions, items that flipped, the gate's settings, the badge."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import acting_user
from accounts.models import User
from evaluation.badges import badge_of, draw
from evaluation.exceptions import InvalidPolicy, NotCompared
from evaluation.models import Benchmark, BenchmarkComparison, GatePolicy
from evaluation.presentation import score_reading
from evaluation.presentation_verdicts import verdict_row
from evaluation.services import gates, proposals, reading
from hub.core import trend
from hub.core.forms import PlainForm
from hub.core.numbers import number
from hub.pages import facets
from hub.pages.compare import span_of
from hub.pages.measures import Key, Measured, measured
from hub.pages.repository import find_repository, open_repository
from models_registry import addresses
from models_registry.models import Release, Repository
from models_registry.permissions import Action, require
from models_registry.services.discussions import find_discussion

VERSIONS_SHOWN = 20
CHARTS_SHOWN = 12
FLIPS_PER_PAGE = 50


@dataclass(frozen=True)
class Line:
    """One benchmark over the releases, oldest first; `cells` is the same as a table's row, newest first."""

    name: object
    metric: object
    drawing: SafeString
    cells: list[tuple[Release, str, str, str]]
    note: str


@require_safe
def versions(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """How each benchmark went from release to release, drawn and as a table."""
    opened = open_repository(request, kind, namespace, name)
    rows = opened.repository.releases.filter(yanked_at__isnull=True).newest_first()
    releases = list(rows.select_related("commit")[:VERSIONS_SHOWN])
    known = measured(opened.repository, [release.commit for release in releases], viewer=request.user)
    marks = _marks(releases, request.user)
    context = opened.context("releases") | {
        "releases": releases,
        "lines": _lines(releases, known, marks),
        "is_cut": len(releases) == VERSIONS_SHOWN,
    }
    return render(request, "evaluation/versions.html", context)


def _marks(releases: Sequence[Release], viewer: User | AnonymousUser) -> dict[tuple[int, int, int], str]:
    """The verdict of each release against the one below it, by both commits and the benchmark: two queries."""
    commits = [release.commit_id for release in releases]
    rows = (
        BenchmarkComparison.objects.shown_to(viewer)
        .filter(comparison__evaluation__commit__in=commits, comparison__base__commit__in=commits)
        .select_related("benchmark", "comparison__evaluation", "comparison__base")
    )
    found = {}
    for row in rows:
        sides = (row.comparison.evaluation.commit_id, row.comparison.base.commit_id)
        found[(*sides, row.benchmark_id)] = verdict_row(row).mark
    return found


def _lines(
    releases: Sequence[Release], known: dict[int, Measured], marks: dict[tuple[int, int, int], str]
) -> list[Line]:
    keys = list(dict.fromkeys(key for release in releases for key in known[release.commit_id].scores))
    return [_line(key, releases, known, marks) for key in keys[:CHARTS_SHOWN]]


def _line(
    key: Key,
    releases: Sequence[Release],
    known: dict[int, Measured],
    marks: dict[tuple[int, int, int], str],
) -> Line:
    readings = {
        release.pk: score_reading(known[release.commit_id].scores[key])
        for release in releases
        if key in known[release.commit_id].scores
    }
    any_reading = next(iter(readings.values()))
    points, cells = [], []
    for place, release in enumerate(releases):
        found = readings.get(release.pk)
        points.append(
            trend.Point(release.name, found.value, found.ci_low, found.ci_high)
            if found is not None
            else trend.Point(release.name, None)
        )
        below = next((row for row in releases[place + 1 :] if row.gate == "passed"), None)
        mark = marks.get((release.commit_id, below.commit_id, key[0]), "") if below is not None else "first"
        between = f"{number(found.ci_low)} – {number(found.ci_high)}" if found and found.ci_low is not None else ""
        cells.append((release, f"{found.text} {found.unit}" if found else "—", between, mark if found else ""))
    drawing = trend.draw(
        points[::-1],
        name=any_reading.spoken_name,
        unit=f" {any_reading.unit}" if any_reading.unit else "",
        baseline=any_reading.baseline,
        chance=any_reading.chance,
    )
    return Line(any_reading.name, any_reading.metric, drawing, cells, str(any_reading.note))


@require_safe
def flips(request: HttpRequest, kind: str, namespace: str, name: str, span: str) -> HttpResponse:
    """The items of one benchmark that one version told right and the other did not, with what both said."""
    opened = open_repository(request, kind, namespace, name)
    old, new, before, after = span_of(opened.repository, span)
    comparison = reading.comparison_of(before, after, viewer=request.user)
    key = request.GET.get("benchmark", "")
    row = next((r for r in comparison.benchmarks.all() if r.benchmark.key == key), None) if comparison else None
    if comparison is None or row is None:
        return redirect(addresses.at(opened.repository, "compare", f"{old}..{new}"))
    way, part = request.GET.get("way", ""), request.GET.get("slice", "")
    found = [flip for flip in row.flips if _is_wanted(flip, way, part)]
    start = _start(request.GET.get("from", ""), len(found))
    page = found[start : start + FLIPS_PER_PAGE]
    may_read = reading.may_read_items(request.user, opened.repository, row.benchmark)
    said = reading.predictions(row, [flip[0] for flip in page]) if may_read else {}
    context = opened.context("releases") | {
        "old": _short(old),
        "new": _short(new),
        "span": f"{old}..{new}",
        "row": verdict_row(row),
        "kept": len(row.flips),
        "items": [(flip[0], flip[1], flip[2], *said.get(flip[0], ("", ""))) for flip in page],
        "may_read": may_read,
        "way": way,
        "part": part,
        "total": len(found),
        "first": start + 1,
        "last": start + len(page),
        "earlier_url": _from(request, start - FLIPS_PER_PAGE) if start else "",
        "later_url": _from(request, start + FLIPS_PER_PAGE) if start + FLIPS_PER_PAGE < len(found) else "",
    }
    return render(request, "evaluation/flips.html", context)


def _short(revision: str) -> str:
    """A commit's id as people read it; names stay."""
    return revision[:7] if re.fullmatch(r"[0-9a-f]{40}", revision) else revision


def _is_wanted(flip: list[Any], way: str, part: str) -> bool:
    if way in {"better", "worse"} and bool(flip[1]) != (way == "better"):
        return False
    return not part or flip[2] == part


def _start(text: str, count: int) -> int:
    """Where a page begins; anything that is no place in the list is the beginning."""
    start = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0
    return start if start < count else 0


def _from(request: HttpRequest, start: int) -> str:
    return facets.with_value(request.GET, "from", str(max(0, start)))


class GateForm(PlainForm):
    """What the gate does. Margins are one field for each benchmark that this model was scored on."""

    mode = forms.ChoiceField(
        label=_("A release that got worse"),
        choices=[
            (GatePolicy.Mode.BLOCK, _("is held: latest stays on the last one that passed")),
            (GatePolicy.Mode.WARN, _("passes, and says what got worse")),
            (GatePolicy.Mode.OFF, _("passes without a word")),
        ],
        widget=forms.RadioSelect,
    )
    blocks_merge = forms.BooleanField(
        label=_("A pull request waits until it is measured and no worse"),
        required=False,
        help_text=_("An administrator can merge it all the same by saying why."),
    )

    def __init__(self, *args: Any, policy: GatePolicy, benchmarks: Iterable[Benchmark], **kwargs: Any) -> None:
        initial = {"mode": policy.mode, "blocks_merge": policy.blocks_merge}
        super().__init__(*args, initial=initial, **kwargs)
        self.benchmarks = list(benchmarks)
        for row in self.benchmarks:
            self.fields[f"required-{row.key}"] = forms.BooleanField(
                label=_("must be told"), required=False, initial=row.key in policy.required
            )
            self.fields[f"margin-{row.key}"] = forms.FloatField(
                label=_("margin"),
                required=False,
                min_value=0.001,
                max_value=gates.MAX_MARGIN,
                initial=policy.margins.get(row.key),
                widget=forms.NumberInput(attrs={"step": "any", "placeholder": "1"}),
            )

    def rows(self) -> list[tuple[Benchmark, Any, Any]]:
        """Each benchmark with its two fields."""
        return [(row, self[f"required-{row.key}"], self[f"margin-{row.key}"]) for row in self.benchmarks]

    def policy(self) -> dict[str, Any]:
        """What was given, as `gates.set_policy` takes it."""
        data = self.cleaned_data
        return {
            "mode": data["mode"],
            "blocks_merge": data["blocks_merge"],
            "required": [row.key for row in self.benchmarks if data[f"required-{row.key}"]],
            "margins": {
                row.key: data[f"margin-{row.key}"] for row in self.benchmarks if data[f"margin-{row.key}"] is not None
            },
        }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def gate(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """The settings of the gate, for those who administer the model."""
    opened = open_repository(request, kind, namespace, name)
    repository, user = opened.repository, acting_user(request)
    require(user, Action.ADMINISTER, repository)
    scored = Benchmark.objects.active().visible_to(user).filter(scores__repository=repository).distinct()
    form = GateForm(
        request.POST if request.method == "POST" else None,
        policy=gates.policy_of(repository),
        benchmarks=scored.order_by("key")[: gates.MAX_KEYS],
    )
    fault = ""
    if form.is_valid():
        try:
            gates.set_policy(repository=repository, user=user, **form.policy())
            messages.success(request, gettext("Saved."))
            return redirect(addresses.settings_page(repository, "gate"))
        except InvalidPolicy as error:
            fault = str(error)
    context = opened.context("settings") | {
        "page": "gate",
        "form": form,
        "fault": fault,
        "badge_code": _markdown(repository),
    }
    return render(request, "evaluation/settings_gate.html", context, status=400 if fault or form.errors else 200)


def _markdown(repository: Repository) -> str:
    """What to write into a README elsewhere."""
    page = addresses.absolute(addresses.page(repository))
    return f"[![{repository.full_name}]({page}/badge.svg)]({page})"


@require_safe
def badge_svg(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """A small picture for a README elsewhere."""
    found = _badge(request, kind, namespace, name)
    response = HttpResponse(draw(found.label, found.message, found.color), content_type="image/svg+xml")
    return _kept_a_while(response, is_private=found.is_private)


@require_safe
def badge_json(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """The same as data, in the fields that badge servers read."""
    found = _badge(request, kind, namespace, name)
    return _kept_a_while(JsonResponse(found.as_json()), is_private=found.is_private)


def _badge(request: HttpRequest, kind: str, namespace: str, name: str) -> Any:
    repository = find_repository(request, kind, namespace, name)
    return badge_of(repository, benchmark=request.GET.get("benchmark", "")[:80])


def _kept_a_while(response: HttpResponse, *, is_private: bool) -> HttpResponse:
    response["Cache-Control"] = "private, no-store" if is_private else "public, max-age=300"
    return response


@login_required
@require_POST
def measure(request: HttpRequest, kind: str, namespace: str, name: str, number: int) -> HttpResponse:
    """Have a pull request's newest commit measured."""
    repository = find_repository(request, kind, namespace, name)
    discussion = find_discussion(repository, number)
    try:
        proposals.measure(discussion=discussion, user=acting_user(request))
    except NotCompared as error:
        messages.error(request, str(error))
    return redirect(addresses.at(repository, "discussions", str(number)))
