"""What our middleware adds to a request, with types. Kept in META, which a request carries for such things."""

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest

from hub.core.rawpath import slashes

_ID = "smallhub.request_id"
_TOKEN = "smallhub.access_token"  # noqa: S105 - a key, not a secret.


def set_request_id(request: HttpRequest, value: str) -> None:
    request.META[_ID] = value


def request_id(request: HttpRequest) -> str:
    """The reference that error pages and logs show; "" before the middleware ran."""
    return str(request.META.get(_ID, ""))


def set_access_token(request: HttpRequest, token: Any) -> None:
    request.META[_TOKEN] = token


def access_token(request: HttpRequest) -> Any:
    """The `accounts.models.AccessToken` that the request came with, or None. The core cannot name the class."""
    return request.META.get(_TOKEN)


def skip_csrf(request: HttpRequest) -> None:
    """Switch the CSRF check off for a request that carries no ambient right; Django reads this attribute."""
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]


def renamed_address(request: HttpRequest, namespace: str, name: str) -> str:
    """The path of this request with another repository in it: query and encoded segments stay as they came.

    The route says which segments are the names, so a folder that is called like its repository is left alone.
    """
    match = request.resolver_match
    assert match is not None
    place = next(place for place, part in enumerate(match.route.split("/")) if part.endswith(":namespace>"))
    parts = [quote(slashes(part), safe="!$&'()*+,;=:@~") for part in request.path_info.lstrip("/").split("/")]
    ending = ".git" if parts[place + 1].lower().endswith(".git") else ""
    parts[place : place + 2] = [namespace, name + ending]
    query = request.META.get("QUERY_STRING", "")
    return "/" + "/".join(parts) + (f"?{query}" if query else "")
