"""What a member may do in a namespace, and what a token lets through."""

from django.contrib.auth.models import AnonymousUser

from accounts.exceptions import NotAMember, ScopeTooSmall
from accounts.models import Namespace, Role, Scope, User


def role_in(user: User | AnonymousUser, namespace: Namespace) -> Role | None:
    """Her role in a namespace: admin of her own name, a member's role in an organisation, else None."""
    if not user.is_authenticated:
        return None
    if namespace.user_id is not None and namespace.user_id == user.pk:
        return Role.ADMIN
    if namespace.organisation_id is None:
        return None
    role = user.memberships.filter(organisation_id=namespace.organisation_id).values_list("role", flat=True).first()
    return Role(role) if role else None


def require_scope(user: User, needed: Scope) -> None:
    """Let through what the token covers.

    Raises:
        ScopeTooSmall: the token was made for less.
    """
    if not Scope(user.scope).covers(needed):
        raise ScopeTooSmall(scope=user.scope, needed=needed)


def require_create(user: User, namespace: Namespace) -> None:
    """May she create repositories here?

    Raises:
        NotAMember: not her name, and no role there that allows it.
        ScopeTooSmall: she may, but this token may not.
    """
    if role_in(user, namespace) not in {Role.ADMIN, Role.WRITE, Role.CONTRIBUTOR}:
        raise NotAMember(name=namespace.name)
    require_scope(user, Scope.WRITE)
