"""Users, organisations and who belongs to them."""

from django.db import IntegrityError, transaction

from accounts.exceptions import InvalidName, LastAdmin, NameTaken
from accounts.models import Membership, Namespace, Organisation, Role, User
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
def add_member(*, organisation: Organisation, user: User, role: Role) -> Membership:
    """Give a person a role, or another one.

    Raises:
        LastAdmin: the only admin cannot step down.
    """
    organisation = Organisation.objects.select_for_update().get(pk=organisation.pk)
    if role != Role.ADMIN:
        _keep_an_admin(organisation, leaving=user)
    membership, _ = Membership.objects.update_or_create(
        organisation=organisation, user=user, defaults={"role": Role(role)}
    )
    return membership


@transaction.atomic
def remove_member(*, organisation: Organisation, user: User) -> None:
    """Take a person's role away; doing it twice is harmless.

    Raises:
        LastAdmin: the only admin cannot leave.
    """
    organisation = Organisation.objects.select_for_update().get(pk=organisation.pk)
    _keep_an_admin(organisation, leaving=user)
    Membership.objects.filter(organisation=organisation, user=user).delete()


def set_password(*, user: User, password: str) -> None:
    user.set_password(password)
    user.save(update_fields=["password"])


def update_profile(*, user: User, full_name: str, email: str) -> User:
    user.full_name, user.email = full_name, email
    user.save(update_fields=["full_name", "email"])
    return user


def _refuse_bad_name(name: str) -> None:
    fault = namespace_fault(name)
    if fault:
        raise InvalidName(name=name, reason=fault)


def _keep_an_admin(organisation: Organisation, *, leaving: User) -> None:
    admins = set(organisation.memberships.filter(role=Role.ADMIN).values_list("user_id", flat=True))
    if admins == {leaving.pk}:
        raise LastAdmin(organisation=organisation.name)
