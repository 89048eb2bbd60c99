"""Who is asking? A session cookie for people, a token in the Authorization header for programs."""

import base64
import binascii
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from accounts.exceptions import BadCredentials, SignInRequired, TokenNotHere
from accounts.services import authenticate_token
from hub.core.requests import set_access_token, skip_csrf
from hub.core.wire import is_wire_address, refusal

Handler = Callable[[HttpRequest], HttpResponseBase]

# Pages about the person herself, and the administration. Through these a token could make a wider one of its kind.
FOR_PEOPLE = frozenset({"admin", "join", "login", "logout", "new", "settings"})


class TokenMiddleware:
    """Puts the token's owner into `request.user`, narrowed to the token's scope.

    A wrong token is refused on every address, never treated as nobody: a script with a stale token must hear so.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith("/cas/") or request.path_info == "/v1/telemetry":
            return self.get_response(request)  # The chunk store has signed tokens of its own.
        value = _token_in(request)
        if value is None:
            if is_wire_address(request) and settings.SESSION_COOKIE_NAME not in request.COOKIES:
                # Without a cookie there is no ambient right that another site could borrow.
                skip_csrf(request)
            return self.get_response(request)
        token = authenticate_token(value)
        if token is None:
            who = request.path_info.startswith("/api/whoami")
            return refusal(SignInRequired() if who else BadCredentials())
        if request.path_info.split("/")[1] in FOR_PEOPLE:
            return refusal(TokenNotHere())
        request.user = token.user
        token.user.narrow_to(token)
        set_access_token(request, token)
        skip_csrf(request)  # A header is not sent by browsers of their own accord.
        return self.get_response(request)


def _token_in(request: HttpRequest) -> str | None:
    """The token of a Bearer header, or the password of a Basic one (git and git-lfs). None without a header."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() == "basic":
        try:
            name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return ""
        return password or name
    return "" if kind else None
