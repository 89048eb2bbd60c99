"""What a namespace wants where licences contradict each other: said, warned of, or held back."""

from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from accounts.exceptions import NamespaceNotFound
from accounts.grants import Right
from accounts.models import Namespace, Role, Scope, User
from accounts.permissions import require_token, role_in
from accounts.services import note_audit
from models_registry.exceptions import InvalidLicencePolicy, LicencePolicyForbidden
from models_registry.models import LicencePolicy, Repository
from models_registry.services.licensing.marks import mark


def policy_of(namespace: Namespace) -> LicencePolicy:
    """The namespace's policy; an unsaved row of the defaults where nobody has set one."""
    return LicencePolicy.objects.filter(namespace=namespace).first() or LicencePolicy(namespace=namespace)


def may_set(user: User | AnonymousUser, namespace: Namespace) -> bool:
    """Administrators of an organisation, and everybody in her own name."""
    return isinstance(user, User) and role_in(user, namespace) == Role.ADMIN


def administered(*, user: User, name: str, right: Right) -> Namespace:
    """A namespace that somebody administers, as far as her token lets her; for others it is not there.

    Raises:
        NamespaceNotFound, ScopeTooSmall
    """
    namespace = Namespace.objects.held().named(name[:100].replace("\x00", "")).first()
    if namespace is None or not may_set(user, namespace):
        raise NamespaceNotFound(name=name[:100])
    require_token(user, right, Scope.READ if right is Right.READ else Scope.WRITE, namespace)
    return namespace


@transaction.atomic
def set_policy(*, namespace: Namespace, user: User, mode: str, holds_unknown: bool = False) -> LicencePolicy:
    """Settle the policy. Everything in the namespace is judged anew, and its releases are held or set free.

    Raises:
        LicencePolicyForbidden, InvalidLicencePolicy
        ScopeTooSmall: her token was made for less.
    """
    if not may_set(user, namespace):
        raise LicencePolicyForbidden(name=namespace.name)
    require_token(user, Right.ADMINISTER, Scope.WRITE, namespace)
    if mode not in LicencePolicy.Mode.values:
        raise InvalidLicencePolicy(mode=mode[:20])
    policy, _ = LicencePolicy.objects.update_or_create(
        namespace=namespace, defaults={"mode": mode, "holds_unknown": holds_unknown, "updated_by": user}
    )
    note_audit(namespace=namespace, actor=user, action="licence_policy.set", mode=mode, holds_unknown=holds_unknown)
    mark(set(Repository.objects.filter(namespace=namespace).values_list("pk", flat=True)))
    return policy
