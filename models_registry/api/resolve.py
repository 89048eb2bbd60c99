"""The wire: a file's bytes (E38), and its Git blob as stored (E39)."""

import os
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from hub.core.bodies import flag
from models_registry import downloads
from models_registry.api import yanks
from models_registry.api.lookup import PLURAL, endpoint, find_revision
from models_registry.api.sending import content_response
from models_registry.api.xet_tokens import cas_url
from models_registry.exceptions import ErasedFile, QuarantinedFile
from models_registry.models import Commit, GitObject, Kind, Repository, ScanVerdict
from models_registry.parts import bytes_response, is_known
from models_registry.permissions import Action, can, require
from models_registry.services import content
from models_registry.services.revisions import find_entry
from models_registry.types import Entry

# What browsers may show in place. Everything else is plain text or bytes, whatever its name says.
_IMAGES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp"}
_TEXTS = {".md", ".txt", ".json", ".jsonl", ".yaml", ".yml", ".csv", ".tsv", ".py", ".toml", ".cfg", ".gitattributes"}
_EXPOSED = ",".join(
    (
        "X-Repo-Commit",
        "X-Request-Id",
        "X-Error-Code",
        "X-Error-Message",
        "ETag",
        "Link",
        "Accept-Ranges",
        "Content-Range",
        "X-Linked-Size",
        "X-Linked-ETag",
        "X-Xet-Hash",
        "X-Smallhub-Scan",
    )
)


@require_safe
def resolve(request: HttpRequest, kind: str, namespace: str, name: str, rev: str, path: str) -> HttpResponseBase:
    """E38. HEAD says everything about a file; GET sends it, or one range of it."""
    repository, commit = find_revision(request, kind, namespace, name, rev)
    require(request.user, Action.DOWNLOAD, repository)
    entry = find_entry(repository, commit, path, revision=rev)
    _refuse_held(request, repository, commit, entry)
    held = content.find_linked(repository=repository, sha256=entry.sha256) if entry.is_large else None
    if entry.is_large and held is None:  # Erased for good, or the store is damaged, of which fsck tells.
        raise ErasedFile(path=path[:300], commit=commit.oid)
    response = _answer(request, repository, entry, held)
    _describe(request, response, repository, commit, entry)
    yanks.warn(request, response, repository, commit, rev)
    return response


@require_safe
def raw(request: HttpRequest, kind: str, namespace: str, name: str, rev: str, path: str) -> HttpResponseBase:
    """E39. What Git keeps: of large files the pointer's text."""
    repository, commit = find_revision(request, kind, namespace, name, rev)
    require(request.user, Action.DOWNLOAD, repository)
    entry = find_entry(repository, commit, path, revision=rev)
    if not entry.is_large:
        _refuse_held(request, repository, commit, entry)
    response = bytes_response(request, _git_bytes(repository, entry), etag=f'"{entry.oid}"')
    _protect(response, entry.path, download=False)
    response["ETag"] = f'"{entry.oid}"'
    response["X-Repo-Commit"] = commit.oid
    return response


def _refuse_held(request: HttpRequest, repository: Repository, commit: Commit, entry: Entry) -> None:
    """A file that the scan holds back goes to writers, and to those who insist.

    Raises:
        QuarantinedFile: with the reason.
    """
    reason = commit.held.get(entry.path)
    if reason and not can(request.user, Action.WRITE, repository) and not flag(request.GET.get("quarantined", "no")):
        raise QuarantinedFile(path=entry.path, reason=reason)


def _answer(
    request: HttpRequest, repository: Repository, entry: Entry, held: content.Content | None
) -> HttpResponseBase:
    etag = f'"{entry.content_id}"'
    if is_known(request, etag):
        return HttpResponse(status=304)
    if request.method == "HEAD":
        response = HttpResponse()
        response["Content-Length"] = str(entry.size)
        return response
    downloads.note(repository, request, entry)
    if held:
        return content_response(request, held, etag=etag)
    return bytes_response(request, _git_bytes(repository, entry), etag=etag)


def _describe(
    request: HttpRequest, response: HttpResponseBase, repository: Repository, commit: Commit, entry: Entry
) -> None:
    response["X-Repo-Commit"] = commit.oid
    if repository.kind == Kind.MODEL or commit.held or commit.scan_verdict != ScanVerdict.PENDING:
        response["X-Smallhub-Scan"] = commit.scan_verdict  # Whoever pulls before the verdict is told so.
    response["ETag"] = f'"{entry.content_id}"'
    response["Accept-Ranges"] = "bytes"
    response["Access-Control-Expose-Headers"] = _EXPOSED
    if entry.is_large:
        response["X-Linked-Etag"] = f'"{entry.sha256}"'
        response["X-Linked-Size"] = str(entry.size)
        response["X-Xet-Hash"] = entry.xet_hash
        response["Link"] = _xet_links(request, repository, commit, entry)
    _protect(response, entry.path, download=flag(request.GET.get("download", "false")))


def _xet_links(request: HttpRequest, repository: Repository, commit: Commit, entry: Entry) -> str:
    plural = PLURAL[Kind(repository.kind)]
    token = f"{endpoint(request)}/api/{plural}/{repository.full_name}/xet-read-token/{commit.oid}"
    info = f"{cas_url(request, repository)}/v1/reconstructions/{entry.xet_hash}"
    return f'<{token}>; rel="xet-auth", <{info}>; rel="xet-reconstruction-info"'


def _protect(response: HttpResponseBase, path: str, *, download: bool) -> None:
    """Nobody's upload may act in our name: no scripts, no sniffing, no active types."""
    name = path.rsplit("/", 1)[-1]
    suffix = os.path.splitext(name)[1].lower() or name
    response["Content-Type"] = _IMAGES.get(suffix) or (
        "text/plain; charset=utf-8" if suffix in _TEXTS else "application/octet-stream"
    )
    kind = "attachment" if download else "inline"
    plain = name.encode("ascii", "replace").decode().replace('"', "_").replace("\\", "_")
    response["Content-Disposition"] = f"{kind}; filename*=UTF-8''{quote(name)}; filename=\"{plain}\";"
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"


def _git_bytes(repository: Repository, entry: Entry) -> bytes:
    body = GitObject.objects.filter(repository=repository, oid=entry.oid).values_list("body", flat=True).get()
    return bytes(body)
