"""The upload page, as far as it goes without a script."""

import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from models_registry.manifests import listing_of
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


def test_a_plain_form_brings_files_small_and_large(client):
    repository = model()
    client.force_login(repository.creator)
    text = SimpleUploadedFile("notes.txt", b"High and low.\n")
    weights = SimpleUploadedFile("w.bin", b"\x00\x01" * 3000)

    answer = client.post(
        f"/{repository.full_name}/upload/main",
        {"folder": "data", "chosen": [text, weights], "head": repository.head, "way": "commit"},
    )

    assert answer.url == f"/{repository.full_name}/tree/main/data"
    found = listing_of(repository.commits.order_by("-pk")[0]).files
    assert found["data/notes.txt"].size == 14
    assert found["data/w.bin"].is_large
    assert found["data/w.bin"].sha256 == hashlib.sha256(b"\x00\x01" * 3000).hexdigest()


def test_one_file_takes_the_place_of_another(client):
    repository = model()
    client.force_login(repository.creator)

    client.post(
        f"/{repository.full_name}/upload/main",
        {"replace": "config.json", "chosen": SimpleUploadedFile("other.json", b'{"a": 1}'), "head": repository.head},
    )

    files = listing_of(repository.commits.order_by("-pk")[0]).files
    assert files["config.json"].size == 8
    assert "other.json" not in files


def test_a_reader_proposes_files(client):
    repository = model()
    client.force_login(UserFactory())
    sent = {"chosen": SimpleUploadedFile("notes.txt", b"x"), "head": repository.head, "way": "propose"}

    answer = client.post(f"/{repository.full_name}/upload/main", sent)

    assert answer.url == f"/{repository.full_name}/discussions/1"
    assert Repository.objects.get().head == repository.head


@pytest.mark.parametrize("fields", [{}, {"folder": "../x"}, {"folder": "a//b"}, {"replace": ".git/config"}])
def test_what_cannot_be_taken_is_refused(client, fields):
    repository = model()
    client.force_login(repository.creator)
    sent = {"head": repository.head} | fields
    if fields:
        sent["chosen"] = SimpleUploadedFile("notes.txt", b"x")

    assert client.post(f"/{repository.full_name}/upload/main", sent).status_code == 400
    assert Repository.objects.get().head == repository.head


def test_apps_have_a_list_a_page_and_files(client):
    user = UserFactory()
    client.force_login(user)
    made = client.post("/new", {"owner": user.username, "name": "demo", "kind": "app", "visibility": "public"})

    assert made.url == f"/spaces/{user.username}/demo"
    assert f"/spaces/{user.username}/demo" in client.get("/spaces").content.decode()
    assert client.get(made.url).status_code == 200
    assert "README.md" in client.get(f"{made.url}/tree/main").content.decode()
