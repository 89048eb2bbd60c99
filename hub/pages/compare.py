"""Two versions side by side: what was measured, which files changed, and how."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authentication import acting_user
from evaluation.models import Evaluation
from evaluation.presentation_verdicts import Shown, shown
from evaluation.services import reading
from hub.pages.measures import Measured, all_pairs, measured
from hub.pages.repository import open_repository
from models_registry import addresses
from models_registry.diffing import Change, changes
from models_registry.exceptions import EntryNotFound, RevisionNotFound
from models_registry.manifests import listing_of
from models_registry.models import Commit, Kind, Repository
from models_registry.permissions import Action, can
from models_registry.services.diffs import FileDiff, file_diffs
from models_registry.services.licensing import declared
from models_registry.services.licensing.changes import step
from models_registry.services.revisions import find_commit, latest_release
from models_registry.services.weights import request_weights_diff
from models_registry.types import Listing

CHOICES = 50
PATHS_SHOWN = 300


@require_safe
def choose(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Choose two versions; with both given, go to their comparison."""
    opened = open_repository(request, kind, namespace, name)
    old, new = request.GET.get("old", "").strip(), request.GET.get("new", "").strip()
    if old and new:
        return HttpResponseRedirect(addresses.at(opened.repository, "compare", f"{old}..{new}"))
    latest = latest_release(opened.repository)
    context = opened.context("releases") | {
        "old": old or (latest.name if latest else ""),
        "new": new or opened.repository.default_branch,
        "choices": choices(opened.repository),
    }
    return render(request, "models_registry/compare_choose.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def compare(request: HttpRequest, kind: str, namespace: str, name: str, span: str) -> HttpResponse:
    """`old..new`. A POST asks a worker to compare large weights of one path."""
    opened = open_repository(request, kind, namespace, name)
    repository = opened.repository
    old, new, before, after = span_of(repository, span)
    if request.method == "POST":
        if request.POST.get("do") == "measured":
            reading.ask(repository=repository, user=acting_user(request), before=before, after=after)
            return HttpResponseRedirect(addresses.at(repository, "compare", f"{old}..{new}"))
        return _compare_weights(request, repository, before, after)
    known = measured(repository, [before, after], viewer=request.user)
    context = opened.context("releases") | {
        "old": old,
        "new": new,
        "before": before,
        "after": after,
        "choices": choices(repository),
        "pairs": all_pairs(known[after.pk], known[before.pk]) if before != after else [],
        "sides": (known[before.pk], known[after.pk]),
        "verdicts": _verdicts(request, repository, before, after),
        "both_measured": _is_done(known[before.pk]) and _is_done(known[after.pk]) and before != after,
        "span": f"{old}..{new}",
        "swapped": f"{new}..{old}",
        "licence_step": step(declared.licence_of(repository, before), declared.licence_of(repository, after)),
        **diff_context(request, repository, before, after, listing_of(after)),
    }
    return render(request, "models_registry/compare.html", context)


def _verdicts(request: HttpRequest, repository: Repository, before: Commit, after: Commit) -> Shown | None:
    """What the two versions' answers to the same items say."""
    if repository.kind != Kind.MODEL:
        return None
    found = reading.comparison_of(before, after, viewer=request.user)
    return shown(found) if found is not None else None


def _is_done(side: Measured) -> bool:
    return side.evaluation is not None and side.evaluation.status == Evaluation.Status.DONE


def diff_context(
    request: HttpRequest, repository: Repository, before: Commit | None, after: Commit, listing: Listing
) -> dict[str, Any]:
    """What `partials/_diff.html` shows, also of one commit against its parent."""
    found = changes(listing_of(before) if before else Listing(), listing)
    may_download = can(request.user, Action.DOWNLOAD, repository)
    counts = {way: sum(change.way == way for change in found) for way in ("added", "changed", "removed", "renamed")}
    files = file_diffs(repository, before, after, found, may_download=may_download)
    return {
        "files": files,
        "touched": found[:PATHS_SHOWN],
        "left_out": max(0, len(found) - PATHS_SHOWN),
        "not_shown": max(0, len(found) - len(files)),
        "counts": counts,
        "weights_span": f"{before.oid}..{after.oid}" if before else "",
        "waits": any(_waits(file) for file in files),
    }


def _waits(file: FileDiff) -> bool:
    return file.weights is not None and file.weights.state in {"queued", "running"}


def choices(repository: Repository) -> list[tuple[str, list[str]]]:
    """Names to choose from: releases, branches, pointers."""
    releases = list(repository.releases.newest_first().values_list("name", flat=True)[:CHOICES])
    branches = [row.short_name for row in repository.refs.branches()[:CHOICES]]
    pointers = list(repository.pointers.filter(commit__isnull=False).values_list("name", flat=True)[:CHOICES])
    named = [(gettext("Releases"), releases), (gettext("Branches"), branches), (gettext("Pointers"), pointers)]
    return [(title, names) for title, names in named if names]


def span_of(repository: Repository, span: str) -> tuple[str, str, Commit, Commit]:
    """The two names and their commits.

    Raises:
        RevisionNotFound: one of them is nothing, or there are no two.
    """
    old, dots, new = span.partition("..")
    new = new.removeprefix(".")
    if not (old and dots and new):
        raise RevisionNotFound(revision=span[:200])
    return old, new, find_commit(repository, old), find_commit(repository, new)


def _compare_weights(request: HttpRequest, repository: Repository, before: Commit, after: Commit) -> HttpResponse:
    path = request.POST.get("path", "")
    wanted = next((change for change in _changed_weights(before, after) if change.path == path), None)
    if wanted is None or wanted.before is None or wanted.after is None:
        raise EntryNotFound(path=path[:300], revision=after.oid)
    user = acting_user(request)
    request_weights_diff(repository=repository, user=user, before=wanted.before, after=wanted.after)
    return HttpResponseRedirect(addresses.at(repository, "compare", f"{before.oid}..{after.oid}"))


def _changed_weights(before: Commit, after: Commit) -> list[Change]:
    held = set(before.held) | set(after.held)
    return [
        change
        for change in changes(listing_of(before), listing_of(after))
        if change.way == "changed" and change.path.endswith(".safetensors") and change.path not in held
    ]
