"""Who is asking, for DRF: the middleware has found out already."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from accounts.exceptions import SignInRequired
from accounts.models import User
from hub.core.requests import access_token


class TokenOrSessionAuthentication(BaseAuthentication):
    """The token's owner; else the session's, whose unsafe requests must carry the CSRF token."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        token = access_token(request._request)
        if token is not None:
            return request._request.user, token
        return SessionAuthentication().authenticate(request)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def acting_user(request: Any) -> User:
    """The person behind a request that needs one.

    Raises:
        SignInRequired: nobody is signed in.
    """
    user: User | AnonymousUser = request.user
    if not user.is_authenticated:
        raise SignInRequired
    assert isinstance(user, User)
    return user
