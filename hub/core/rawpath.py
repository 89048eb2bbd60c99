"""Keeps `%2F` apart from `/`.

WSGI hands Django an already decoded path, so `tree/refs/pr/1/a` and `tree/refs%2Fpr%2F1/a` would look the same. The
wire encodes revisions and tree paths as one segment, hence the raw target decides: each segment is decoded alone, and
a slash that came encoded travels as SLASH until a path converter turns it back.
"""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

SLASH = "\x1f"  # The unit separator: no name, revision or path of ours may hold a control character.

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def keep_encoded_slashes(application: Application) -> Application:
    """Wrap a WSGI application so that PATH_INFO is rebuilt from the raw target where the server gives one."""

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
        if isinstance(raw, str) and raw.startswith("/"):
            environ["PATH_INFO"] = path_info(raw)
        return application(environ, start_response)

    return wrapped


def path_info(target: str) -> str:
    """Decode a raw request target once, segment by segment. Returns the latin-1 form that WSGI asks for."""
    path = target.split("?", 1)[0].split("#", 1)[0]
    segments = [unquote_to_bytes(segment).replace(b"/", SLASH.encode()) for segment in path.split("/")]
    return b"/".join(segments).decode("latin-1")


def slashes(segment: str) -> str:
    """Give a decoded segment its slashes back."""
    return segment.replace(SLASH, "/")
