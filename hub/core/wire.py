"""How the Hugging Face wire says no: JSON for people, headers for the client (spec: error code before status)."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from hub.core import exceptions

STATUS: tuple[tuple[type[exceptions.HubError], int], ...] = (
    (exceptions.Invalid, 400),
    (exceptions.Unauthorised, 401),
    (exceptions.Forbidden, 403),
    (exceptions.NotFound, 404),
    (exceptions.Conflict, 409),
    (exceptions.OverLimit, 413),
    (exceptions.Unavailable, 503),
)
_PLAIN = str.maketrans({"“": '"', "”": '"', "’": "'", "…": "..."})


def status_of(error: exceptions.HubError) -> int:
    """The HTTP status of a refusal. An error may fix its own with `wire_status` where clients match on it."""
    own = getattr(error, "wire_status", None)
    if own is not None:
        return int(own)
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def error_response(status: int, message: str, *, code: str = "", extra: dict[str, Any] | None = None) -> JsonResponse:
    """A wire error. `code` is an `X-Error-Code` the client knows (RepoNotFound, EntryNotFound, …) or ours."""
    body = {"error": message} | ({"code": code} if code else {}) | (extra or {})
    response = JsonResponse(body, status=status)
    # Header values must be one latin-1 line; the body carries the full text.
    response["X-Error-Message"] = " ".join(message.translate(_PLAIN).split()).encode("ascii", "replace").decode()[:1000]
    if code:
        response["X-Error-Code"] = code
    return response


def refusal(error: exceptions.HubError) -> JsonResponse:
    """Turn a foreseen failure into the wire's answer. Errors may carry `wire_code` and `wire_headers()`."""
    response = error_response(
        status_of(error),
        str(error),
        code=getattr(error, "wire_code", error.code),
        extra={"code": error.code, "details": error.details} | getattr(error, "wire_body", {}),
    )
    for name, value in getattr(error, "wire_headers", {}).items():
        response[name] = value
    if response.status_code == 503:
        response["Retry-After"] = "2"
    return response


def moved(error: exceptions.Moved) -> HttpResponse:
    """Lead to where it is now. Without a body or a code of an error: every client follows it in silence."""
    return HttpResponse(status=307, headers=error.wire_headers)


def is_wire_address(request: HttpRequest) -> bool:
    """Is this an address that only programs use? Decided by the path alone, which a browser cannot be talked into."""
    path = request.path_info
    git = path.endswith(("/info/refs", "/git-upload-pack", "/git-receive-pack"))
    return (
        path.startswith(("/api/", "/cas/", "/v1/", "/oauth/", "/uploads"))
        or git
        or "/info/lfs/" in path
        or "/resolve/" in path
    )


def speaks_wire(request: HttpRequest) -> bool:
    """Does a program rather than a person wait for the answer?"""
    accept = request.headers.get("Accept", "")
    return is_wire_address(request) or ("application/json" in accept and "text/html" not in accept)
