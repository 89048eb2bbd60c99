"""The wire: trees, single paths, refs, history, branches and tags (E18 to E21, E23 to E27)."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authentication import acting_user
from hub.core.bodies import BadBody, flag, json_object, read_body, storable, text_field
from models_registry.api import present
from models_registry.api.lookup import endpoint, find_repository, find_revision
from models_registry.exceptions import EntryNotFound
from models_registry.history import history, history_page
from models_registry.manifests import listing_of
from models_registry.models import Commit, Ref, Repository
from models_registry.paths import parents
from models_registry.services import commits as commits_service
from models_registry.services import refs as services
from models_registry.types import Listing

TREE_PAGE = 1000
TREE_PAGE_EXPANDED = 100
HISTORY_PAGE = 50
MAX_PATHS = 1000


@require_safe
def tree(request: HttpRequest, kind: str, namespace: str, name: str, rev: str, path: str = "") -> HttpResponse:
    """E18. Pages by the last path of the page before, in path order, folders before what is in them."""
    repository, commit = find_revision(request, kind, namespace, name, rev)
    listing = listing_of(commit)
    folder = path.strip("/")
    if folder and folder not in listing.folders:
        raise EntryNotFound(path=folder[:300], revision=rev[:200], commit=commit.oid)
    expand = flag(request.GET.get("expand", "false"))
    after = request.GET.get("cursor", "")
    rows = _rows(listing, folder, recursive=flag(request.GET.get("recursive", "false")))
    limit = min(_positive(request, "limit", TREE_PAGE), TREE_PAGE_EXPANDED if expand else TREE_PAGE)
    wanted = [row for row in rows if row > after][: limit + 1]
    items = _items(repository, commit, listing, wanted[:limit], expand=expand)
    response = JsonResponse(items, safe=False)
    if len(wanted) > limit:
        response["Link"] = f'<{_next(request, wanted[limit - 1])}>; rel="next"'
    response["X-Repo-Commit"] = commit.oid
    return response


@require_http_methods(["POST"])
def paths_info(request: HttpRequest, kind: str, namespace: str, name: str, rev: str) -> HttpResponse:
    """E19. Form or JSON in; missing paths are left out without a word."""
    repository, commit = find_revision(request, kind, namespace, name, rev)
    if "json" in request.headers.get("Content-Type", ""):
        body = json_object(request)
        paths, expand = body.get("paths"), flag(body.get("expand", False))
    else:
        read_body_fits(request)
        paths, expand = request.POST.getlist("paths"), flag(request.POST.get("expand", "false"))
    paths = [paths] if isinstance(paths, str) else paths
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise BadBody(reason="“paths” must be a list of texts.")
    if len(paths) > MAX_PATHS:
        return JsonResponse({"error": f"At most {MAX_PATHS} paths at a time."}, status=413)
    listing = listing_of(commit)
    wanted = [path.strip("/") for path in paths]
    known = [path for path in dict.fromkeys(wanted) if path in listing.files or path in listing.folders]
    response = JsonResponse(_items(repository, commit, listing, known, expand=expand), safe=False)
    response["X-Repo-Commit"] = commit.oid
    return response


@require_safe
def refs(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """E20."""
    repository = find_repository(request, kind, namespace, name)
    found = list(repository.refs.all())
    answer: dict[str, Any] = {
        "branches": [_ref(ref) for ref in found if ref.name.startswith("refs/heads/")],
        "tags": [_ref(ref) for ref in found if ref.name.startswith("refs/tags/")],
        "converts": [],
    }
    if flag(request.GET.get("include_prs", "false")):
        answer["pullRequests"] = [_ref(ref) for ref in found if ref.name.startswith("refs/pr/")]
    return JsonResponse(answer)


@require_safe
def commits(request: HttpRequest, kind: str, namespace: str, name: str, rev: str) -> HttpResponse:
    """E21. Newest first, along first parents; the cursor is the last commit of the page before."""
    repository, start = find_revision(request, kind, namespace, name, rev)
    limit = min(_positive(request, "limit", HISTORY_PAGE), 1000)
    skip = _positive(request, "p", 0, minimum=0) * limit
    rows, more = history_page(repository, start, after=request.GET.get("cursor"), limit=limit, skip=skip)
    formatted = "formatted" in request.GET.getlist("expand") + request.GET.getlist("expand[]")
    response = JsonResponse([present.commit_item(row, formatted=formatted) for row in rows], safe=False)
    if more:
        response["Link"] = f'<{_next(request, rows[-1].oid)}>; rel="next"'
    return response


@require_http_methods(["POST", "DELETE"])
def branch(request: HttpRequest, kind: str, namespace: str, name: str, branch: str) -> HttpResponse:
    """E23, E24."""
    repository, user = find_repository(request, kind, namespace, name), acting_user(request)
    if request.method == "DELETE":
        services.delete_branch(repository=repository, user=user, name=branch)
        return HttpResponse("OK", content_type="text/plain")
    start = text_field(json_object(request), "startingPoint", default="") or None
    services.create_branch(repository=repository, user=user, name=branch, start=start)
    return HttpResponse("OK", content_type="text/plain", status=201)


@require_http_methods(["POST", "DELETE"])
def tag(request: HttpRequest, kind: str, namespace: str, name: str, rev: str) -> HttpResponse:
    """E25, E26. The last segment is the revision to tag, or the tag to delete."""
    repository, user = find_repository(request, kind, namespace, name), acting_user(request)
    if request.method == "DELETE":
        services.delete_tag(repository=repository, user=user, name=rev)
        return HttpResponse("OK", content_type="text/plain")
    body = json_object(request)
    services.create_tag(
        repository=repository,
        user=user,
        name=text_field(body, "tag"),
        revision=rev,
        message=text_field(body, "message", default=""),
    )
    return HttpResponse("OK", content_type="text/plain", status=201)


@require_http_methods(["POST"])
def super_squash(request: HttpRequest, kind: str, namespace: str, name: str, branch: str) -> HttpResponse:
    """E27."""
    repository, user = find_repository(request, kind, namespace, name), acting_user(request)
    body = json_object(request)
    made = commits_service.super_squash(
        repository=repository,
        user=user,
        branch=branch,
        title=text_field(body, "message", default="") or f"Super-squash branch '{branch[:200]}'",
        body=text_field(body, "description", default=""),
    )
    return JsonResponse({"success": True, "commitOid": made.oid})


def _rows(listing: Listing, folder: str, *, recursive: bool) -> list[str]:
    start = f"{folder}/" if folder else ""
    inside = (path for path in (*listing.files, *listing.folders) if path.startswith(start) and path != folder)
    return sorted(path for path in inside if recursive or "/" not in path[len(start) :])


def _items(
    repository: Repository, commit: Commit, listing: Listing, paths: Iterable[str], *, expand: bool
) -> list[dict[str, Any]]:
    paths = list(paths)
    changes = _changes(repository, listing, paths) if expand else {}
    items = []
    for path in paths:
        entry = listing.files.get(path)
        item = present.entry_item(entry) if entry else present.folder_item(path, listing.folders[path])
        if expand:
            item["lastCommit"] = present.last_commit_item(changes.get(path, commit))
            if entry:
                item["securityFileStatus"] = _security(commit, path)
        items.append(item)
    return items


def _changes(repository: Repository, listing: Listing, paths: list[str]) -> dict[str, Commit]:
    """The last change of each path; a folder's is the newest of what is in it."""
    below: dict[str, set[str]] = {path: set() for path in paths if path in listing.folders}
    for entry in listing.files.values() if below else ():
        for folder in parents(entry.path):
            if folder in below:
                below[folder].add(entry.last_commit)
    files = {path: listing.files[path].last_commit for path in paths if path in listing.files}
    found = history(repository, {*files.values(), *(oid for oids in below.values() for oid in oids)})
    changes = {path: found[oid] for path, oid in files.items() if oid in found}
    for folder, oids in below.items():
        known = [found[oid] for oid in oids if oid in found]
        if known:
            changes[folder] = max(known, key=lambda row: (row.committed_at, row.pk))
    return changes


def _security(commit: Commit, path: str) -> dict[str, Any]:
    status = "unsafe" if path in commit.held else ("safe" if commit.scan_verdict != "pending" else "queued")
    return {"status": status, "avScan": None, "pickleImportScan": None}


def _ref(ref: Ref) -> dict[str, str]:
    return {"name": ref.short_name, "ref": ref.name, "targetCommit": ref.commit}


def _positive(request: HttpRequest, name: str, default: int, *, minimum: int = 1) -> int:
    text = request.GET.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < minimum:
        raise BadBody(reason=f"“{name}” must be a whole number of at least {minimum}.")
    return int(text)


def _next(request: HttpRequest, cursor: str) -> str:
    pairs = [(key, value) for key, values in request.GET.lists() for value in values if key not in {"cursor", "p"}]
    target = request.META.get("RAW_URI", request.get_full_path()).split("?", 1)[0]
    return f"{endpoint(request)}{target}?{urlencode([*pairs, ('cursor', storable(cursor, 'cursor'))])}"


def read_body_fits(request: HttpRequest) -> None:
    """Read the form while it is small; Django's own limit would answer with a page."""
    request._body = read_body(request, limit=5 * 2**20)
