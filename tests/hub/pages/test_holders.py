"""Deleting an account or an organisation: asked twice, nothing left to others, the name kept for good."""

import pytest
from django.test import Client

from accounts.exceptions import NameTaken
from accounts.models import AccessToken, Namespace, Organisation, Role, User
from accounts.services import create_organisation, create_token, create_user, follow
from models_registry.models import Collection, Repository
from models_registry.services.collections import create_collection
from models_registry.services.likes import like_repository
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse"


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_an_account_goes_with_all_that_is_hers_alone():
    user = UserFactory(username="ada")
    liked = RepositoryFactory()
    like_repository(repository=liked, user=user)
    create_token(user=user, name="x", scope="read")
    create_collection(user=user, namespace=user.namespace, title="Mine")
    follow(user=UserFactory(), namespace=user.namespace)
    client = signed_in(user)

    assert client.post("/settings/delete", {"name": "ada", "password": PASSWORD}).url == "/"

    assert not User.objects.filter(username="ada").exists()
    assert not AccessToken.objects.exists()
    assert not Collection.objects.exists()
    assert Repository.objects.get(pk=liked.pk).likes == 0
    assert client.get("/ada").status_code == 404
    assert "/login" in client.get("/settings/profile").url


@pytest.mark.parametrize("name", ["ada", "Ada", "ADA"])
def test_a_name_is_never_given_again(name):
    user = UserFactory(username="ada")
    signed_in(user).post("/settings/delete", {"name": "ada", "password": PASSWORD})

    with pytest.raises(NameTaken):
        create_user(username=name)
    with pytest.raises(NameTaken):
        create_organisation(name=name, owner=UserFactory())
    assert Namespace.objects.get(key="ada").user is None


@pytest.mark.parametrize(
    "fields", [{}, {"name": "ada"}, {"name": "ben", "password": PASSWORD}, {"name": "ada", "password": "wrong"}]
)
def test_it_takes_the_name_and_the_password(fields):
    user = UserFactory(username="ada")

    assert signed_in(user).post("/settings/delete", fields).status_code == 400
    assert User.objects.filter(pk=user.pk).exists()


def test_who_still_owns_repositories_stays():
    user = UserFactory()
    RepositoryFactory(user=user)

    answer = signed_in(user).post("/settings/delete", {"name": user.username, "password": PASSWORD})

    assert answer.status_code == 400
    assert b"still owns 1 repositories" in answer.content


def test_the_only_admin_of_an_organisation_stays():
    organisation = OrganisationFactory()
    admin = organisation.members.get()
    fields = {"name": admin.username, "password": PASSWORD}

    answer = signed_in(admin).post("/settings/delete", fields)
    assert organisation.name in answer.content.decode()

    member(organisation, Role.ADMIN)
    assert signed_in(admin).post("/settings/delete", fields).status_code == 302


def test_an_organisation_is_deleted_by_its_admin_once_it_owns_nothing():
    organisation = OrganisationFactory()
    admin = organisation.members.get()
    repository = RepositoryFactory(user=admin, namespace=organisation.name)
    client, address = signed_in(admin), f"/settings/organizations/{organisation.name}/delete"
    fields = {"name": organisation.name, "password": PASSWORD}

    assert client.post(address, fields).status_code == 400
    Repository.objects.filter(pk=repository.pk).delete()
    assert client.post(address, fields).status_code == 302

    assert not Organisation.objects.exists()
    with pytest.raises(NameTaken):
        create_user(username=organisation.name)


def test_writers_do_not_delete_it():
    organisation = OrganisationFactory()
    writer = member(organisation, Role.WRITE)
    fields = {"name": organisation.name, "password": PASSWORD}

    assert signed_in(writer).post(f"/settings/organizations/{organisation.name}/delete", fields).status_code == 404
