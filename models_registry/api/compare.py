"""The wire: what lies between two revisions (E22)."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from hub.core.bodies import BadBody, flag
from models_registry.api.lookup import find_repository
from models_registry.diffing import Change, changes
from models_registry.manifests import listing_of
from models_registry.models import Commit, Repository
from models_registry.permissions import Action, require
from models_registry.services.diffs import patch
from models_registry.services.revisions import find_commit

MAX_FILES = 3_000


@require_safe
def compare(request: HttpRequest, kind: str, namespace: str, name: str, span: str) -> HttpResponseBase:
    """E22. `a..b` or `a...b`, both straight from a to b; a patch with `raw=true`, else the changed paths."""
    repository = find_repository(request, kind, namespace, name)
    before, after = find_span(repository, span)
    found = changes(listing_of(before), listing_of(after))
    if not flag(request.GET.get("raw", "false")):
        return JsonResponse(
            {
                "base": before.oid,
                "head": after.oid,
                "files": [change_item(change) for change in found[:MAX_FILES]],
                "truncated": len(found) > MAX_FILES,
            }
        )
    require(request.user, Action.DOWNLOAD, repository)
    pieces = patch(repository, found[:MAX_FILES], held=set(before.held) | set(after.held))
    response = StreamingHttpResponse(pieces, content_type="text/plain; charset=utf-8")
    response["X-Content-Type-Options"] = "nosniff"
    return response


def find_span(repository: Repository, span: str) -> tuple[Commit, Commit]:
    """The two commits of `a..b`. Names of refs hold no two dots, so there is one way to read it.

    Raises:
        BadBody, RevisionNotFound
    """
    old, dots, new = span.partition("..")
    new = new.removeprefix(".")
    if not (old and dots and new):
        raise BadBody(reason="Compare two revisions, as in “v1.0.0..main”.")
    return find_commit(repository, old), find_commit(repository, new)


def change_item(change: Change) -> dict[str, Any]:
    """One changed path as the API tells it."""
    old, new = change.before, change.after
    return {
        "path": change.path,
        "oldPath": change.old_path if change.before else None,
        "status": change.way,
        "size": new.size if new else None,
        "oldSize": old.size if old else None,
        "oid": new.oid if new else None,
        "oldOid": old.oid if old else None,
        "sha256": new.sha256 if new else None,
        "oldSha256": old.sha256 if old else None,
        "lfs": bool((new or old) and (new or old).is_large),  # type: ignore[union-attr]
    }
