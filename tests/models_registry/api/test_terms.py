"""The terms of a gate in our own API: read by all who see the repository, accepted by hash."""

import hashlib
import json

import pytest

from models_registry.models import Acceptance, AccessRequest, Gated, Renewal
from models_registry.services.access import GateRules, set_gate
from models_registry.services.licensing.inheritance import settle_heirs
from tests.factories.accounts import OrganisationFactory, UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db
TEXT = b"You may use it.\n"


@pytest.fixture
def repository():
    found = RepositoryFactory()
    put(found, {"LICENSE": TEXT, "README.md": "---\nlicense: gemma\n---\n"})
    found.refresh_from_db()
    return set_gate(
        repository=found,
        user=found.creator,
        gated=Gated.AUTO,
        prompt="Be kind.",
        fields="Team: text",
        rules=GateRules(renewal=Renewal.AT_ONCE),
    )


@pytest.fixture
def asker(client):
    person = UserFactory()
    client.force_login(person)
    return person


def address(repository):
    return f"/api/v1/repositories/models/{repository.full_name}/terms"


def accept(client, repository, **body):
    given = {"sha256": client.get(address(repository)).json()["sha256"], "answers": {"Team": "Harbour"}} | body
    return client.post(address(repository), json.dumps(given), content_type="application/json")


def test_the_text_is_read_before_anybody_signs_in(client, repository) -> None:
    told = client.get(address(repository)).json()

    assert (told["state"], told["gated"], told["version"], told["prompt"]) == ("needed", "auto", 1, "Be kind.")
    assert told["fields"] == [{"name": "Team", "kind": "text", "options": []}]
    assert told["licence"] == {
        "id": "gemma",
        "path": "LICENSE",
        "sha256": hashlib.sha256(TEXT).hexdigest(),
        "text": TEXT.decode(),
    }


def test_accepting_opens_the_files_and_twice_is_once(client, repository, asker) -> None:
    first, second = accept(client, repository), accept(client, repository)

    assert (first.status_code, first.json()["state"]) == (200, "accepted")
    assert second.json() == first.json()
    assert client.get(address(repository)).json()["state"] == "open"
    assert Acceptance.objects.get().public_id in first.json()["receipt"]
    assert AccessRequest.objects.get().answers == {"Team": "Harbour"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"sha256": "0" * 64}, 409, "form_changed"),
        ({"sha256": "short"}, 400, "invalid"),
        ({"sha256": None}, 400, "invalid"),
        ({"answers": {}}, 400, "answers_incomplete"),
        ({"answers": []}, 400, "invalid"),
        ({"organization": "nobody-here"}, 403, "not_for_organisation"),
    ],
)
def test_what_was_not_read_or_not_answered_is_not_accepted(client, repository, asker, body, status, code) -> None:
    answer = accept(client, repository, **body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not AccessRequest.objects.exists()


def test_states_follow_the_text(client, repository, asker) -> None:
    accept(client, repository)
    put(repository, {"LICENSE": "Another."})
    repository.refresh_from_db()

    told = client.get(address(repository)).json()
    assert (told["state"], told["version"]) == ("lapsed", 2)
    refused = client.get(f"/api/v1/repositories/models/{repository.full_name}/manifest/main")
    assert (refused.status_code, refused.json()["code"]) == (403, "access_lapsed")
    assert accept(client, repository).json()["state"] == "accepted"
    assert client.get(address(repository)).json()["state"] == "open"


def test_a_child_names_whose_terms_it_needs(client, repository, asker) -> None:
    child = RepositoryFactory()
    put(child, {"README.md": f"---\nlicense: mit\nbase_model: {repository.full_name}\n---\n"})
    settle_heirs([child.pk])

    told = client.get(address(child)).json()
    assert (told["gated"], told["sha256"], told["state"]) == (None, None, "open")
    assert [(each["repository"], each["state"]) for each in told["sources"]] == [(repository.full_name, "needed")]
    accept(client, repository)
    assert client.get(address(child)).json()["sources"][0]["state"] == "open"


def test_an_organisation_accepts_through_its_admin(client, repository) -> None:
    organisation = OrganisationFactory()
    client.force_login(organisation.memberships.get().user)

    assert accept(client, repository, organization=organisation.name.upper()).json()["state"] == "accepted"
    assert AccessRequest.objects.get().organisation == organisation


def test_without_a_gate_there_is_nothing_to_accept(client, asker) -> None:
    repository = RepositoryFactory()

    assert client.get(address(repository)).json()["state"] == "open"
    assert accept(client, repository, sha256="0" * 64).json()["code"] == "not_gated"
