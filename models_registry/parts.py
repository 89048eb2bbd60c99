"""Parts of what has an address: one range of its bytes, or nothing where the caller has it already."""

from django.http import HttpRequest, HttpResponse

from hub.core.ranges import Span, Unsatisfiable, read_range
from models_registry.storage.exceptions import RangeNotSatisfiable


def requested_span(request: HttpRequest, size_bytes: int, *, etag: str = "") -> Span | None:
    """The range that a request asks for; None for all.

    Args:
        etag: of what is there now, in its quotes: whoever holds a part of something else (`If-Range`) gets all of it.

    Raises:
        RangeNotSatisfiable: it lies behind the end.
    """
    if etag and request.headers.get("If-Range", etag) != etag:
        return None
    try:
        return read_range(request.headers.get("Range"), size_bytes)
    except Unsatisfiable as error:
        raise RangeNotSatisfiable(size_bytes=size_bytes) from error


def bytes_response(request: HttpRequest, body: bytes, *, etag: str) -> HttpResponse:
    """A small body, or the range of it that is asked for.

    Raises:
        RangeNotSatisfiable
    """
    span = requested_span(request, len(body), etag=etag)
    if span is None:
        return HttpResponse(body)
    response = HttpResponse(body[span.start : span.stop], status=206)
    response["Content-Range"] = span.content_range(len(body))
    return response


def is_known(request: HttpRequest, etag: str) -> bool:
    """Whether the caller has it already, by `If-None-Match`."""
    return etag in (part.strip() for part in request.headers.get("If-None-Match", "").split(","))
