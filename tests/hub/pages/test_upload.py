"""The upload page, as far as it goes without a script."""

import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from models_registry.manifests import listing_of
from models_registry.models import Repository, Visibility
from tests.factories.accounts import OrganisationFactory, UserFactory
from tests.factories.pages import model
from tests.factories.registry import RepositoryFactory, put

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


# What stands in a card beside the licence: its own name, and what it was made from


def sent(user, **fields):
    return {"owner": user.username, "name": "tide", "kind": "model", "visibility": "public"} | fields


@pytest.mark.parametrize("picked", [{"licence": "other"}, {"licence": "typed", "typed": "other"}])
def test_a_licence_of_ones_own_needs_a_name_and_stands_in_the_card(client, picked):
    user = UserFactory()
    client.force_login(user)

    refused = client.post("/new", sent(user, **picked))
    assert refused.status_code == 400
    assert "A licence of your own needs a name." in refused.content.decode()
    assert not Repository.objects.exists()
    client.post("/new", sent(user, **picked, license_name="harbour-1", license_link="https://example.org/h"))

    made = Repository.objects.get()
    assert made.card == {"license": "other", "license_name": "harbour-1", "license_link": "https://example.org/h"}


def test_a_name_of_its_own_goes_nowhere_where_the_licence_is_a_known_one(client):
    user = UserFactory()
    client.force_login(user)

    client.post("/new", sent(user, licence="mit", license_name="harbour-1", license_link="LICENSE"))

    assert Repository.objects.get().card == {"license": "mit"}


def test_an_unknown_id_is_asked_about_before_it_is_declared(client):
    user = UserFactory()
    client.force_login(user)
    typed = {"licence": "typed", "typed": "apche-2.0"}

    assert "Did you mean Apache-2.0?" in client.post("/new", sent(user, **typed)).content.decode()
    client.post("/new", sent(user, **typed, confirmed="on"))

    assert Repository.objects.get().licence == "apche-2.0"


@pytest.mark.parametrize(("kind", "key"), [("model", "base_model"), ("dataset", "source_datasets")])
def test_what_it_was_made_from_stands_in_the_card(client, kind, key):
    user = UserFactory()
    client.force_login(user)

    client.post("/new", sent(user, licence="mit", kind=kind, bases="ada/base, bob/other  ada/base"))

    assert Repository.objects.get().card == {"license": "mit", key: ["ada/base", "bob/other"]}


@pytest.mark.parametrize("bases", ["a b c", "<script>", "ada/base, ../x", ",".join(f"a/b{n}" for n in range(21))])
def test_a_base_that_can_be_no_name_is_refused_at_its_field(client, bases):
    user = UserFactory()
    client.force_login(user)

    answer = client.post("/new", sent(user, licence="mit", bases=bases))

    assert answer.status_code == 400
    assert not Repository.objects.exists()


def test_a_base_takes_licences_away_and_says_which_clauses_do(client):
    base = RepositoryFactory(name="base", licence="cc-by-nc-4.0")
    client.force_login(UserFactory())

    page = client.get("/new", {"bases": base.full_name, "sell": "yes"}, headers={"HX-Request": "true"})

    html = page.content.decode()
    assert 'value="mit"' not in html
    assert "Not possible here" in html
    assert f"{base.full_name} forbids commercial use; the new one allows it." in html
    assert f"{base.full_name}</a> is under CC-BY-NC-4.0: no commercial use" in html
    assert 'value="cc-by-nc-4.0"' in html


def test_bases_further_up_count_as_well(client):
    ground = RepositoryFactory(name="ground", licence="cc-by-nc-4.0")
    base = RepositoryFactory(name="base", licence="cc-by-nc-4.0")
    put(base, {"README.md": f"---\nlicense: mit\nbase_model: {ground.full_name}\n---\n"})
    client.force_login(UserFactory())

    html = client.get("/new", {"bases": base.full_name}, headers={"HX-Request": "true"}).content.decode()

    assert 'value="mit"' not in html
    assert ground.full_name in html


def test_a_licence_that_was_written_is_held_against_the_base_too(client):
    base = RepositoryFactory(name="base", licence="cc-by-nc-4.0")
    client.force_login(UserFactory())
    asked = {"bases": base.full_name, "licence": "typed", "typed": "MIT"}

    html = client.get("/new", asked, headers={"HX-Request": "true"}).content.decode()

    assert "MIT contradicts what it was made from." in html
    assert "contradicts" not in client.get("/new", asked | {"typed": "cc-by-nc-4.0"}).content.decode()


def test_a_hidden_base_is_as_one_that_is_not_here(client):
    hidden = RepositoryFactory(name="hidden", licence="cc-by-nc-4.0", visibility=Visibility.PRIVATE)
    client.force_login(UserFactory())

    def told(name):
        html = client.get("/new", {"bases": name}, headers={"HX-Request": "true"}).content.decode()
        return html.replace(name, "X")

    assert told(hidden.full_name) == told(hidden.full_name + "x")
    assert "X is not on this hub, so its licence is not known." in told(hidden.full_name)


def test_many_bases_are_looked_up_in_few_queries(client, django_assert_max_num_queries):
    names = [RepositoryFactory(name=f"base{number}").full_name for number in range(10)]
    client.force_login(UserFactory())
    client.get("/new")

    with django_assert_max_num_queries(14):
        client.get("/new", {"bases": ",".join(names)}, headers={"HX-Request": "true"})
