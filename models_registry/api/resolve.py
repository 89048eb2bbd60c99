"""The wire: a file's bytes (E38), and its Git blob as stored (E39)."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from hub.core.bodies import flag
from hub.core.ranges import Span, Unsatisfiable, read_range
from models_registry import downloads
from models_registry.api.lookup import PLURAL, endpoint, find_revision
from models_registry.exceptions import QuarantinedFile, RepositoryNotFound
from models_registry.models import Commit, Content, GitObject, Kind, Repository
from models_registry.permissions import Action, can
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
    )
)

Answer = TypeVar("Answer", bound=HttpResponseBase)


@require_safe
def resolve(request: HttpRequest, kind: str, namespace: str, name: str, rev: str, path: str) -> HttpResponseBase:
    """E38. HEAD says everything about a file; GET sends it, or one range of it."""
    repository, commit = find_revision(request, kind, namespace, name, rev)
    entry = find_entry(repository, commit, path, revision=rev)
    _refuse_held(request, repository, commit, entry)
    response = _answer(request, repository, entry)
    _describe(request, response, repository, commit, entry)
    return response


@require_safe
def raw(request: HttpRequest, kind: str, namespace: str, name: str, rev: str, path: str) -> HttpResponseBase:
    """E39. What Git keeps: of large files the pointer's text."""
    repository, commit = find_revision(request, kind, namespace, name, rev)
    entry = find_entry(repository, commit, path, revision=rev)
    response = _sent(request, _git_bytes(repository, entry))
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


def _answer(request: HttpRequest, repository: Repository, entry: Entry) -> HttpResponseBase:
    etag = f'"{entry.content_id}"'
    if etag in (part.strip() for part in request.headers.get("If-None-Match", "").split(",")):
        return HttpResponse(status=304)
    if request.method == "HEAD":
        response = HttpResponse()
        response["Content-Length"] = str(entry.size)
        return response
    if not entry.is_large:
        downloads.note(repository, request, entry)
        return _sent(request, _git_bytes(repository, entry))
    found = content.find_readable(repository=repository, user=request.user, sha256=entry.sha256)
    if found is None:
        # The listing says it is here, so the link row is missing: the store is damaged, and fsck will say so.
        raise RepositoryNotFound(name=repository.full_name, anonymous=0)
    downloads.note(repository, request, entry)
    return _sent_large(request, found)


def _sent(request: HttpRequest, body: bytes) -> HttpResponse:
    span = _span(request, len(body))
    if isinstance(span, HttpResponse):
        return span
    response = HttpResponse(body if span is None else body[span.start : span.stop])
    return _ranged(response, span, len(body))


def _sent_large(request: HttpRequest, found: Content) -> HttpResponseBase:
    span = _span(request, found.size_bytes)
    if isinstance(span, HttpResponse):
        return span
    path = content.cached_path(found)
    if path is not None:
        return _ranged(_from_file(path, span), span, found.size_bytes)
    start, stop = (span.start, span.stop) if span else (0, found.size_bytes)
    response = StreamingHttpResponse(_first_checked(content.read(found, start, stop)))
    response["Content-Length"] = str(stop - start)
    return _ranged(response, span, found.size_bytes)


def _first_checked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Read the first chunk before the answer starts, so that damage found there still becomes an error."""
    first = next(chunks, b"")

    def rest() -> Iterator[bytes]:
        yield first
        yield from chunks

    return rest()


def _from_file(path: Path, span: Span | None) -> FileResponse:
    """The whole-file copy, by the kernel's sendfile: from the file's position, as long as Content-Length says."""
    file = path.open("rb")
    response = FileResponse(file)
    if span is not None:
        file.seek(span.start)
        response["Content-Length"] = str(span.length)
    else:
        response["Content-Length"] = str(os.fstat(file.fileno()).st_size)
    return response


def _span(request: HttpRequest, size: int) -> Span | HttpResponse | None:
    try:
        return read_range(request.headers.get("Range"), size)
    except Unsatisfiable:
        response = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{size}"
        return response


def _ranged(response: Answer, span: Span | None, size: int) -> Answer:
    if span is not None:
        response.status_code = 206
        response["Content-Range"] = span.content_range(size)
    return response


def _describe(
    request: HttpRequest, response: HttpResponseBase, repository: Repository, commit: Commit, entry: Entry
) -> None:
    response["X-Repo-Commit"] = commit.oid
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
    base = endpoint(request)
    plural = PLURAL[Kind(repository.kind)]
    token = f"{base}/api/{plural}/{repository.full_name}/xet-read-token/{commit.oid}"
    info = f"{base}/cas/v1/reconstructions/{entry.xet_hash}"
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
