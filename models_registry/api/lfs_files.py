"""The wire: the large files of a repository listed, erased, and given to another repository (E28 to E30)."""

import re
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST, require_safe

from accounts.authentication import acting_user
from hub.core.bodies import BadBody, flag, json_object, text_field
from hub.core.pagination import keyset_page
from models_registry.api.lookup import PLURAL, SINGULAR, find_repository, next_url, page_limit
from models_registry.api.present import moment
from models_registry.exceptions import UnknownLargeFile
from models_registry.manifests import listing_of
from models_registry.models import Repository, RepositoryContent
from models_registry.permissions import Action, require
from models_registry.services import content as contents
from models_registry.services.erasure import erase

MAX_FILES = 1000
MAX_REFS_LOOKED_INTO = 20
_NUMBER = re.compile(r"[0-9a-f]{24}", re.ASCII)


@require_safe
def listing(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """E28. Newest first, also those that only old commits hold."""
    repository = find_repository(request, kind, namespace, name)
    require(request.user, Action.WRITE, repository)
    rows = RepositoryContent.objects.filter(repository=repository).select_related("content")
    rows = rows.defer("terms", "content__terms")
    page = keyset_page(rows, order=("-id",), limit=page_limit(request), cursor=request.GET.get("cursor"))
    places = _places(repository, [row.content.sha256 for row in page.rows if not row.path])
    response = JsonResponse([_item(row, places) for row in page.rows], safe=False)
    if page.next_cursor:
        response["Link"] = f'<{next_url(request, page.next_cursor)}>; rel="next"'
    return response


@require_POST
def batch(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """E29. Erases files by their ids of E28."""
    repository = find_repository(request, kind, namespace, name)
    deletions = json_object(request).get("deletions")
    if not isinstance(deletions, dict) or not isinstance(deletions.get("sha"), list):
        raise BadBody(reason="“deletions” must hold a list “sha”.")
    ids = [_number(each) for each in deletions["sha"]]
    if len(ids) > MAX_FILES:
        raise BadBody(reason=f"At most {MAX_FILES} files at a time.")
    rewrite = flag(deletions.get("rewriteHistory", False))
    erased = erase(repository=repository, user=acting_user(request), link_ids=ids, rewrite_history=rewrite)
    return JsonResponse({"deleted": erased})


@require_POST
def duplicate(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """E30. The target may then commit these files. Both the right to read here and to write there are needed."""
    source, user = find_repository(request, kind, namespace, name), acting_user(request)
    require(user, Action.DOWNLOAD, source)
    body = json_object(request)
    target = _target(request, body)
    require(user, Action.WRITE, target)
    files = body.get("files")
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise BadBody(reason="“files” must be a list of objects.")
    if len(files) > MAX_FILES:
        raise BadBody(reason=f"At most {MAX_FILES} files at a time.")
    failed = []
    for file in files:
        sha256 = text_field(file, "sha256")
        held = contents.find_linked(repository=source, sha256=sha256)
        if held is None or file.get("xetHash") not in (None, held.xet_hash):
            failed.append({"sha256": sha256, "error": f"{source.full_name} holds no such file."})
        else:
            contents.link(repository=target, content=held)
    return JsonResponse({"success": not failed, "failed": failed})


def _target(request: HttpRequest, body: dict[str, Any]) -> Repository:
    named = body.get("target")
    if not isinstance(named, dict):
        raise BadBody(reason="“target” must name a repository.")
    kind = SINGULAR.get(text_field(named, "type", default="model"))
    namespace, _, name = text_field(named, "name").partition("/")
    if kind is None or not name:
        raise BadBody(reason="“target” must hold a type and a name like “owner/name”.")
    return find_repository(request, PLURAL[kind], namespace, name)


def _item(row: RepositoryContent, places: dict[str, tuple[str, str]]) -> dict[str, Any]:
    path, ref = (row.path, row.ref) if row.path else places.get(row.content.sha256, ("", ""))
    return {
        "fileOid": f"{row.pk:024x}",
        "filename": path,
        "oid": row.content.sha256,
        "pushedAt": moment(row.created_at),
        "ref": ref or None,
        "size": row.content.size_bytes,
    }


def _number(value: Any) -> int:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value) or int(value, 16) >= 2**63:
        raise UnknownLargeFile(file_oid=str(value)[:64].encode("ascii", "replace").decode())
    return int(value, 16)


def _places(repository: Repository, digests: list[str]) -> dict[str, tuple[str, str]]:
    """Path and ref of files whose rows do not say: looked for at the heads of a few refs, the default branch first."""
    found: dict[str, tuple[str, str]] = {}
    if not digests:
        return found
    default = f"refs/heads/{repository.default_branch}"
    others = repository.refs.filter(~Q(name=default)).order_by("-pk")[: MAX_REFS_LOOKED_INTO - 1]
    for ref in [*repository.refs.filter(name=default), *others]:
        commit = repository.commits.filter(oid=ref.commit).first()
        for entry in listing_of(commit).files.values() if commit else ():
            if entry.is_large:
                found.setdefault(entry.sha256, (entry.path, ref.name))
    return found
