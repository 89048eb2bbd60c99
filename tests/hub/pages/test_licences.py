"""The list of licences, one of them, what follows for users on the licence page, the badge, an organisation's list."""

import json
from dataclasses import replace

import pytest
from django.core.cache import cache

from models_registry.licences import find
from models_registry.models import LicenceAllowance
from tests.factories.accounts import OrganisationFactory, UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh():
    cache.clear()


def made(licence: str, more: str = "", **traits):
    repository = RepositoryFactory(**traits)
    put(repository, {"README.md": f"---\nlicense: {licence}\n{more}---\n"})
    repository.refresh_from_db()
    return repository


def text(client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, address
    return answer.content.decode()


def test_the_list_is_searched_and_narrowed_and_counts_what_is_public(client):
    made("apache-2.0")
    made("apache-2.0", private=True)
    made("cc-by-4.0 AND a-licence-of-ours", dataset=True)

    everything = text(client, "/licences")
    found = text(client, "/licences?q=apache")
    strict = text(client, "/licences?class=non-commercial")

    assert "not legal advice" in everything
    assert "a-licence-of-ours" in everything
    assert "/licences/Apache-2.0#under" in everything
    assert "/licences/Apache-2.0" in found
    assert "/licences/MIT" not in found
    assert "/licences/CC-BY-NC-4.0" in strict
    assert "/licences/Apache-2.0" not in strict
    assert "No licence like that" in text(client, "/licences?q=nothing-at-all")
    assert client.get("/licences?class=odd&q=%F0%9F%90%99").status_code == 200


def test_one_licence_with_its_clauses_and_what_is_under_it(client, django_assert_max_num_queries):
    shown, hidden = made("apache-2.0"), made("apache-2.0", private=True)
    choice, words = made("apache-2.0 OR mit"), made("apache-2.0", dataset=True)

    with django_assert_max_num_queries(20):
        page = text(client, "/licences/Apache-2.0")

    assert "Say what you changed" in page
    assert "4(b)" in page
    assert shown.full_name.split("/")[1] in page
    assert choice.full_name.split("/")[1] in page
    assert f"/{hidden.full_name}" not in page
    assert f"/datasets/{words.full_name}" not in page
    assert f"/datasets/{words.full_name}" in text(client, "/licences/Apache-2.0?show=datasets")
    assert "No model under it yet" in text(client, "/licences/AGPL-3.0-only")


def test_pages_follow_one_another(client):
    owner = UserFactory()
    names = {made("apache-2.0", user=owner).full_name for _ in range(22)}

    first = text(client, "/licences/Apache-2.0")
    cursor = first.split("cursor=")[1].split('"')[0].split("#")[0]
    second = text(client, f"/licences/Apache-2.0?cursor={cursor}")

    on = [{name for name in names if f'href="/{name}"' in page} for page in (first, second)]
    assert (len(on[0]), len(on[1])) == (20, 2)
    assert on[0] | on[1] == names


def test_what_was_not_compared_with_its_text_says_so(client, monkeypatch):
    unreviewed = replace(find("MIT"), reviewed=None)
    assert "reviewed" in text(client, "/licences/MIT")
    monkeypatch.setattr("hub.pages.licences.find", lambda name: unreviewed)
    page = text(client, "/licences/MIT")
    assert "written from memory, not yet compared with its text" in page
    assert "reviewed" not in page
    monkeypatch.setattr("hub.pages.licences.records", lambda: (unreviewed,))
    assert "not yet" in text(client, "/licences")


def test_other_spellings_lead_to_one_address_and_unknown_ones_nowhere(client):
    answer = client.get("/licences/apache-2.0")
    assert (answer.status_code, answer["Location"]) == (301, "/licences/Apache-2.0")
    assert "no record" in text(client, "/licences/none-of-these", 404)


def test_the_licence_page_says_what_follows_and_when_it_changed(client):
    base = made("cc-by-nc-4.0")
    child = made("mit", f"base_model: {base.full_name}\nbase_model_relation: finetune\n", user=base.creator)
    put(child, {"README.md": f"---\nlicense: apache-2.0\nbase_model: {base.full_name}\n---\n"})

    page = text(client, f"/{child.full_name}/licence")

    assert "If you use it or pass it on" in page
    assert "Use it commercially" in page
    assert base.full_name in page
    assert f"/api/v1/models/{child.full_name}/notice" in page
    assert f"/api/v1/models/{child.full_name}/sbom?format=spdx" in page
    assert "other terms" in page
    assert "/licences/CC-BY-NC-4.0" in page


@pytest.mark.parametrize(
    ("licence", "message"), [("apache-2.0", "Apache-2.0"), ("a-&lt;licence", "a-"), ("apache-2.0 OR mit", "OR")]
)
def test_the_badge(client, licence, message):
    repository = made(licence)

    picture = client.get(f"/{repository.full_name}/licence.svg")
    data = client.get(f"/{repository.full_name}/licence.json").json()

    assert picture["Content-Type"] == "image/svg+xml"
    assert message in picture.content.decode()
    assert (data["label"], data["licence"]) == ("licence", licence.replace("&lt;", "&lt;"))
    assert data["licence_class"] == repository.licence_class


def test_the_badge_of_what_is_private_is_kept_by_nobody(client):
    hidden = made("mit", private=True)
    assert client.get(f"/{hidden.full_name}/licence.svg").status_code == 404
    client.force_login(hidden.creator)
    assert client.get(f"/{hidden.full_name}/licence.json")["Cache-Control"] == "private, no-store"


def test_an_admin_writes_the_list_of_an_organisation(client):
    admin = UserFactory()
    acme = OrganisationFactory(owner=admin)
    address = f"/settings/organizations/{acme.name}/licences/allowed"
    client.force_login(admin)
    assert "everything is let in" in text(client, address)
    kept = RepositoryFactory(user=admin, namespace=acme.name)
    put(kept, {"README.md": "---\nlicense: cc-by-nc-4.0\n---\n"}, user=admin)

    saved = client.post(address, {"class": ["permissive"], "ids": "CC-BY-SA-4.0\n", "for_uploads": "on"}, follow=True)

    row = LicenceAllowance.objects.get(namespace=acme.namespace)
    assert (row.allowed, row.for_uploads, row.for_pulls) == (["permissive", "CC-BY-SA-4.0"], True, False)
    assert kept.full_name in saved.content.decode()
    refused = client.post(address, {"ids": "not+an+id! mit"})
    assert refused.status_code == 400
    assert "not+an+id!" in refused.content.decode()
    client.force_login(UserFactory())
    assert client.get(address).status_code == 404


def test_lists_are_narrowed_by_class(client):
    free, bound = made("apache-2.0"), made("cc-by-nc-4.0", dataset=True)

    models = text(client, "/models?licence=permissive")
    words = text(client, "/datasets?licence=non-commercial")

    assert f'href="/{free.full_name}"' in models
    assert f'href="/datasets/{bound.full_name}"' in words
    assert f'href="/{free.full_name}"' not in text(client, "/models?licence=copyleft")
    assert json.dumps(free.full_name) not in words
