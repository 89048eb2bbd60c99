"""The wire: who am I (E01), and the overviews of people (E68, E69)."""

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from accounts.authentication import acting_user
from accounts.models import Membership, Scope, User
from hub.core.requests import access_token


@require_safe
def whoami(request: HttpRequest) -> HttpResponse:
    """E01."""
    user = acting_user(request)
    answer: dict[str, Any] = {
        "type": "user",
        "id": f"{user.pk:024x}",
        "name": user.username,
        "fullname": user.get_full_name(),
        "email": user.email,
        "emailVerified": False,
        "canPay": False,
        "isPro": False,
        "periodEnd": None,
        "avatarUrl": "",
        "orgs": [_organisation(membership) for membership in _memberships(user)],
        "auth": _auth(request),
    }
    return JsonResponse(answer)


def _memberships(user: User) -> list[Membership]:
    return list(user.memberships.select_related("organisation"))


def _organisation(membership: Membership) -> dict[str, Any]:
    organisation = membership.organisation
    return {
        "type": "org",
        "id": f"{organisation.pk:024x}",
        "name": organisation.name,
        "fullname": organisation.full_name or organisation.name,
        "email": None,
        "canPay": False,
        "periodEnd": None,
        "avatarUrl": "",
        "roleInOrg": membership.role,
        "isEnterprise": False,
    }


def _auth(request: HttpRequest) -> dict[str, Any]:
    token = access_token(request)
    if token is None:
        return {"type": "session"}
    role = "read" if token.scope == Scope.READ else "write"
    made = token.created_at.astimezone(UTC)
    return {
        "type": "access_token",
        "accessToken": {"displayName": token.name, "role": role, "createdAt": _moment(made)},
    }


def _moment(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
