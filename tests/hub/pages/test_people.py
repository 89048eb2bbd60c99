"""The page of a person or an organisation."""

import pytest

from accounts.models import Role
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.pages import benchmark, measured, model
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


def test_a_person_shows_models_with_scores_and_data_sets(client):
    user = UserFactory()
    measured(model(user=user, name="pico"), {benchmark(): 0.749})
    RepositoryFactory(user=user, name="tides", dataset=True)

    models = client.get(f"/{user.username}").content.decode()
    datasets = client.get(f"/{user.username}?kind=datasets").content.decode()

    assert "pico" in models
    assert "74.9" in models
    assert "tides" not in models
    assert "tides" in datasets


def test_private_models_are_counted_for_members_alone(client):
    organisation = OrganisationFactory()
    admin = organisation.members.get()
    model(user=admin, namespace=organisation.name, private=True, name="secret")
    reader = member(organisation, Role.READ)

    assert b"secret" not in client.get(f"/{organisation.name}").content
    client.force_login(reader)
    assert b"secret" in client.get(f"/{organisation.name}").content


def test_an_organisation_names_its_members(client):
    organisation = OrganisationFactory()

    assert organisation.members.get().username in client.get(f"/{organisation.name}").content.decode()


def test_another_spelling_leads_to_the_right_one(client):
    user = UserFactory(username="Ada-Wyn")

    assert client.get("/ada-wyn").url == f"/{user.username}"


def test_an_unknown_name_is_a_page_that_helps(client):
    answer = client.get("/nobody-here")

    assert answer.status_code == 404
    assert b"Nobody of this name" in answer.content
