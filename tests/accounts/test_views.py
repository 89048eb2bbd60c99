"""Pages about people: signing in and up, tokens, organisations."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AccessToken, Namespace, Role
from tests.factories.accounts import OrganisationFactory, UserFactory, member

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse"


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_right_password_signs_in_and_leads_where_one_was_going(client):
    user = UserFactory()

    answer = client.post("/login", {"username": user.username.upper(), "password": PASSWORD, "next": "/new"})

    assert answer.status_code == 302
    assert answer.url == "/new"
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_wrong_password_is_told_at_its_field(client):
    answer = client.post("/login", {"username": UserFactory().username, "password": "wrong"})

    assert answer.status_code == 400
    assert b"Name and password do not match" in answer.content
    assert b'aria-invalid="true"' in answer.content


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "\t//evil.example",
    ],
)
def test_signing_in_never_leads_to_another_site(client, target):
    answer = client.post("/login", {"username": UserFactory().username, "password": PASSWORD, "next": target})

    assert answer.url == "/"


def test_signing_up_makes_the_namespace_and_signs_in(client):
    answer = client.post("/join", {"username": "Nine-Pines", "password": "a long enough one", "email": ""})

    assert answer.status_code == 302
    assert Namespace.objects.get(key="nine-pines").user is not None
    assert "_auth_user_id" in client.session


@pytest.mark.parametrize(
    ("username", "password", "words"),
    [
        ("settings", "a long enough one", b"kept for the site itself"),
        ("a b", "a long enough one", b"Use 2 to 42 letters"),
        ("fine-name", "short", b"too short"),
        ("fine-name", "password", b"too common"),
    ],
)
def test_a_bad_name_or_password_is_explained(client, username, password, words):
    answer = client.post("/join", {"username": username, "password": password})

    assert answer.status_code == 400
    assert words in answer.content
    assert not Namespace.objects.filter(key=username).exists()


def test_a_taken_name_is_told_in_any_case(client):
    user = UserFactory(username="kestrel")

    answer = client.post("/join", {"username": user.username.title(), "password": "a long enough one"})

    assert answer.status_code == 400
    assert b"is taken" in answer.content


def test_a_hub_that_takes_no_new_accounts_says_so(client, settings):
    settings.SMALLHUB_SIGN_UP = False

    answer = client.get("/join")

    assert answer.status_code == 403
    assert "administrator" in answer.content.decode()


def test_signing_out_needs_a_post():
    client = signed_in(UserFactory())

    assert client.get("/logout").status_code == 405
    assert client.post("/logout").status_code == 302
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("name", ["settings_profile", "settings_organizations"])
def test_settings_ask_strangers_to_sign_in(client, name):
    address = reverse(f"accounts:{name}")

    answer = client.get(address)

    assert answer.status_code == 302
    assert answer.url == f"/login?next={address}"


def test_a_token_is_shown_once():
    user = UserFactory()
    client = signed_in(user)

    made = client.post("/settings/tokens", {"name": "laptop", "scope": "write", "expires_days": "30"}).content.decode()
    later = client.get("/settings/tokens").content.decode()

    row = AccessToken.objects.get(user=user)
    assert row.scope == "write"
    assert row.expires_at is not None
    value = made.split('<pre tabindex="0"')[1].split(">")[1].split("<")[0]
    assert value.startswith("hf_")
    assert value not in later
    assert "laptop" in later


def test_two_tokens_of_one_name_are_refused():
    client = signed_in(UserFactory())
    form = {"name": "laptop", "scope": "read", "expires_days": ""}
    client.post("/settings/tokens", form)

    answer = client.post("/settings/tokens", form)

    assert answer.status_code == 400
    assert b"already have a token of this name" in answer.content


def test_only_ones_own_token_can_be_revoked():
    owner, stranger = UserFactory(), UserFactory()
    client = signed_in(owner)
    client.post("/settings/tokens", {"name": "laptop", "scope": "read", "expires_days": ""})
    token = AccessToken.objects.get()

    assert signed_in(stranger).post(f"/settings/tokens/{token.pk}/revoke").status_code == 404
    assert client.post(f"/settings/tokens/{token.pk}/revoke").status_code == 302
    assert not AccessToken.objects.exists()


def test_the_profile_and_the_password_can_be_changed():
    user = UserFactory()
    client = signed_in(user)

    client.post("/settings/profile", {"full_name": "Ada Wyn", "email": "ada@example.org"})
    client.post("/settings/password", {"old": PASSWORD, "new": "another long one"})

    user.refresh_from_db()
    assert (user.full_name, user.email) == ("Ada Wyn", "ada@example.org")
    assert user.check_password("another long one")
    assert client.get("/settings/profile").status_code == 200  # Still signed in here.


def test_a_new_password_needs_the_old_one():
    user = UserFactory()

    answer = signed_in(user).post("/settings/password", {"old": "wrong", "new": "another long one"})

    assert answer.status_code == 400
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_an_organisation_is_founded_with_its_founder_as_admin():
    user = UserFactory()

    answer = signed_in(user).post("/settings/organizations", {"name": "Harbour", "full_name": "The Harbour Lab"})

    assert answer.url == "/settings/organizations/Harbour"
    assert user.memberships.get().role == Role.ADMIN


def test_the_last_admin_cannot_be_removed():
    admin = UserFactory()
    organisation = OrganisationFactory(owner=admin)
    client = signed_in(admin)

    client.post(f"/settings/organizations/{organisation.name}/members/{admin.memberships.get().pk}/remove")

    assert admin.memberships.get().role == Role.ADMIN
    assert b"at least one admin" in client.get(f"/settings/organizations/{organisation.name}").content


def test_members_without_the_right_do_not_see_the_members_page():
    organisation = OrganisationFactory()
    writer = member(organisation, Role.WRITE)

    assert signed_in(writer).get(f"/settings/organizations/{organisation.name}").status_code == 404


def test_forms_are_refused_without_their_secret():
    client = Client(enforce_csrf_checks=True)
    client.force_login(UserFactory())

    answer = client.post("/settings/tokens", {"name": "x", "scope": "admin", "expires_days": ""})

    assert answer.status_code == 403
    assert b"form has expired" in answer.content
