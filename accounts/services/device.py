"""Signing a program in through the browser: the device flow of RFC 8628, and renewing what it gave.

The program gets a long secret, the person a short code. Both are kept as digests, end soon and work once. Nothing is
given before she has said yes in a session of her own; what is given is an ordinary access token.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts import tokens
from accounts.exceptions import (
    AuthorisationPending,
    DeviceDenied,
    DeviceExpired,
    InvalidGrant,
    SlowDown,
    TooManyTries,
    UnknownDeviceCode,
)
from accounts.models import AccessToken, DeviceSignIn, Scope, SignInTries, User
from accounts.services import sign_in

# All windows in one place, each longer than what stands on it.
LIFETIME = timedelta(minutes=15)
INTERVAL_S = 5
LEEWAY_S = 0.5  # A poll may come this much early: clocks and networks jitter.
KEPT = timedelta(days=1)  # Ended ones stay for a day, so that a late program hears why.
ACCESS = timedelta(days=30)
REFRESH = timedelta(days=180)
MAX_OPEN = 20  # From one address within LIFETIME.

# No vowels, so that no words appear, and nothing that looks like something else.
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
CODE_LENGTH = 8  # 20^8 codes; with the tries below, a guess hits with a chance under one in a hundred million.


@dataclass(frozen=True)
class Asked:
    """What the program is told. The codes cannot be had again."""

    device_code: str
    user_code: str
    row: DeviceSignIn


@dataclass(frozen=True)
class Given:
    """A token for the program, with what renews it."""

    token: AccessToken
    value: str
    refresh_value: str
    expires_in_s: int


def normal_code(code: str) -> str:
    """A code as she may type it: any case, with or without the dash."""
    return "".join(letter for letter in code.upper() if letter in ALPHABET)


def shown_code(code: str) -> str:
    return f"{code[:4]}-{code[4:]}"


def ask_device(*, client_id: str, scope: Scope, agent: str, address: str) -> Asked:
    """Begin: codes for a program.

    Raises:
        TooManyTries: too many were asked for from this address.
    """
    now = timezone.now()
    DeviceSignIn.objects.filter(expires_at__lt=now - KEPT).delete()
    recent = DeviceSignIn.objects.filter(address=address[:45], created_at__gt=now - LIFETIME)
    if recent.count() >= MAX_OPEN:
        raise TooManyTries(minutes=int(LIFETIME.total_seconds() // 60))
    device_code = secrets.token_urlsafe(32)
    user_code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    row = DeviceSignIn.objects.create(
        device_digest=tokens.digest(device_code),
        user_digest=tokens.digest(user_code),
        client_id=client_id[:100],
        agent=agent[:200],
        address=address[:45],
        scope=scope,
        interval_s=INTERVAL_S,
        expires_at=now + LIFETIME,
    )
    return Asked(device_code, shown_code(user_code), row)


def find_device(*, user: User, user_code: str, address: str) -> DeviceSignIn:
    """The program that waits for an answer under this code. Wrong codes are counted per person, as wrong passwords are.

    Raises:
        UnknownDeviceCode: wrong, answered already, or ended.
        TooManyTries: the code was not even looked at.
    """
    key = f"device|{user.pk}"
    sign_in.refuse_when_paused(key)
    digest = tokens.digest(normal_code(user_code))
    found: DeviceSignIn | None = DeviceSignIn.objects.waiting(user_digest=digest, at=timezone.now()).first()
    if found is None:
        sign_in.count_failure(key)
        raise UnknownDeviceCode
    SignInTries.objects.filter(key=key).delete()
    return found


def answer_device(*, device: DeviceSignIn, user: User, approve: bool, scope: Scope) -> None:
    """Her answer. The first one counts; a later one finds nothing to answer.

    Raises:
        UnknownDeviceCode: it was answered or ended in the meantime.
    """
    state = DeviceSignIn.State.APPROVED if approve else DeviceSignIn.State.DENIED
    open_now = DeviceSignIn.objects.filter(
        pk=device.pk, state=DeviceSignIn.State.PENDING, expires_at__gt=timezone.now()
    )
    if not open_now.update(state=state, user=user, scope=scope):
        raise UnknownDeviceCode


def redeem_device(*, device_code: str, client_id: str) -> Given:
    """What the program polls for: a token, once she has said yes. It is given once.

    Raises:
        AuthorisationPending, SlowDown: ask again later, or less often.
        DeviceDenied, DeviceExpired, InvalidGrant: never.
    """
    now = timezone.now()
    row = DeviceSignIn.objects.filter(device_digest=tokens.digest(device_code), client_id=client_id[:100]).first()
    if row is None or row.state == DeviceSignIn.State.USED:
        raise InvalidGrant
    if row.expires_at <= now:
        raise DeviceExpired
    if row.state == DeviceSignIn.State.DENIED:
        raise DeviceDenied
    if row.state == DeviceSignIn.State.PENDING:
        _poll(row)
    return _give(row)


def _poll(row: DeviceSignIn) -> None:
    """Note a poll that finds nothing, and say so.

    Raises:
        SlowDown: it came too early; from now on the interval is longer.
        AuthorisationPending: else.
    """
    now = timezone.now()
    early = row.polled_at is not None and (now - row.polled_at).total_seconds() < row.interval_s - LEEWAY_S
    interval_s = min(row.interval_s + INTERVAL_S, 60) if early else row.interval_s
    DeviceSignIn.objects.filter(pk=row.pk).update(polled_at=now, interval_s=interval_s)
    raise SlowDown if early else AuthorisationPending


@transaction.atomic
def _give(row: DeviceSignIn) -> Given:
    # No other table in this: PostgreSQL would not ask a joined condition anew after waiting for who came first.
    mine = DeviceSignIn.objects.filter(pk=row.pk, state=DeviceSignIn.State.APPROVED)
    user = User.objects.filter(pk=row.user_id, is_active=True).first() if row.user_id else None
    if user is None or not mine.update(state=DeviceSignIn.State.USED):
        raise InvalidGrant
    return _made(user, Scope(row.scope), f"browser sign-in {timezone.now():%Y-%m-%d %H.%M.%S}")


def _made(user: User, scope: Scope, name: str) -> Given:
    value, refresh_value = tokens.new_value(), tokens.new_refresh_value()
    now = timezone.now()
    fields: dict[str, Any] = {"user": user, "scope": scope, "digest": tokens.digest(value), "hint": value[-4:]}
    fields |= {"refresh_digest": tokens.digest(refresh_value), "refresh_until": now + REFRESH}
    fields["expires_at"] = now + ACCESS
    try:
        with transaction.atomic():
            row = AccessToken.objects.create(name=name, **fields)
    except IntegrityError:  # Two within a second.
        row = AccessToken.objects.create(name=f"{name} {value[-4:]}", **fields)
    return Given(row, value, refresh_value, int(ACCESS.total_seconds()))


@transaction.atomic
def refresh_token(*, refresh_value: str) -> Given:
    """Renew a token from its second secret. Both are replaced; the old ones open nothing from then on.

    Raises:
        InvalidGrant: wrong, ended, revoked or used already.
    """
    now = timezone.now()
    digest = tokens.digest(refresh_value)
    live = Q(refresh_digest=digest, refresh_until__gt=now, user__is_active=True)
    row = AccessToken.objects.select_for_update(of=("self",)).filter(live).first()
    if row is None:
        raise InvalidGrant
    value, renewed = tokens.new_value(), tokens.new_refresh_value()
    changed = AccessToken.objects.filter(pk=row.pk, refresh_digest=digest).update(
        digest=tokens.digest(value),
        hint=value[-4:],
        expires_at=now + ACCESS,
        refresh_digest=tokens.digest(renewed),
        refresh_until=now + REFRESH,
        previous_digest=None,
        previous_until=None,
    )
    if not changed:
        raise InvalidGrant
    row.refresh_from_db()
    return Given(row, value, renewed, int(ACCESS.total_seconds()))
