"""Ending an account or an organisation: what it owns must be gone first, and its name is never given again."""

from django.db import transaction
from django.db.models import ProtectedError, RestrictedError

from accounts.exceptions import StillNeeded, StillOwns
from accounts.models import Namespace, Organisation, Role, User
from models_registry.services.licensing.receipts import hand_on
from models_registry.services.likes import forget_likes


def _require_empty(namespace: Namespace) -> None:
    number = namespace.repositories.count()
    if number:
        raise StillOwns(name=namespace.name, number=number)


@transaction.atomic
def delete_account(*, user: User) -> None:
    """Delete a person with her tokens, likes and collections. Commits and discussions keep their text.

    Raises:
        StillOwns: repositories stand under her name.
        StillNeeded: she is the only admin of an organisation.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    _require_empty(user.namespace)
    administered = Organisation.objects.filter(memberships__user=user, memberships__role=Role.ADMIN)
    alone = [
        row.name for row in administered if row.memberships.filter(role=Role.ADMIN).exclude(user=user).count() == 0
    ]
    if alone:
        raise StillNeeded(organisations=", ".join(sorted(alone)[:10]))
    forget_likes(user=user)
    hand_on(user=user)
    user.namespace.collections.all().delete()
    user.namespace.followers.all().delete()
    _delete(user, user.username)


@transaction.atomic
def delete_organisation(*, organisation: Organisation) -> None:
    """Delete an organisation with its collections; the members stay who they are.

    Raises:
        StillOwns: it owns repositories.
    """
    organisation = Organisation.objects.select_for_update().get(pk=organisation.pk)
    _require_empty(organisation.namespace)
    organisation.namespace.collections.all().delete()
    organisation.namespace.followers.all().delete()
    _delete(organisation, organisation.name)


def _delete(holder: User | Organisation, name: str) -> None:
    try:
        with transaction.atomic():
            holder.delete()
    except (ProtectedError, RestrictedError) as error:
        raise StillOwns(name=name, number=len(getattr(error, "protected_objects", ()) or [1])) from error
