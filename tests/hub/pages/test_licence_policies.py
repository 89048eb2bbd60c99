"""From the settings of a namespace to a release that is held, and let pass with a reason."""

import pytest
from django.test import Client

from accounts.models import Role
from models_registry.models import LicenceJudgement, LicencePolicy, Release
from models_registry.services.licensing import judgements
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.hub.pages.test_licence import fine_tune_of_a_base_that_forbids_sale

pytestmark = pytest.mark.django_db


def test_an_mit_fine_tune_of_a_non_commercial_base_is_blocked_by_policy_with_both_clauses_named(client: Client) -> None:
    child = fine_tune_of_a_base_that_forbids_sale()
    client.force_login(child.creator)
    assert client.post("/settings/licences", {"mode": "block"}).status_code == 302
    judgements.refresh(repository_id=child.pk)
    listed = client.get("/settings/licences").content.decode()
    assert "bob/tiny" in listed

    client.post("/bob/tiny/new-release", {"name": "v1.0.0", "revision": "main"})
    page = client.get("/bob/tiny/releases/v1.0.0").content.decode()
    assert "Held at the gate: latest does not name it." in page
    assert "CC-BY-NC-4.0 2(a)(1), 1(i): You must not: use it commercially" in page
    assert "MIT ¶1: You may: use it commercially" in page

    client.post("/bob/tiny/releases/v1.0.0", {"action": "override", "reason": "The author wrote us a licence."})
    assert Release.objects.get().gate == "passed"
    assert "The author wrote us a licence." in client.get("/bob/tiny/releases/v1.0.0").content.decode()


def test_an_organisations_policy_is_for_its_administrators(client: Client) -> None:
    founder = UserFactory()
    organisation = OrganisationFactory(owner=founder)
    address = f"/settings/organizations/{organisation.name}/licences"
    client.force_login(member(organisation, Role.WRITE))
    assert client.get(address).status_code == 404
    client.force_login(founder)
    assert "Save the policy" in client.get(address).content.decode()
    assert client.post(address, {"mode": "warn", "holds_unknown": "on"}).status_code == 302
    policy = LicencePolicy.objects.get()
    assert (policy.namespace, policy.mode, policy.holds_unknown) == (organisation.namespace, "warn", True)


def test_a_mode_that_is_none_is_said(client: Client) -> None:
    client.force_login(UserFactory())
    answer = client.post("/settings/licences", {"mode": "forbid"})
    assert answer.status_code == 400
    assert not LicencePolicy.objects.exists()


def test_nothing_in_conflict_is_said_and_the_number_of_queries_stays(client, django_assert_max_num_queries) -> None:
    user = UserFactory()
    client.force_login(user)
    with django_assert_max_num_queries(12):
        assert "Nowhere, as far as the hub knows." in client.get("/settings/licences").content.decode()
    assert not LicenceJudgement.objects.exists()
