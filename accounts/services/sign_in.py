"""Signing in: a few tries, then a pause, counted in the database so that every web process counts alike."""

from datetime import timedelta

from django.contrib.auth import authenticate
from django.db import transaction
from django.utils import timezone

from accounts.exceptions import TooManyTries, WrongPassword
from accounts.models import SignInTries, User

MAX_TRIES = 8
WINDOW = timedelta(minutes=10)


def check_password(*, username: str, password: str, address: str) -> User:
    """The person of this name and password.

    Tries are counted per name and caller's address: a stranger who guesses locks out himself, not the owner. A name
    that nobody has is counted like any other.

    Raises:
        WrongPassword: with the number of tries left.
        TooManyTries: the password was not even looked at.
    """
    key = f"{username.lower()[:42]}|{address[:45]}"
    refuse_when_paused(key)
    user = authenticate(username=username, password=password)
    if isinstance(user, User):
        SignInTries.objects.filter(key=key).delete()
        return user
    raise WrongPassword(left=max(0, MAX_TRIES - count_failure(key)))


def refuse_when_paused(key: str) -> None:
    """Stop whoever failed too often.

    Raises:
        TooManyTries
    """
    tries = SignInTries.objects.filter(key=key, started_at__gt=timezone.now() - WINDOW).first()
    if tries is not None and tries.failures >= MAX_TRIES:
        left = tries.started_at + WINDOW - timezone.now()
        raise TooManyTries(minutes=int(left.total_seconds() // 60) + 1)


@transaction.atomic
def count_failure(key: str) -> int:
    """Note one failure in the current window. Returns how many there are, and forgets windows that ended."""
    now = timezone.now()
    SignInTries.objects.filter(started_at__lt=now - WINDOW).delete()
    SignInTries.objects.get_or_create(key=key, defaults={"started_at": now})
    tries = SignInTries.objects.select_for_update().get(key=key)
    tries.failures += 1
    tries.save(update_fields=["failures"])
    return tries.failures
