"""Choosing a licence on its page: questions, suggestions, and a commit or a pull request that declares it."""

import pytest
from django.test import Client

from models_registry.licence_files import match_text, text_of
from models_registry.manifests import listing_of
from models_registry.models import Kind, Visibility
from models_registry.services.heads import read_small_file
from models_registry.services.licensing import files
from models_registry.services.licensing.declaring import did_you_mean
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft():
    repository = RepositoryFactory(draft=True, name="tide")
    put(repository, {"README.md": "---\ntags: [sea] # ours\n---\n# Tide\n", "model.bin": "1"})
    repository.refresh_from_db()
    return repository


@pytest.fixture
def author(draft, client):
    client.force_login(draft.creator)
    return client


def at(repository):
    prefix = "/datasets" if repository.kind == Kind.DATASET else ""
    return f"{prefix}/{repository.full_name}/settings/licence"


def text(repository, path, commit=None):
    listing = listing_of(commit or repository.commits.get(oid=repository.head))
    raw = read_small_file(repository, listing, path, limit=10**6)
    return raw.decode() if raw is not None else None


def send(client, repository, **fields):
    found = client.post(at(repository), {"way": "commit", **fields})
    repository.refresh_from_db()
    return found


def test_a_suggestion_is_declared_by_an_ordinary_commit_and_ends_the_draft(author, draft):
    found = send(author, draft, licence="apache-2.0")

    assert found.status_code == 302
    assert found["Location"] == f"/{draft.full_name}/licence"
    assert (draft.licence, draft.is_draft) == ("apache-2.0", False)
    assert text(draft, "README.md") == "---\ntags: [sea] # ours\nlicense: apache-2.0\n---\n# Tide\n"
    assert draft.commits.first().title == "Declare the licence"


def test_the_text_comes_along_filled_in(author, draft):
    send(author, draft, licence="mit", add_text="on", holder="Ada Lovelace", year="2031")

    licence = text(draft, "LICENSE")
    assert "Copyright (c) 2031 Ada Lovelace" in licence
    assert match_text(licence).licence == "MIT"


def test_several_licences_bring_several_texts(author, draft):
    send(author, draft, licence="typed", typed="MIT OR Apache-2.0", add_text="on", holder="Ada", year="2031")

    assert draft.licence == "MIT OR Apache-2.0"
    assert match_text(text(draft, "LICENSES/MIT.txt")).licence == "MIT"
    assert match_text(text(draft, "LICENSES/Apache-2.0.txt")).licence == "Apache-2.0"


def test_a_licence_of_ones_own_needs_a_name_and_keeps_its_link(author, draft):
    assert send(author, draft, licence="typed", typed="other").status_code == 400
    own = {"licence": "other", "license_name": "harbour-1"}
    assert "No file here holds" in send(author, draft, **own).content.decode()
    put(draft, {"LICENSE": "The terms of the harbour."})
    send(author, draft, **own)

    assert draft.card["license_name"] == "harbour-1"
    assert draft.card["license_link"] == "LICENSE"
    send(author, draft, licence="typed", typed="other", license_name="harbour-2", license_link="https://h.example/2")
    assert draft.card["license_link"] == "https://h.example/2"
    send(author, draft, licence="mit")
    assert "license_name" not in draft.card


@pytest.mark.parametrize("typed", ["", "MIT AND", "(((", "<script>", "x" * 201, "a\x00b("])
def test_what_is_no_licence_is_refused_and_changes_nothing(author, draft, typed):
    before = draft.head
    assert send(author, draft, licence="typed", typed=typed).status_code == 400
    assert draft.head == before


def test_an_unknown_id_is_asked_about_and_kept_when_confirmed(author, draft):
    found = send(author, draft, licence="typed", typed="apche-2.0")
    assert found.status_code == 400
    assert "Did you mean Apache-2.0?" in found.content.decode()

    send(author, draft, licence="typed", typed="apche-2.0", confirmed="on")
    assert draft.licence == "apche-2.0"
    assert not draft.is_draft


@pytest.mark.parametrize(
    ("name", "meant"),
    [("apache2.0", "Apache-2.0"), ("MIT", ""), ("cc-by-4", "CC-BY-4.0"), ("zzzzz", ""), ("other", "")],
)
def test_what_may_have_been_meant(name, meant):
    assert did_you_mean(name) == meant


def test_questions_narrow_the_suggestions_down_without_a_script(author, draft):
    page = author.get(at(draft)).content.decode()
    assert "May others use it commercially?" in page
    assert 'value="apache-2.0"' in page

    page = author.get(at(draft), {"sell": "no", "share": "yes"}).content.decode()
    assert 'value="cc-by-nc-sa-4.0"' in page
    assert 'value="apache-2.0"' not in page.split("datalist")[0]
    assert "It forbids commercial use." in page


def test_a_fragment_is_the_suggestions_alone(author, draft):
    found = author.get(at(draft), {"sell": "no"}, headers={"HX-Request": "true"})
    page = found.content.decode()
    assert page.lstrip().startswith('<div id="licence-suggestions"')
    assert "HX-Request" in found["Vary"]


def test_data_gets_licences_for_data(client):
    repository = RepositoryFactory(draft=True, kind=Kind.DATASET)
    client.force_login(repository.creator)
    page = client.get(at(repository)).content.decode()
    assert 'value="cc-by-4.0"' in page
    assert "forbid uses" not in page
    assert "It is data" in page


def test_a_base_model_takes_licences_away_and_is_named(client):
    base = RepositoryFactory(name="base", licence="cc-by-nc-4.0")
    child = RepositoryFactory(draft=True, name="child")
    put(child, {"README.md": f"---\nbase_model: {base.full_name}\n---\n"})
    client.force_login(child.creator)

    page = client.get(at(child), {"sell": "yes"}).content.decode()

    assert "Not possible here" in page
    assert base.full_name in page
    assert 'value="mit"' not in page.split("datalist")[0]


def test_a_licence_that_is_written_is_held_against_the_base_model(client):
    base = RepositoryFactory(name="base", licence="cc-by-nc-4.0")
    child = RepositoryFactory(draft=True, name="child")
    put(child, {"README.md": f"---\nlicense: mit\nbase_model: {base.full_name}\n---\n"})
    client.force_login(child.creator)

    for asked in ({}, {"licence": "typed", "typed": "MIT"}):  # What is declared, and what would be.
        page = client.get(at(child), asked).content.decode()
        assert "MIT contradicts what it was made from." in page
    assert "contradicts" not in client.get(at(child), {"licence": "cc-by-nc-4.0", "typed": "mit"}).content.decode()
    assert f"{base.full_name}</a> is under CC-BY-NC-4.0: no commercial use" in page


def test_a_file_that_names_a_licence_fills_the_field(author, draft):
    commit = put(draft, {"LICENSE": text_of("MIT") or ""})
    files.read_commit(commit=commit)
    page = author.get(at(draft)).content.decode()
    assert 'value="MIT"' in page
    assert "the card declares none" in page


def test_a_reader_proposes_it_as_a_pull_request(client, draft):
    client.force_login(UserFactory())
    found = client.post(at(draft), {"licence": "mit"})
    draft.refresh_from_db()

    assert found.status_code == 302
    assert "/discussions/1" in found["Location"]
    assert draft.is_draft
    proposed = draft.commits.get(oid=draft.refs.get(name="refs/pr/1").commit)
    assert "license: mit" in text(draft, "README.md", proposed)


def test_strangers_are_asked_to_sign_in_and_hidden_repositories_stay_hidden(draft):
    assert Client().get(at(draft)).status_code == 302
    hidden = RepositoryFactory(visibility=Visibility.PRIVATE)
    client = Client()
    client.force_login(UserFactory())
    assert client.get(at(hidden)).status_code == 404


def test_a_card_that_cannot_be_changed_is_said(author, draft):
    put(draft, {"README.md": "---\ntags: [sea\n---\n"})
    found = send(author, draft, licence="mit")
    assert found.status_code == 400
    assert "cannot be changed here" in found.content.decode()


def test_disagreement_is_on_the_model_page_and_the_licence_page(client, draft):
    commit = put(draft, {"README.md": "---\nlicense: apache-2.0\n---\n", "LICENSE": text_of("MIT") or ""})
    files.read_commit(commit=commit)

    assert "LICENSE says MIT, the card says Apache-2.0." in client.get(f"/{draft.full_name}").content.decode()
    page = client.get(f"/{draft.full_name}/licence").content.decode()
    assert "says MIT, the card says Apache-2.0." in page


def test_files_show_their_own_licence(client, draft):
    card = "---\nlicense: mit\nlicenses:\n  model.bin: cc-by-nc-4.0\n---\n"
    put(draft, {"README.md": card})

    assert "CC-BY-NC-4.0" in client.get(f"/{draft.full_name}/tree/main").content.decode()
    page = client.get(f"/{draft.full_name}/blob/main/model.bin").content.decode()
    assert "CC-BY-NC-4.0" in page
    assert "the card, for this path" in page
    page = client.get(f"/{draft.full_name}/licence").content.decode()
    assert "MIT AND CC-BY-NC-4.0" in page


def test_an_unknown_id_is_flagged_on_the_licence_page(author, draft):
    put(draft, {"README.md": "---\nlicense: apche-2.0\n---\n"})
    page = author.get(f"/{draft.full_name}/licence").content.decode()
    assert "No list knows the id “apche-2.0”" in page
    assert "Was Apache-2.0 meant?" in page


def test_a_text_that_is_missing_is_offered(author, draft):
    put(draft, {"README.md": "---\nlicense: mit\n---\n"})
    page = author.get(f"/{draft.full_name}/licence").content.decode()
    assert "No file holds the text of MIT." in page
    assert f"{at(draft)}?licence=mit&amp;text=1" in page
    assert "checked" in author.get(f"{at(draft)}?licence=mit&text=1").content.decode()


def test_programs_read_the_same_and_can_make_a_repository_with_its_licence(author, draft):
    commit = put(draft, {"README.md": "---\nlicense: apache-2.0\n---\n", "LICENSE": text_of("MIT") or ""})
    files.read_commit(commit=commit)
    told = author.get(f"/api/v1/models/{draft.full_name}/licence").json()
    assert told["draft"] is False
    assert [(each["state"], each["licence"], each["declared"]) for each in told["files"]["findings"]] == [
        ("differs", "MIT", "apache-2.0")
    ]

    def make(name, licence):
        body = {"name": name, "type": "model", "license": licence}
        return author.post("/api/repos/create", body, content_type="application/json")

    assert make("waves", "MIT").status_code == 200
    assert draft.creator.namespace.repositories.get(name="waves").licence == "mit"
    refused = make("foam", "MIT AND")
    assert (refused.status_code, refused.headers["X-Error-Code"]) == (400, "invalid_licence")
