"""Sign-in by name, however it is spelled."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User


class CaseInsensitiveBackend(ModelBackend):
    """`Ada` and `ada` are one person, as they are one namespace."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        if username is None or password is None:
            return None
        user = User.objects.filter(namespace__key=username.lower()).first()
        if user is None:
            User().set_password(password)  # The same work as for a known name, so that timing tells nothing.
            return None
        return user if user.check_password(password) and self.user_can_authenticate(user) else None
