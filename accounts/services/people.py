"""Users, organisations and who belongs to them."""

import secrets

from django.db import IntegrityError, transaction

from accounts.exceptions import InvalidName, LastAdmin, NameTaken
from accounts.models import Membership, Namespace, Organisation, Role, User
from accounts.services.audit import note_audit
from hub.core.names import namespace_fault


@transaction.atomic
def create_user(
    *, username: str, password: str | None = None, email: str = "", full_name: str = "", is_admin: bool = False
) -> User:
    """Add a person and reserve her namespace. Without a password she cannot sign in until one is set.

    Raises:
        InvalidName: the name breaks the rules.
        NameTaken: somebody has, or had, this name.
    """
    _refuse_bad_name(username)
    user = User(username=username, email=email, full_name=full_name, is_staff=is_admin, is_superuser=is_admin)
    user.set_password(password)
    try:
        with transaction.atomic():
            namespace = Namespace.objects.create(key=username.lower(), name=username)
            user.save()
    except IntegrityError as error:
        raise NameTaken(name=username) from error
    namespace.user = user
    namespace.save(update_fields=["user"])
    return user


@transaction.atomic
def create_organisation(*, name: str, owner: User, full_name: str = "", description: str = "") -> Organisation:
    """Found an organisation; its owner becomes the first admin.

    Raises:
        InvalidName, NameTaken: as for users, for they share one set of names.
    """
    _refuse_bad_name(name)
    organisation = Organisation(name=name, full_name=full_name, description=description)
    try:
        with transaction.atomic():
            namespace = Namespace.objects.create(key=name.lower(), name=name)
            organisation.save()
    except IntegrityError as error:
        raise NameTaken(name=name) from error
    namespace.organisation = organisation
    namespace.save(update_fields=["organisation"])
    Membership.objects.create(user=owner, organisation=organisation, role=Role.ADMIN)
    return organisation


@transaction.atomic
def add_member(*, organisation: Organisation, user: User, role: Role, by: User | None = None) -> Membership:
    """Give a person a role, or another one.

    Args:
        by: who did it, for the log; None where an operator or a test does.

    Raises:
        LastAdmin: the only admin cannot step down.
    """
    organisation = Organisation.objects.select_for_update().get(pk=organisation.pk)
    if role != Role.ADMIN:
        _keep_an_admin(organisation, leaving=user)
    membership, is_new = Membership.objects.update_or_create(
        organisation=organisation, user=user, defaults={"role": Role(role)}
    )
    action = "member.added" if is_new else "member.role_changed"
    note_audit(namespace=organisation.namespace, actor=by, action=action, subject=user.username, role=str(Role(role)))
    return membership


@transaction.atomic
def remove_member(*, organisation: Organisation, user: User, by: User | None = None) -> None:
    """Take a person's role away; doing it twice is harmless.

    Raises:
        LastAdmin: the only admin cannot leave.
    """
    organisation = Organisation.objects.select_for_update().get(pk=organisation.pk)
    _keep_an_admin(organisation, leaving=user)
    deleted, _ = Membership.objects.filter(organisation=organisation, user=user).delete()
    if deleted:
        action = "member.left" if by == user else "member.removed"
        note_audit(namespace=organisation.namespace, actor=by, action=action, subject=user.username)


def set_password(*, user: User, password: str) -> None:
    user.set_password(password)
    user.save(update_fields=["password"])


def update_profile(
    *, user: User, full_name: str, email: str, bio: str | None = None, website: str | None = None
) -> User:
    """Change what she says of herself; None leaves a text as it is."""
    user.full_name, user.email = full_name, email
    user.bio = user.bio if bio is None else bio
    user.website = user.website if website is None else website
    user.save(update_fields=["full_name", "email", "bio", "website"])
    return user


def end_sessions(*, user: User) -> User:
    """Sign her out of every browser; the caller renews the one at hand."""
    user.session_salt = secrets.token_hex(8)
    user.save(update_fields=["session_salt"])
    return user


def _refuse_bad_name(name: str) -> None:
    fault = namespace_fault(name)
    if fault:
        raise InvalidName(name=name, reason=fault)


def _keep_an_admin(organisation: Organisation, *, leaving: User) -> None:
    admins = set(organisation.memberships.filter(role=Role.ADMIN).values_list("user_id", flat=True))
    if admins == {leaving.pk}:
        raise LastAdmin(organisation=organisation.name)
