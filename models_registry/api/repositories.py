"""The wire: repositories described (E03, E12)."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from hub.core.bodies import flag
from models_registry.api import yanks
from models_registry.api.lookup import find_repository, find_revision, many
from models_registry.api.properties import Shown, beside, check_expand, names_of_info
from models_registry.api.properties import item as item_of
from models_registry.models import Commit, Kind, Repository
from models_registry.permissions import Action, can, require
from models_registry.services.heads import describe


@require_safe
def auth_check(request: HttpRequest, kind: str, namespace: str, name: str, write: bool = False) -> HttpResponse:
    """E03. Empty when the caller may; the usual refusal else."""
    repository = find_repository(request, kind, namespace, name)
    require(request.user, Action.WRITE if write else Action.DOWNLOAD, repository)
    return HttpResponse()


@require_safe
def info(request: HttpRequest, kind: str, namespace: str, name: str, rev: str | None = None) -> HttpResponse:
    """E12."""
    repository, commit = find_revision(request, kind, namespace, name, rev)
    wanted, expand = Kind(repository.kind), many(request, "expand")
    check_expand(wanted, expand)
    if commit.oid != repository.head:
        describe(repository=repository, commit=commit)
    names = names_of_info(wanted)
    around = beside([repository], expand or names, viewer=request.user, commits={repository.pk: commit})
    shown = Shown(repository, around, blobs=flag(request.GET.get("blobs", "false")))
    item = item_of(shown, names=names, expand=expand)
    if flag(request.GET.get("securityStatus", "false")):
        item["securityRepoStatus"] = _security(commit)
    response = JsonResponse(item)
    response["X-Repo-Commit"] = commit.oid
    yanks.warn(request, response, repository, commit, rev or repository.default_branch)
    return response


def _security(commit: Commit) -> dict[str, Any]:
    issues = [{"path": path, "level": "unsafe"} for path in sorted(commit.held)]
    return {"scansDone": commit.scan_verdict != "pending", "filesWithIssues": issues}


def may_see_held(request: HttpRequest, repository: Repository) -> bool:
    """Writers get their own files back whatever the scan says; others only when they insist."""
    return can(request.user, Action.WRITE, repository) or flag(request.GET.get("quarantined", "false"))
