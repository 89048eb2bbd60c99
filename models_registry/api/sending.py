"""Stored bytes as answers: a range of a file by the kernel's sendfile, or of content chunk by chunk."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from accounts.models import User
from hub.core.ranges import Span
from models_registry.exceptions import QuarantinedFile
from models_registry.models import Blob, Content, Repository, RepositoryContent, Xorb
from models_registry.parts import requested_span
from models_registry.permissions import Action, can
from models_registry.services import content as contents
from models_registry.storage.blobs import blob_store
from models_registry.storage.digests import BlobDigest, XetHash

_STEP_BYTES = 256 * 1024


class FileRange:
    """A part of a file as WSGI's file wrapper wants it: the server sends from the descriptor's position.

    Servers that cannot do that read it in steps, and find the end of the part instead of the end of the file.
    """

    def __init__(self, file: BinaryIO, span: Span) -> None:
        self._file = file
        self._left = span.length
        os.lseek(file.fileno(), span.start, os.SEEK_SET)

    def fileno(self) -> int:
        return self._file.fileno()

    def read(self, size: int = _STEP_BYTES) -> bytes:
        data = os.read(self._file.fileno(), min(max(size, _STEP_BYTES), self._left))
        self._left -= len(data)
        return data

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self._file.close()


def refuse_held_content(user: User | AnonymousUser, repository: Repository, *, sha256: str) -> None:
    """Content that the scan holds back goes to writers alone, where it is asked for by its hash and not by a path.

    Raises:
        QuarantinedFile: with the reason.
    """
    links = RepositoryContent.objects.filter(repository=repository, content__sha256=sha256).exclude(held="")
    reason = links.values_list("held", flat=True).first()
    if reason and not can(user, Action.WRITE, repository):
        raise QuarantinedFile(path=sha256[:12], reason=reason)


def file_range(file: BinaryIO, span: Span) -> FileResponse:
    """A part of an open file, which is closed afterwards."""
    response = FileResponse(FileRange(file, span), content_type="application/octet-stream")
    response["Content-Length"] = str(span.length)
    return response


def stored_response(xorb: Xorb, span: Span) -> HttpResponseBase:
    """A run of a xorb's stored bytes: from a disk of ours by the kernel, else chunk by chunk as they come in.

    Raises:
        CorruptContent: found before the answer begins.
    """
    store = blob_store()
    if store.is_local:
        return file_range(store.open_checked(BlobDigest(xorb.blob)), span)
    pieces = _begun(contents.read_stored(xorb, span.start, span.stop))
    response = StreamingHttpResponse(pieces, content_type="application/octet-stream")
    response["Content-Length"] = str(span.length)
    return response


def stored_address(digest: XetHash, fetch: contents.Fetch, *, lifetime_s: int) -> str | None:
    """An address of the store itself for one run of a xorb, None if it gives none or the bytes are known to be bad."""
    blob = Xorb.objects.filter(hash=digest).values_list("blob", flat=True).get()
    if Blob.objects.filter(digest=blob).exclude(damage="").exists():
        return None
    store = blob_store()
    return store.address(BlobDigest(blob), start=fetch.first_byte, stop=fetch.stop_byte, lifetime_s=lifetime_s)


def content_response(request: HttpRequest, content: Content, *, etag: str = "") -> HttpResponseBase:
    """Content, or the range of it that is asked for: from the whole-file cache where it is hot, else chunk by chunk.

    Raises:
        RangeNotSatisfiable, CorruptContent: found before the answer begins.
    """
    span = requested_span(request, content.size_bytes, etag=etag)
    part = span or Span(0, content.size_bytes)
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(content_type="application/octet-stream")
    else:
        response = _body(content, part)
        if "X-Accel-Redirect" in response:
            return response
    response["Content-Length"] = str(part.length)
    response["Accept-Ranges"] = "bytes"
    if span is not None:
        response.status_code = 206
        response["Content-Range"] = span.content_range(content.size_bytes)
    return response


def _body(content: Content, part: Span) -> HttpResponseBase:
    path = contents.cached_path(content)
    if path is not None and settings.SMALLHUB_ACCEL_PREFIX:
        return _by_front_server(path)
    if path is not None:
        return file_range(path.open("rb"), part)
    if part.start == 0:
        contents.note_demand(content)
    pieces = _begun(contents.read(content, part.start, part.stop))
    return StreamingHttpResponse(pieces, content_type="application/octet-stream")


def _by_front_server(path: Path) -> HttpResponse:
    """Let nginx send a whole copy, or the range that the request asks for: no thread of ours waits for slow readers."""
    inner = path.relative_to(settings.SMALLHUB_DATA / "cache" / "files")
    response = HttpResponse(content_type="application/octet-stream")
    response["X-Accel-Redirect"] = f"{settings.SMALLHUB_ACCEL_PREFIX}{inner}"
    return response


def _begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Read the first piece before the answer begins, so that damage found there still becomes an error."""
    first = next(pieces, b"")

    def rest() -> Iterator[bytes]:
        yield first
        yield from pieces

    return rest()
