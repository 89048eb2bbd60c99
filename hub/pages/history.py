"""The history of a repository: its commits, and what one of them changed."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from evaluation.models import Evaluation
from evaluation.presentation import badges
from hub.core.htmx import render_page_or_fragment
from hub.pages import facets
from hub.pages.files import changed_paths
from hub.pages.repository import open_repository
from models_registry.manifests import listing_of
from models_registry.models import Commit, Repository
from models_registry.types import Listing

PER_PAGE = 30
MAX_PATHS = 300


@require_safe
def commits(request: HttpRequest, kind: str, namespace: str, name: str, revision: str | None = None) -> HttpResponse:
    """The commits behind a revision, newest first. The next page starts at the first one not shown."""
    opened = open_repository(request, kind, namespace, name, revision)
    start = request.GET.get("cursor", "")
    walked = first_parents(opened.repository, start or opened.commit.oid, PER_PAGE + 1)
    shown, more = walked[:PER_PAGE], walked[PER_PAGE:]
    evaluations = Evaluation.objects.filter(commit__in=shown).prefetch_related("runs").select_related("commit")
    by_commit = {found.commit_id: found for found in evaluations}
    context = opened.context("history") | {
        "commits": [(commit, badges(by_commit.get(commit.pk))) for commit in shown],
        "next_url": facets.with_value(request.GET, "cursor", more[0].oid) if more else "",
    }
    return render_page_or_fragment(
        request, "models_registry/commits.html", "models_registry/partials/_commits.html", context
    )


def first_parents(repository: Repository, oid: str, limit: int) -> list[Commit]:
    """A commit and its first parents, newest first, at most `limit`.

    Rows are fetched a page at a time by age and walked in memory, so a straight history costs one query.
    """
    start = repository.commits.light().filter(oid=oid).first()
    found: list[Commit] = []
    known: dict[str, Commit] = {}
    commit = start
    while commit is not None and len(found) < limit:
        found.append(commit)
        parent = commit.parents[0] if commit.parents else None
        if parent is None:
            break
        if parent not in known:
            known |= {
                row.oid: row for row in repository.commits.light().filter(pk__lt=commit.pk).order_by("-pk")[:limit]
            }
        commit = known.get(parent) or repository.commits.light().filter(oid=parent).first()
    return found


@require_safe
def commit(request: HttpRequest, kind: str, namespace: str, name: str, revision: str) -> HttpResponse:
    """One commit: who, when, why, and which files it touched."""
    opened = open_repository(request, kind, namespace, name, revision)
    parent = opened.commit.parents[0] if opened.commit.parents else ""
    before = opened.repository.commits.filter(oid=parent).first() if parent else None
    added, changed, removed = changed_paths(listing_of(before) if before else Listing(), opened.listing)
    touched = [("added", e) for e in added] + [("changed", e) for e in changed] + [("removed", e) for e in removed]
    context = opened.context("history") | {
        "touched": touched[:MAX_PATHS],
        "left_out": max(0, len(touched) - MAX_PATHS),
        "counts": {"added": len(added), "changed": len(changed), "removed": len(removed)},
        "parent": parent,
    }
    return render(request, "models_registry/commit.html", context)
