"""Organisations: members join by saying yes, roles change, admins read the log."""

import pytest
from django.test import Client

from accounts.models import AuditEvent, Invitation, Membership, Organisation, Role
from accounts.services import invite_member
from tests.factories.accounts import OrganisationFactory, UserFactory, member

pytestmark = pytest.mark.django_db


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def founded() -> tuple[Organisation, Client, str]:
    """An organisation, its admin's browser and the address of its members."""
    organisation = OrganisationFactory()
    return organisation, signed_in(organisation.members.get()), f"/settings/organizations/{organisation.name}"


def test_nobody_becomes_a_member_without_saying_yes():
    organisation, admin, address = founded()
    ines = UserFactory()

    assert admin.post(address, {"username": ines.username, "role": "write"}).status_code == 302
    assert not ines.memberships.exists()
    browser = signed_in(ines)
    assert organisation.name in browser.get("/settings/organizations").content.decode()
    browser.post(f"/settings/invitations/{Invitation.objects.get().pk}", {"answer": "accept"})

    assert ines.memberships.get().role == Role.WRITE
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("answer", ["decline", "", "maybe"])
def test_all_but_a_yes_is_a_no(answer):
    _organisation, admin, address = founded()
    ines = UserFactory()
    admin.post(address, {"username": ines.username, "role": "admin"})

    signed_in(ines).post(f"/settings/invitations/{Invitation.objects.get().pk}", {"answer": answer})

    assert not ines.memberships.exists()
    assert not Invitation.objects.exists()


def test_nobody_answers_for_others():
    _, admin, address = founded()
    admin.post(address, {"username": UserFactory().username, "role": "admin"})
    pk = Invitation.objects.get().pk

    assert signed_in(UserFactory()).post(f"/settings/invitations/{pk}", {"answer": "accept"}).status_code == 404
    assert admin.post(f"/settings/invitations/{pk}", {"answer": "accept"}).status_code == 404
    assert Invitation.objects.exists()


def test_an_invitation_is_withdrawn_and_asked_anew_with_another_role():
    _organisation, admin, address = founded()
    ines = UserFactory()
    for role in ("read", "write"):
        admin.post(address, {"username": ines.username, "role": role})
    invitation = Invitation.objects.get()
    assert invitation.role == "write"

    admin.post(f"{address}/invitations/{invitation.pk}/withdraw")

    assert not Invitation.objects.exists()


def test_admins_of_another_organisation_withdraw_nothing():
    _, admin, address = founded()
    admin.post(address, {"username": UserFactory().username, "role": "read"})
    _, other, elsewhere = founded()

    assert other.post(f"{elsewhere}/invitations/{Invitation.objects.get().pk}/withdraw").status_code == 404


def test_a_members_role_changes_at_once():
    organisation, admin, address = founded()
    ines = member(organisation, Role.READ)

    admin.post(address, {"username": ines.username, "role": "admin"})

    assert ines.memberships.get().role == Role.ADMIN
    assert not Invitation.objects.exists()


def test_members_are_removed_and_leave():
    organisation, admin, address = founded()
    ines, jo = member(organisation, Role.WRITE), member(organisation, Role.READ)

    admin.post(f"{address}/members/{ines.memberships.get().pk}/remove")
    signed_in(jo).post(f"{address}/leave")

    assert Membership.objects.filter(organisation=organisation).count() == 1


def test_the_last_admin_neither_leaves_nor_steps_down():
    organisation, admin, address = founded()
    name = organisation.members.get().username

    admin.post(f"{address}/leave")
    answer = admin.post(address, {"username": name, "role": "read"})

    assert answer.status_code == 400
    assert organisation.memberships.get().role == Role.ADMIN


def test_the_log_tells_who_changed_what_to_admins_alone():
    organisation, admin, address = founded()
    ines = UserFactory()
    writer = member(organisation, Role.WRITE)
    admin.post(address, {"username": ines.username, "role": "write"})
    signed_in(ines).post(f"/settings/invitations/{Invitation.objects.get().pk}", {"answer": "accept"})
    admin.post(address, {"username": ines.username, "role": "read"})
    signed_in(ines).post(f"{address}/leave")
    admin.post(f"{address}/profile", {"full_name": "The Harbour", "website": "harbour.example"})

    said = list(AuditEvent.objects.order_by("pk").values_list("action", "actor_name"))
    name = organisation.memberships.get(role=Role.ADMIN).user.username
    assert said == [
        ("member.invited", name),
        ("member.added", ines.username),
        ("member.role_changed", name),
        ("member.left", ines.username),
        ("organisation.described", name),
    ]
    assert b"member.role_changed" in admin.get(f"{address}/log").content
    assert signed_in(writer).get(f"{address}/log").status_code == 404


@pytest.mark.parametrize(
    ("given", "kept"), [("harbour.example", "https://harbour.example"), ("http://a.example/x", "http://a.example/x")]
)
def test_a_website_is_shown_without_borrowing_trust(given, kept):
    organisation, admin, address = founded()

    admin.post(f"{address}/profile", {"website": given})

    organisation.refresh_from_db()
    assert organisation.website == kept
    page = Client().get(f"/{organisation.name}").content.decode()
    assert f'<a href="{kept}" rel="nofollow ugc noopener">' in page


@pytest.mark.parametrize(
    "given", ["javascript:alert(1)", "data:text/html,x", "ftp://a.example", "//", "a b", "x" * 300]
)
def test_other_addresses_are_no_websites(given):
    _organisation, admin, address = founded()

    assert admin.post(f"{address}/profile", {"website": given}).status_code == 400
    assert signed_in(UserFactory()).post("/settings/profile", {"website": given}).status_code == 400


def test_what_a_person_says_of_herself_is_shown_as_text():
    user = UserFactory()

    signed_in(user).post("/settings/profile", {"bio": "<script>x</script> boats", "website": "https://a.example"})

    page = Client().get(f"/{user.username}").content.decode()
    assert "&lt;script&gt;x&lt;/script&gt; boats" in page
    assert "https://a.example" in page


def test_other_browsers_are_signed_out_and_this_one_stays():
    user = UserFactory()
    here, there = signed_in(user), signed_in(user)

    here.post("/settings/sessions/end")

    assert here.get("/settings/profile").status_code == 200
    assert "/login" in there.get("/settings/profile").url


def test_roles_are_explained():
    _, admin, address = founded()

    assert b"What the roles may do" in admin.get(address).content


def test_asking_by_the_service_changes_a_members_role():
    organisation = OrganisationFactory()
    ines = member(organisation, Role.READ)

    assert invite_member(organisation=organisation, user=ines, role=Role.WRITE, by=ines) is None
    assert ines.memberships.get().role == Role.WRITE
