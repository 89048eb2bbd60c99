"""Access tokens: made once, shown once, kept as a digest."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts import tokens
from accounts.exceptions import InvalidToken, TokenNameTaken
from accounts.models import AccessToken, Scope, User

LAST_USE_STEP = timedelta(minutes=1)  # Noting each single use would turn every read into a write.


def create_token(
    *, user: User, name: str, scope: Scope, expires_at: datetime | None = None, value: str | None = None
) -> tuple[AccessToken, str]:
    """Make a token. Returns the row and the value; the value cannot be had again.

    Raises:
        InvalidToken: a given `value` has the wrong shape.
        TokenNameTaken: she already has one of that name, or the value exists.
    """
    value = value or tokens.new_value()
    if not tokens.is_well_formed(value):
        raise InvalidToken
    try:
        with transaction.atomic():
            row = AccessToken.objects.create(
                user=user,
                name=name,
                scope=Scope(scope),
                digest=tokens.digest(value),
                hint=value[-4:],
                expires_at=expires_at,
            )
    except IntegrityError as error:
        raise TokenNameTaken(name=name) from error
    return row, value


def authenticate_token(value: str) -> AccessToken | None:
    """The live token of this value with its user, or None. Notes the use, at most once a minute."""
    now = timezone.now()
    found: AccessToken | None = (
        AccessToken.objects.usable(digest=tokens.digest(value), at=now).select_related("user").first()
    )
    if found is None:
        return None
    if found.last_used_at is None or found.last_used_at < now - LAST_USE_STEP:
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - LAST_USE_STEP)
        AccessToken.objects.filter(stale, pk=found.pk).update(last_used_at=now)
    return found


def revoke_token(*, token: AccessToken) -> None:
    """Make a token worthless at once."""
    token.delete()
