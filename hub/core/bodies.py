"""Reading request bodies: JSON with limits, and streams whatever their transfer coding."""

import json
import zlib
from typing import Any, BinaryIO, cast

from django.http import HttpRequest

from hub.core.exceptions import Invalid, OverLimit

MAX_JSON_BYTES = 5 * 2**20


class BadBody(Invalid):
    code = "bad_body"
    message = "{reason}"


class BodyTooLarge(OverLimit):
    code = "body_too_large"
    message = "The request body is larger than {limit} bytes."


def body_stream(request: HttpRequest) -> BinaryIO:
    """The body as a stream. A chunked body has no length, and the server itself marks its end."""
    if request.META.get("wsgi.input_terminated") and "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        return cast("BinaryIO", request.META["wsgi.input"])
    return cast("BinaryIO", request)


class LimitedStream:
    """A stream that refuses to give more than `limit` bytes; inflates what came as gzip.

    The limit counts inflated bytes, so a small body cannot become a large one.
    """

    def __init__(self, stream: BinaryIO, *, limit: int, is_gzip: bool) -> None:
        self._stream, self._limit = stream, limit
        self._left = limit
        self._inflate = zlib.decompressobj(31) if is_gzip else None
        self._held = b""

    def read(self, size: int = 65_536, /) -> bytes:
        """At most `size` bytes, b"" at the end.

        Raises:
            BodyTooLarge, BadBody
        """
        data = self._stream.read(size) if self._inflate is None else self._inflated(size)
        self._left -= len(data)
        if self._left < 0:
            raise BodyTooLarge(limit=self._limit)
        return data

    def _inflated(self, size: int) -> bytes:
        assert self._inflate is not None
        while not self._inflate.eof:
            packed = self._held or self._stream.read(65_536)
            if not packed:
                raise BadBody(reason="The gzip body ends before its end.")
            try:
                data = self._inflate.decompress(packed, size)
            except zlib.error as error:
                raise BadBody(reason="The body is not gzip.") from error
            self._held = self._inflate.unconsumed_tail
            if data:
                return data
        return b""


def decoded_stream(request: HttpRequest, *, limit: int) -> LimitedStream:
    """The body as a stream of at most `limit` bytes, whatever its transfer and content coding.

    Raises:
        BadBody: a coding that is not understood.
        BodyTooLarge: by its declared length; later by its real one.
    """
    coding = request.headers.get("Content-Encoding", "identity").lower()
    if coding not in {"identity", "gzip", "x-gzip"}:
        raise BadBody(reason="The Content-Encoding must be gzip or none.")
    if (declared_length(request) or 0) > limit:
        raise BodyTooLarge(limit=limit)
    return LimitedStream(body_stream(request), limit=limit, is_gzip=coding != "identity")


def declared_length(request: HttpRequest) -> int | None:
    """Content-Length, or None for a chunked body.

    Raises:
        BadBody: it is not a number.
    """
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        return None
    text = request.META.get("CONTENT_LENGTH") or "0"
    if not text.isascii() or not text.isdigit():
        raise BadBody(reason="Content-Length is not a number.")
    return int(text)


def read_body(request: HttpRequest, *, limit: int) -> bytes:
    """The whole body, at most `limit` bytes.

    Raises:
        BodyTooLarge: by its declared or by its real length.
    """
    if (declared_length(request) or 0) > limit:
        raise BodyTooLarge(limit=limit)
    body = body_stream(request).read(limit + 1)
    if len(body) > limit:
        raise BodyTooLarge(limit=limit)
    return body


def json_object(request: HttpRequest, *, limit: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """The JSON object in the body; an empty body counts as an empty object.

    Raises:
        BadBody: not JSON, not an object, or nested without end.
        BodyTooLarge: over `limit`.
    """
    body = read_body(request, limit=limit)
    return parse_object(body, what="The request body") if body.strip() else {}


def parse_object(text: bytes, *, what: str) -> dict[str, Any]:
    """Parse one JSON object, naming `what` it was in the error.

    Raises:
        BadBody
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadBody(reason=f"{what} is not valid JSON.") from error
    if not isinstance(value, dict):
        raise BadBody(reason=f"{what} is not a JSON object.")
    return value


def text_field(body: dict[str, Any], name: str, *, default: str | None = None) -> str:
    """A text in a JSON object; `null` counts as absent.

    Raises:
        BadBody: absent without a default, not a text, or text that cannot be stored.
    """
    value = body.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise BadBody(reason=f"“{name}” must be a text.")
    return storable(value, name)


def storable(value: str, name: str) -> str:
    """Refuse NUL and half surrogates: no database takes them.

    Raises:
        BadBody
    """
    if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadBody(reason=f"“{name}” holds characters that cannot be stored.")
    return value


def flag(value: Any) -> bool:
    """`true`, `True` and `1`, as the clients of several years spell it."""
    return str(value).lower() in {"1", "true", "yes", "on"}
