"""The upload page, as far as it goes without a script."""

import pytest

from models_registry.models import Repository
from tests.factories.accounts import OrganisationFactory, UserFactory
from tests.factories.pages import model

pytestmark = pytest.mark.django_db


def test_strangers_are_asked_to_sign_in(client):
    assert client.get("/new").url == "/login?next=/new"


def test_the_form_makes_an_empty_repository(client):
    user = UserFactory()
    client.force_login(user)

    answer = client.post(
        "/new", {"owner": user.username, "name": "tide-lines", "kind": "dataset", "visibility": "private"}
    )

    made = Repository.objects.get()
    assert answer.url == f"/datasets/{user.username}/tide-lines"
    assert made.is_private


def test_owners_are_the_person_and_her_organisations(client):
    user = UserFactory()
    mine, other = OrganisationFactory(owner=user), OrganisationFactory()
    client.force_login(user)

    html = client.get("/new").content.decode()

    assert f'<option value="{user.username}" selected>' in html
    assert f'<option value="{mine.name}">' in html
    assert other.name not in html


@pytest.mark.parametrize("name", ["tide lines", "../x", "-a", "a..b", "x.git", ""])
def test_a_bad_name_is_refused_at_its_field(client, name):
    user = UserFactory()
    client.force_login(user)

    answer = client.post("/new", {"owner": user.username, "name": name, "kind": "model", "visibility": "public"})

    assert answer.status_code == 400
    assert b'aria-invalid="true"' in answer.content
    assert not Repository.objects.exists()


def test_a_taken_name_is_told(client):
    repository = model(name="pico")
    client.force_login(repository.creator)

    form = {"owner": repository.namespace.name, "name": "PICO", "kind": "model", "visibility": "public"}

    assert client.post("/new", form).status_code == 400


def test_files_can_be_added_to_a_branch_by_who_may_write(client):
    repository = model()
    client.force_login(repository.creator)

    html = client.get(f"/{repository.full_name}/upload/main").content.decode()

    assert f'data-repository="{repository.full_name}"' in html
    assert client.get(f"/{repository.full_name}/upload/{repository.head}").status_code == 403
