"""What a member may do in a namespace, and what a token lets through."""

from django.contrib.auth.models import AnonymousUser

from accounts.exceptions import GrantTooSmall, NotAMember, ScopeTooSmall
from accounts.grants import Right
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


def token_allows(user: User | AnonymousUser, right: Right, scope: Scope, namespace: Namespace | None) -> bool:
    """Does the token let this through in a namespace? Without a token everything goes that her role allows.

    Args:
        right: what a fine-grained token needs there.
        scope: what any other token needs.
    """
    if not user.is_authenticated:
        return True
    if user.grants is None:
        return Scope(user.scope).covers(scope)
    return namespace is not None and user.grants.allow(right, namespace=namespace.pk)


def require_token(user: User, right: Right, scope: Scope, namespace: Namespace | None) -> None:
    """Let through what the token covers in a namespace.

    Raises:
        ScopeTooSmall: the token was made for less.
    """
    if not token_allows(user, right, scope, namespace):
        raise too_small(user, right, scope)


def too_small(user: User, right: Right, scope: Scope) -> ScopeTooSmall:
    """The refusal for a token that was made for less."""
    if Scope(user.scope) is Scope.FINE:
        return GrantTooSmall(scope=user.scope, needed=right.value)
    return ScopeTooSmall(scope=user.scope, needed=scope)


def require_own_write(user: User) -> None:
    """May she change what is hers alone, such as likes and whom she follows, with this token?

    Raises:
        ScopeTooSmall: a token that reads, or a fine-grained one without `write` in her own name.
    """
    require_token(user, Right.WRITE, Scope.WRITE, getattr(user, "namespace", None))


def require_create(user: User, namespace: Namespace) -> None:
    """May she create repositories here?

    Raises:
        NotAMember: not her name, and no role there that allows it.
        ScopeTooSmall: she may, but this token may not.
    """
    if role_in(user, namespace) not in {Role.ADMIN, Role.WRITE, Role.CONTRIBUTOR}:
        raise NotAMember(name=namespace.name)
    require_token(user, Right.WRITE, Scope.WRITE, namespace)
