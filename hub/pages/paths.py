"""Finding a file by its name, and what became of one file over time."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from hub.core.htmx import render_page_or_fragment
from hub.pages import facets
from hub.pages.files import crumbs
from hub.pages.repository import open_repository
from models_registry.exceptions import EntryNotFound
from models_registry.manifests import listing_of
from models_registry.models import Commit, Repository

MAX_FOUND = 100
PER_PAGE = 20  # Each line of a file's history opens one listing.


@require_safe
def find(request: HttpRequest, kind: str, namespace: str, name: str, revision: str) -> HttpResponse:
    """Paths that hold every word asked for, those that end in the last one first."""
    opened = open_repository(request, kind, namespace, name, revision)
    query = request.GET.get("q", "").strip()[:200]
    found = matching(opened.listing.files, query)
    context: dict[str, Any] = opened.context("files") | {
        "query": query,
        "found": [opened.listing.files[path] for path in found[:MAX_FOUND]],
        "left_out": max(0, len(found) - MAX_FOUND),
    }
    return render_page_or_fragment(
        request, "models_registry/find.html", "models_registry/partials/_found.html", context
    )


def matching(paths: Any, query: str) -> list[str]:
    """The paths that hold every word in any case; the shortest names first, for they match most of themselves."""
    words = query.lower().split()
    hits = [path for path in paths if all(word in path.lower() for word in words)]
    last = words[-1] if words else ""
    return sorted(hits, key=lambda path: (last not in path.lower().rpartition("/")[2], len(path) if words else 0, path))


@require_safe
def file_history(request: HttpRequest, kind: str, namespace: str, name: str, revision: str, path: str) -> HttpResponse:
    """The commits that changed one file, newest first. The next page starts at the first one not shown."""
    opened = open_repository(request, kind, namespace, name, revision)
    start = opened.commit
    cursor = request.GET.get("cursor", "")
    if cursor:
        start = opened.repository.commits.light().filter(oid=cursor[:40]).first() or start
    changes = changes_of(opened.repository, start, path, PER_PAGE + 1)
    if not changes and path not in opened.listing.files:
        raise EntryNotFound(path=path[:300], revision=revision)
    shown, more = changes[:PER_PAGE], changes[PER_PAGE:]
    context = opened.context("files") | {
        "commits": shown,
        "path": path,
        "crumbs": crumbs(path),
        "is_here": path in opened.listing.files,
        "next_url": facets.with_value(request.GET, "cursor", more[0].oid) if more else "",
    }
    return render_page_or_fragment(
        request, "models_registry/file_history.html", "models_registry/partials/_file_commits.html", context
    )


def changes_of(repository: Repository, start: Commit, path: str, limit: int) -> list[Commit]:
    """The commits that changed a path, along first parents. A listing knows the last one, so only those are opened."""
    found: list[Commit] = []
    commit: Commit | None = start
    while commit is not None and len(found) < limit:
        entry = listing_of(commit).files.get(path)
        if entry is None:
            break
        changed = repository.commits.light().filter(oid=entry.last_commit).first()
        if changed is None:
            break
        found.append(changed)
        parent = changed.parents[0] if changed.parents else ""
        commit = repository.commits.filter(oid=parent).first() if parent else None
    return found
