"""Joining an organisation: it asks, the person answers. And what an organisation says of itself."""

from django.db import transaction

from accounts.models import Invitation, Membership, Organisation, Role, User
from accounts.services.audit import note_audit
from accounts.services.people import add_member


@transaction.atomic
def invite_member(*, organisation: Organisation, user: User, role: Role, by: User) -> Invitation | None:
    """Ask a person to join; asking again changes the role offered. A member's role changes at once: then None.

    Raises:
        LastAdmin: the only admin cannot step down.
    """
    if Membership.objects.filter(organisation=organisation, user=user).exists():
        add_member(organisation=organisation, user=user, role=role, by=by)
        return None
    invitation, _ = Invitation.objects.update_or_create(
        organisation=organisation, user=user, defaults={"role": Role(role), "invited_by": by}
    )
    note_audit(
        namespace=organisation.namespace, actor=by, action="member.invited", subject=user.username, role=str(Role(role))
    )
    return invitation


@transaction.atomic
def accept_invitation(*, invitation: Invitation) -> Membership:
    """She says yes: the role is hers. Of two answers at once the first counts."""
    row = Invitation.objects.select_for_update().select_related("organisation", "user").get(pk=invitation.pk)
    row_user, organisation, role = row.user, row.organisation, Role(row.role)
    row.delete()
    return add_member(organisation=organisation, user=row_user, role=role, by=row_user)


@transaction.atomic
def decline_invitation(*, invitation: Invitation) -> None:
    """She says no."""
    namespace, name = invitation.organisation.namespace, invitation.user.username
    note_audit(namespace=namespace, actor=invitation.user, action="invitation.declined", subject=name)
    invitation.delete()


@transaction.atomic
def withdraw_invitation(*, invitation: Invitation, by: User) -> None:
    """The organisation asks no longer."""
    namespace, name = invitation.organisation.namespace, invitation.user.username
    note_audit(namespace=namespace, actor=by, action="invitation.withdrawn", subject=name)
    invitation.delete()


@transaction.atomic
def update_organisation(
    *, organisation: Organisation, by: User, full_name: str, description: str, website: str
) -> Organisation:
    """Change what an organisation says of itself."""
    organisation.full_name, organisation.description, organisation.website = full_name, description, website
    organisation.save(update_fields=["full_name", "description", "website"])
    note_audit(namespace=organisation.namespace, actor=by, action="organisation.described")
    return organisation
