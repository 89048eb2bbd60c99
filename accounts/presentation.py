"""People and organisations as the wire's JSON."""

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Membership, Namespace, Organisation, User


def moment(value: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as the wire asks."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"


def public_id(row: User | Organisation) -> str:
    """24 hex digits, as clients of the wire expect."""
    return f"{row.pk:024x}"


def avatar_url(request: HttpRequest, name: str) -> str:
    """The address of the picture of a name: its tick-print."""
    return request.build_absolute_uri(reverse("avatar", args=[name]))


def person(request: HttpRequest, user: User) -> dict[str, Any]:
    """One person in a list."""
    return {
        "_id": public_id(user),
        "type": "user",
        "user": user.username,
        "fullname": user.get_full_name(),
        "avatarUrl": avatar_url(request, user.username),
        "isPro": False,
    }


def organisation(request: HttpRequest, row: Organisation) -> dict[str, Any]:
    """One organisation in a list."""
    return {
        "_id": public_id(row),
        "type": "org",
        "name": row.name,
        "fullname": row.full_name or row.name,
        "avatarUrl": avatar_url(request, row.name),
        "isEnterprise": False,
        "isVerified": False,
    }


def member(request: HttpRequest, membership: Membership) -> dict[str, Any]:
    """One member of an organisation."""
    return person(request, membership.user) | {"role": membership.role}


def followed(request: HttpRequest, namespace: Namespace) -> dict[str, Any]:
    """One name that somebody follows; organisations come under the same keys as people, so that clients list both."""
    if namespace.user is not None:
        return person(request, namespace.user)
    assert namespace.organisation is not None
    shown = organisation(request, namespace.organisation)
    return shown | {"user": namespace.name}
