"""Access tokens: made once, shown once, kept as a digest."""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts import tokens
from accounts.exceptions import GrantsInvalid, InvalidToken, TokenNameTaken, TokenRenewsItself
from accounts.grants import Grants
from accounts.models import AccessToken, Scope, User

MAX_GRANTS = 50
MAX_LEAKED = 1000
LAST_USE_STEP = timedelta(minutes=1)  # Noting each single use would turn every read into a write.


def create_token(
    *,
    user: User,
    name: str,
    scope: Scope,
    expires_at: datetime | None = None,
    value: str | None = None,
    grants: Grants | None = None,
) -> tuple[AccessToken, str]:
    """Make a token. Returns the row and the value; the value cannot be had again.

    Args:
        grants: what a fine-grained token may do; of no meaning for others.

    Raises:
        GrantsInvalid: a fine-grained token without any grant, or with too many.
        InvalidToken: a given `value` has the wrong shape.
        TokenNameTaken: she already has one of that name, or the value exists.
    """
    value = value or tokens.new_value()
    if not tokens.is_well_formed(value):
        raise InvalidToken
    given = _grants_of(Scope(scope), grants)
    try:
        with transaction.atomic():
            row = AccessToken.objects.create(
                user=user,
                name=name,
                scope=Scope(scope),
                grants=given,
                digest=tokens.digest(value),
                hint=value[-4:],
                expires_at=expires_at,
            )
    except IntegrityError as error:
        raise TokenNameTaken(name=name) from error
    return row, value


def _grants_of(scope: Scope, grants: Grants | None) -> list[dict[str, Any]]:
    if scope is not Scope.FINE:
        return []
    if grants is None or not grants.all:
        raise GrantsInvalid(reason="A fine-grained token needs at least one right in one place.")
    if len(grants.all) > MAX_GRANTS:
        raise GrantsInvalid(reason=f"A token may name {MAX_GRANTS} places.")
    return grants.as_json()


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


@transaction.atomic
def rotate_token(*, token: AccessToken, grace: timedelta) -> str:
    """Give a token a new value; the old one stays good for `grace`, or dies at once. Name, rights and end stay.

    Raises:
        TokenRenewsItself: it is renewed by the program that it was given to.
    """
    row = AccessToken.objects.select_for_update().get(pk=token.pk)
    if row.refresh_digest is not None:
        raise TokenRenewsItself(name=row.name)
    value = tokens.new_value()
    row.previous_digest = row.digest if grace else None
    row.previous_until = timezone.now() + grace if grace else None
    row.digest, row.hint = tokens.digest(value), value[-4:]
    row.save(update_fields=["digest", "hint", "previous_digest", "previous_until"])
    return value


def revoke_leaked(*, text: bytes) -> list[AccessToken]:
    """Make worthless every token of ours whose value stands in a text that others will read. Returns them."""
    seen = {match.decode() for match in tokens.VALUES.findall(text)}
    if not seen:
        return []
    digests = [tokens.digest(value) for value in list(seen)[:MAX_LEAKED]]
    found = list(AccessToken.objects.filter(Q(digest__in=digests) | Q(previous_digest__in=digests)))
    AccessToken.objects.filter(pk__in=[row.pk for row in found]).delete()
    return found


def revoke_token(*, token: AccessToken) -> None:
    """Make a token worthless at once."""
    token.delete()
