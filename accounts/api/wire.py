"""The wire: who am I (E01)."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from accounts import grants
from accounts.authentication import acting_user
from accounts.grants import Grant, Right
from accounts.models import AccessToken, Membership, Namespace, Scope, User
from accounts.presentation import avatar_url, moment, public_id
from hub.core.requests import access_token


@require_safe
def whoami(request: HttpRequest) -> HttpResponse:
    """E01."""
    user = acting_user(request)
    answer: dict[str, Any] = {
        "type": "user",
        "id": public_id(user),
        "name": user.username,
        "fullname": user.get_full_name(),
        "email": user.email,
        "emailVerified": False,
        "canPay": False,
        "isPro": False,
        "periodEnd": None,
        "avatarUrl": avatar_url(request, user.username),
        "orgs": [_organisation(request, membership) for membership in _memberships(user)],
        "auth": _auth(request),
    }
    return JsonResponse(answer)


def _memberships(user: User) -> list[Membership]:
    return list(user.memberships.select_related("organisation"))


def _organisation(request: HttpRequest, membership: Membership) -> dict[str, Any]:
    organisation = membership.organisation
    return {
        "type": "org",
        "id": public_id(organisation),
        "name": organisation.name,
        "fullname": organisation.full_name or organisation.name,
        "email": None,
        "canPay": False,
        "periodEnd": None,
        "avatarUrl": avatar_url(request, organisation.name),
        "roleInOrg": membership.role,
        "isEnterprise": False,
    }


def _auth(request: HttpRequest) -> dict[str, Any]:
    token: AccessToken | None = access_token(request)
    if token is None:
        return {"type": "session"}
    roles = {Scope.READ: "read", Scope.FINE: "fineGrained"}
    shown: dict[str, Any] = {
        "displayName": token.name,
        "role": roles.get(Scope(token.scope), "write"),
        "createdAt": moment(token.created_at),
    }
    if token.scope == Scope.FINE:
        shown["fineGrained"] = _fine_grained(grants.from_json(token.grants).all)
    answer: dict[str, Any] = {"type": "access_token", "accessToken": shown}
    if token.expires_at:
        answer["expiresAt"] = moment(token.expires_at)
    return answer


# The wire's words for our rights. Rights that it has no word for keep ours.
_PERMISSIONS = {
    Right.READ: "repo.content.read",
    Right.WRITE: "repo.write",
    Right.DISCUSS: "discussion.write",
    Right.WEBHOOKS: "user.webhooks.write",
    Right.ADMINISTER: "repo.administer",
    Right.GATED: "repo.gated.read",
}


def _fine_grained(all_grants: tuple[Grant, ...]) -> dict[str, Any]:
    names = {row.pk: row for row in Namespace.objects.filter(pk__in=[grant.namespace for grant in all_grants])}
    everywhere = {right for grant in all_grants if grant.is_everywhere for right in grant.rights}
    return {
        "canReadGatedRepos": Right.GATED in everywhere,
        "global": sorted(_PERMISSIONS[right] for right in everywhere - {Right.GATED}),
        "scoped": [_scoped(grant, names) for grant in all_grants if not grant.is_everywhere],
    }


def _scoped(grant: Grant, names: dict[int, Namespace]) -> dict[str, Any]:
    namespace = names.get(grant.namespace or 0)
    kind, _, name = grant.label.rpartition(":")
    if namespace is not None:
        kind, name = "org" if namespace.is_organisation else "user", namespace.name
    return {
        "entity": {"_id": grant.repository or f"{grant.namespace:024x}", "type": kind, "name": name},
        "permissions": sorted(_PERMISSIONS[right] for right in grant.rights),
    }
