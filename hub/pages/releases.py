"""Releases: the timeline with what was measured of each, one of them, and making one."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authentication import acting_user
from hub.core import markdown
from hub.core.exceptions import HubError, Invalid, OverLimit
from hub.core.forms import PlainForm
from hub.core.pagination import keyset_page
from hub.core.wire import status_of
from hub.pages import facets
from hub.pages.measures import measured, pairs
from hub.pages.repository import Opened, open_repository, places
from models_registry import addresses, semver
from models_registry.exceptions import ReleaseState
from models_registry.manifests import listing_of
from models_registry.models import Commit, Release, ReleaseEvent, ReleaseGate, Repository
from models_registry.models.releases import MAX_REASON, MAX_RELEASE_NAME
from models_registry.permissions import Action, can, require
from models_registry.services import releases as services
from models_registry.services.gating import override_gate
from models_registry.services.licensing.changes import between_releases
from models_registry.services.revisions import find_commit, held_release, latest_release

PER_PAGE = 20
SCORES_SHOWN = 6
BRANCHES_SHOWN = 8
_ORDER = ("-precedence", "-created_at", "-id")


class ReleaseForm(PlainForm):
    """What a release is made of."""

    name = forms.CharField(
        label=_("Name"),
        max_length=MAX_RELEASE_NAME,
        help_text=_("A version such as v1.2.0, or any word. It never changes."),
    )
    revision = forms.CharField(
        label=_("Of"), max_length=250, help_text=_("A branch, a tag or a commit. The release stays on that commit.")
    )
    notes = forms.CharField(
        label=_("Notes"),
        required=False,
        max_length=services.MAX_NOTES,
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text=_("Markdown. They can be corrected later; every correction is kept."),
    )


class NotesForm(PlainForm):
    notes = forms.CharField(
        label=_("Notes"), required=False, max_length=services.MAX_NOTES, widget=forms.Textarea(attrs={"rows": 10})
    )


class ReasonForm(PlainForm):
    reason = forms.CharField(label=_("Reason"), max_length=MAX_REASON, widget=forms.Textarea(attrs={"rows": 2}))


@require_safe
def timeline(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """All releases, the highest version first, each against the one below it."""
    opened = open_repository(request, kind, namespace, name)
    repository = opened.repository
    rows = repository.releases.select_related("commit__manifest").defer("commit__manifest__packed")
    page = keyset_page(rows, order=_ORDER, limit=PER_PAGE, cursor=request.GET.get("cursor"))
    shown, next_cursor = page.rows, page.next_cursor
    below = _before(repository, shown[-1]) if next_cursor else None  # What the last one shown is compared with.
    compared = [*shown, below] if below else shown
    known = measured(repository, [release.commit for release in compared], viewer=request.user)
    latest = latest_release(repository)
    steps = between_releases(compared)
    context = opened.context("releases") | {
        "rows": [
            _row(opened, compared, index, known, latest) | {"licence_step": steps[row.pk]}
            for index, row in enumerate(shown)
        ],
        "next_url": facets.with_value(request.GET, "cursor", next_cursor) if next_cursor else "",
        "latest": latest,
        "held": held_release(repository) if latest is None else None,
        "suggested": semver.suggest(release.name for release in shown),
        "branches": _branches(repository, latest),
        "pointers": repository.pointers.select_related("commit")[:20],
    }
    return render(request, "models_registry/releases.html", context)


def _row(
    opened: Opened, releases: list[Release], index: int, known: dict[int, Any], latest: Release | None
) -> dict[str, Any]:
    release = releases[index]
    before = next((row for row in releases[index + 1 :] if not row.is_yanked), None)
    found = known[release.commit_id]
    return {
        "release": release,
        "before": before,
        "notes": _notes(opened, release),
        "measured": found,
        "pairs": pairs(found, known[before.commit_id] if before else None)[:SCORES_SHOWN],
        "is_latest": latest is not None and release.pk == latest.pk,
        "size_bytes": release.commit.manifest.total_bytes,
    }


def _branches(repository: Repository, latest: Release | None) -> list[tuple[str, str, bool]]:
    """Branches with their heads, and whether each is what `latest` gives."""
    rows = repository.refs.branches()[:BRANCHES_SHOWN]
    return [(row.short_name, row.commit, bool(latest and latest.commit.oid == row.commit)) for row in rows]


def _notes(opened: Opened, release: Release) -> str:
    if not release.notes:
        return ""
    try:
        return markdown.render(release.notes, places(opened))
    except OverLimit:
        return ""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Make a release. Name and notes are suggested from what was released before and the commits since."""
    opened = open_repository(request, kind, namespace, name)
    repository, user = opened.repository, acting_user(request)
    require(user, Action.WRITE, repository)
    status = 200
    form = ReleaseForm(request.POST) if request.method == "POST" else _suggested(request, repository)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = services.create_release(
                repository=repository,
                user=user,
                name=given["name"],
                revision=given["revision"],
                notes=given["notes"],
            )
            return HttpResponseRedirect(addresses.at(repository, "releases", made.name))
        except HubError as error:
            form.add_error("revision" if error.code == "revision_not_found" else "name", str(error))
            status = status_of(error)
    elif request.method == "POST":
        status = 400
    context = opened.context("releases") | {"form": form}
    return render(request, "models_registry/release_new.html", context, status=status)


def _suggested(request: HttpRequest, repository: Repository) -> ReleaseForm:
    revision = request.GET.get("revision") or repository.default_branch
    latest = latest_release(repository)
    names = repository.releases.newest_first().values_list("name", flat=True)[:50]
    commit = find_commit(repository, revision)
    return ReleaseForm(
        initial={
            "name": semver.suggest(names),
            "revision": revision,
            "notes": services.suggested_notes(repository, commit, latest),
        }
    )


@require_http_methods(["GET", "HEAD", "POST"])
def release(request: HttpRequest, kind: str, namespace: str, name: str, release: str) -> HttpResponse:
    """One release: notes, what was measured, what happened to it; for writers also correcting and yanking."""
    opened = open_repository(request, kind, namespace, name)
    found = services.find_release(opened.repository, release)
    fault, status = "", 200
    if request.method == "POST":
        try:
            _act(request, found)
            return HttpResponseRedirect(addresses.at(opened.repository, "releases", found.name))
        except (Invalid, ReleaseState) as error:
            fault, status = str(error), status_of(error)
    context = (
        opened.context("releases")
        | _release_context(opened, found)
        | {
            "fault": fault,
            "may_administer": can(request.user, Action.ADMINISTER, opened.repository),
        }
    )
    return render(request, "models_registry/release.html", context, status=status)


def _act(request: HttpRequest, found: Release) -> None:
    """Do what the form asks.

    Raises:
        Invalid: it asks for nothing that there is.
    """
    user = acting_user(request)
    action, reason = request.POST.get("action", ""), request.POST.get("reason", "")
    if action == "notes":
        services.edit_notes(release=found, user=user, notes=request.POST.get("notes", ""))
    elif action == "yank":
        services.yank(release=found, user=user, reason=reason)
    elif action == "unyank":
        services.unyank(release=found, user=user, reason=reason)
    elif action == "override":
        override_gate(release=found, user=user, reason=reason)
    else:
        raise Invalid


def _release_context(opened: Opened, found: Release) -> dict[str, Any]:
    repository = opened.repository
    before = _before(repository, found)
    commits: list[Commit] = [found.commit, *([before.commit] if before else [])]
    known = measured(repository, commits, viewer=opened.viewer)
    latest = latest_release(repository)
    listing = listing_of(found.commit)
    events = list(found.events.select_related("by"))
    return {
        "release": found,
        "before": before,
        "notes": _notes(opened, found),
        "measured": known[found.commit_id],
        "pairs": pairs(known[found.commit_id], known[before.commit_id] if before else None),
        "events": events,
        "let_through": _let_through(found, events),
        "is_latest": latest is not None and latest.pk == found.pk,
        "size_bytes": listing.total_bytes,
        "file_count": len(listing.files),
        "notes_form": NotesForm(initial={"notes": found.notes}),
        "reason_form": ReasonForm(),
    }


def _let_through(found: Release, events: Sequence[ReleaseEvent]) -> ReleaseEvent | None:
    """Who let it pass, where that is why it did."""
    if found.gate != ReleaseGate.PASSED:
        return None
    deeds = (event for event in reversed(events) if event.kind == ReleaseEvent.Kind.OVERRIDDEN)
    return next((event for event in deeds if event.text == found.gate_reason), None)


def _before(repository: Repository, found: Release) -> Release | None:
    """The standing release just below this one."""
    rows = repository.releases.newest_first().filter(precedence__lte=found.precedence, yanked_at__isnull=True)
    rows = rows.exclude(pk=found.pk).select_related("commit")
    below = [row for row in rows[:200] if row.precedence < found.precedence or row.created_at < found.created_at]
    return below[0] if below else None
