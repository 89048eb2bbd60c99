"""Who am I (E01)."""

import re

import pytest
from django.test import Client

from accounts.models import Role, Scope
from tests.factories.accounts import OrganisationFactory, UserFactory, bearer

pytestmark = pytest.mark.django_db


def test_whoami_tells_the_clients_what_they_read(client: Client):
    ada = UserFactory(username="ada", full_name="Ada Lovelace", email="ada@example.org")

    said = client.get("/api/whoami-v2", headers=bearer(ada)).json()

    assert said["type"] == "user"
    assert said["name"] == "ada"
    assert said["fullname"] == "Ada Lovelace"
    assert said["email"] == "ada@example.org"
    assert re.fullmatch(r"[0-9a-f]{24}", said["id"])
    assert said["orgs"] == []
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", said["auth"]["accessToken"]["createdAt"])


@pytest.mark.parametrize(("scope", "role"), [(Scope.READ, "read"), (Scope.WRITE, "write"), (Scope.ADMIN, "write")])
def test_whoami_knows_what_the_token_may(client: Client, scope: Scope, role: str):
    """The public client knows no third kind, so an admin token says that it writes."""
    said = client.get("/api/whoami-v2", headers=bearer(UserFactory(), scope)).json()

    assert said["auth"]["accessToken"]["role"] == role


def test_whoami_lists_her_organisations_with_her_role(client: Client):
    ada = UserFactory()
    organisation = OrganisationFactory(name="harbour", full_name="The Harbour")
    organisation.memberships.create(user=ada, role=Role.CONTRIBUTOR)
    OrganisationFactory()

    (org,) = client.get("/api/whoami-v2", headers=bearer(ada)).json()["orgs"]

    assert org["name"] == "harbour"
    assert org["fullname"] == "The Harbour"
    assert org["roleInOrg"] == "contributor"
    assert org["type"] == "org"


def test_a_session_may_ask_too(client: Client):
    client.force_login(UserFactory(username="ada"))

    said = client.get("/api/whoami-v2").json()

    assert said["name"] == "ada"
    assert said["auth"] == {"type": "session"}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_whoami_is_only_read(client: Client, method: str):
    assert getattr(client, method)("/api/whoami-v2", headers=bearer(UserFactory())).status_code == 405
