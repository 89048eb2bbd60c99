"""What a session is worth, and to whom: sign-in gives a new one, a new password ends the others."""

import pytest
from django.test import Client

from accounts.models import AccessToken, Role, User
from tests.factories.accounts import OrganisationFactory, UserFactory, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client: Client) -> User:
    """Somebody who is signed in."""
    user: User = UserFactory(username="ada")
    client.force_login(user)
    return user


@pytest.mark.parametrize(("name", "password"), [("ada", "wrong"), ("nobody", "correct horse")])
def test_a_wrong_name_and_a_wrong_password_look_alike(client: Client, name: str, password: str):
    UserFactory(username="ada", password="correct horse")

    answer = client.post("/login", {"username": name, "password": password})

    assert answer.status_code == 400
    assert answer.context["form"].errors == {"password": ["Name and password do not match. 7 tries left."]}
    assert "_auth_user_id" not in client.session


def test_a_deactivated_person_cannot_sign_in(client: Client):
    UserFactory(username="ada", password="correct horse")
    User.objects.update(is_active=False)

    assert client.post("/login", {"username": "ada", "password": "correct horse"}).status_code == 400


def test_the_session_gets_a_new_key_at_sign_in(client: Client):
    UserFactory(username="ada", password="correct horse")
    session = client.session
    session["planted"] = "yes"
    session.save()
    before = session.session_key

    client.post("/login", {"username": "ada", "password": "correct horse"})

    assert client.session["_auth_user_id"]
    assert client.session.session_key != before


def test_a_new_password_keeps_this_browser_and_signs_out_others(client: Client, ada: User):
    other = Client()
    other.force_login(ada)

    assert client.post("/settings/password", {"old": "correct horse", "new": "better horse"}).status_code == 302

    assert client.get("/settings/profile").status_code == 200
    assert other.get("/settings/profile").status_code == 302


def test_signing_out_ends_the_session_on_the_server(client: Client, ada: User):
    cookie = client.cookies["sessionid"].value
    client.post("/logout")
    client.cookies["sessionid"] = cookie

    assert client.get("/settings/profile").status_code == 302


@pytest.mark.parametrize("role", [Role.WRITE, Role.CONTRIBUTOR, Role.READ, None])
def test_only_admins_change_members(client: Client, role: Role | None):
    organisation = OrganisationFactory(name="harbour")
    person = member(organisation, role) if role else UserFactory()
    client.force_login(person)
    owner = organisation.memberships.get(role=Role.ADMIN)
    address = "/settings/organizations/harbour"

    assert client.post(address, {"username": person.username, "role": "admin"}).status_code == 404
    assert client.post(f"{address}/members/{owner.pk}/remove").status_code == 404
    assert organisation.memberships.filter(role=Role.ADMIN).count() == 1


def test_a_membership_of_another_organisation_cannot_be_removed_from_here(client: Client, ada: User):
    OrganisationFactory(name="mine", owner=ada)
    theirs = OrganisationFactory(name="theirs")
    victim = theirs.memberships.get()

    assert client.post(f"/settings/organizations/mine/members/{victim.pk}/remove").status_code == 404
    assert theirs.memberships.count() == 1


def test_what_people_type_is_shown_as_text(client: Client, ada: User):
    client.post("/settings/tokens", {"name": "<script>alert(1)</script>", "scope": "read", "expires_days": ""})

    assert AccessToken.objects.exists()
    page = client.get("/settings/tokens").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_page_with_a_tokens_value_is_kept_by_no_cache(client: Client, ada: User):
    answer = client.post("/settings/tokens", {"name": "laptop", "scope": "read", "expires_days": ""})

    assert answer.context["value"] in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
