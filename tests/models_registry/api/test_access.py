"""Gated content by its own doors: signed links die with the access, and no hash opens what a gate closes."""

import json

import pytest

from accounts.models import Scope
from models_registry.exceptions import UnknownContent
from models_registry.models import AccessState, Gated
from models_registry.services import content
from models_registry.services.access import ask_access, decide_access, find_request, grant_access, set_gate
from models_registry.services.commits import commit
from models_registry.storage.digests import XetHash
from models_registry.storage.exceptions import UnknownXorb
from models_registry.types import AddLarge
from tests.factories.accounts import UserFactory, bearer
from tests.factories.content import Xorb, chunks_of, noise, put_plain, send_xorb, sha256, shard_of
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db
DATA = noise(300_000, seed=77)


@pytest.fixture
def repository():
    found = RepositoryFactory()
    put_plain(found, DATA)
    commit(
        repository=found,
        user=found.creator,
        branch="main",
        title="Weights",
        operations=[AddLarge("weights.bin", sha256(DATA), len(DATA))],
    )
    return set_gate(repository=found, user=found.creator, gated=Gated.MANUAL)


@pytest.fixture
def asker(repository):
    """Somebody who was given access."""
    person = UserFactory(email="ada@example.org")
    grant_access(repository=repository, actor=repository.creator, username=person.username)
    return person


def revoke(repository, asker) -> None:
    request = find_request(repository, username=asker.username)
    decide_access(repository=repository, actor=repository.creator, request=request, state=AccessState.REJECTED)


def lfs_link(client, repository, headers) -> str:
    body = {"operation": "download", "objects": [{"oid": sha256(DATA), "size": len(DATA)}]}
    answer = client.post(
        f"/{repository.full_name}.git/info/lfs/objects/batch",
        json.dumps(body),
        headers=headers,
        content_type="application/vnd.git-lfs+json",
    )
    return answer.json()["objects"][0]["actions"]["download"]["href"].removeprefix("http://testserver")


def reconstruction(client, repository, token):
    head = client.head(f"/{repository.full_name}/resolve/main/weights.bin", headers=bearer(repository.creator))
    address = f"{token['casUrl'].removeprefix('http://testserver')}/v1/reconstructions/{head['X-Xet-Hash']}"
    return client.get(address, headers={"Authorization": f"Bearer {token['accessToken']}"})


def xet_token(client, repository, headers):
    return client.get(f"/api/models/{repository.full_name}/xet-read-token/main", headers=headers)


def test_links_to_bytes_die_with_the_access(client, repository, asker) -> None:
    headers = bearer(asker, Scope.READ)
    link = lfs_link(client, repository, headers)
    token = xet_token(client, repository, headers).json()
    fetches = reconstruction(client, repository, token).json()["fetch_info"]
    data_url = next(iter(fetches.values()))[0]["url"].removeprefix("http://testserver")
    assert client.get(link).status_code == 200
    assert client.get(data_url).status_code == 206

    revoke(repository, asker)

    assert client.get(link).status_code == 403
    assert client.get(data_url).status_code == 403
    assert reconstruction(client, repository, token).status_code == 403
    again = xet_token(client, repository, headers)
    assert (again.status_code, again["X-Error-Code"]) == (403, "GatedRepo")


def test_closing_the_gate_ends_links_of_nobody_in_particular(client, repository) -> None:
    set_gate(repository=repository, user=repository.creator, gated=Gated.OFF)
    link = lfs_link(client, repository, {})
    assert client.get(link).status_code == 200

    set_gate(repository=repository, user=repository.creator, gated=Gated.AUTO)

    answer = client.get(link)
    assert (answer.status_code, answer["X-Error-Code"]) == (401, "GatedRepo")


def test_knowing_a_hash_does_not_bring_gated_content_into_another_repository(repository, asker) -> None:
    stranger = UserFactory()
    own = RepositoryFactory(user=stranger)
    operations = [AddLarge("stolen.bin", sha256(DATA), len(DATA))]

    assert content.find_readable(repository=own, user=stranger, sha256=sha256(DATA)) is None
    with pytest.raises(UnknownContent):
        commit(repository=own, user=stranger, branch="main", title="Take", operations=operations)

    hers = RepositoryFactory(user=asker)
    commit(repository=hers, user=asker, branch="main", title="Take", operations=operations)


def test_chunks_of_gated_files_cannot_be_referred_to(repository, asker) -> None:
    xorb = Xorb.of(chunks_of(DATA))
    send_xorb(repository, xorb)
    stranger = UserFactory()
    own = RepositoryFactory(user=stranger)
    claim = shard_of(xorb, DATA)

    with pytest.raises(UnknownXorb):
        content.register_shard(repository=own, user=stranger, body=claim)
    first = XetHash.from_bytes(xorb.table.leaves()[0][0])
    assert content.dedupe_answer(repository=own, user=stranger, chunk_hash=first, now_s=1) is None
    assert content.dedupe_answer(repository=own, user=asker, chunk_hash=first, now_s=1)
    assert content.register_shard(repository=RepositoryFactory(user=asker), user=asker, body=claim) == 1


def test_the_owner_reads_requests_with_answers_by_the_wire(client, repository) -> None:
    set_gate(repository=repository, user=repository.creator, gated=Gated.MANUAL, fields="Team: text")
    person = UserFactory(email="eve@example.org", full_name="Eve E.")
    ask_access(repository=repository, user=person, answers={"Team": "Harbour"})

    answer = client.get(
        f"/api/models/{repository.full_name}/user-access-request/pending", headers=bearer(repository.creator)
    )

    (item,) = answer.json()
    assert item["user"] == {"user": person.username, "fullname": "Eve E.", "email": "eve@example.org"}
    assert (item["status"], item["fields"]) == ("pending", {"Team": "Harbour"})
    assert item["timestamp"].endswith("Z")
    assert len(item["requestId"]) == 24


def test_lists_are_paged(client, repository, monkeypatch) -> None:
    monkeypatch.setattr("models_registry.api.access.PAGE", 2)
    for _ in range(3):
        ask_access(repository=repository, user=UserFactory(), answers={})
    headers = bearer(repository.creator)

    first = client.get(f"/api/models/{repository.full_name}/user-access-request/pending", headers=headers)
    link = first["Link"].split(">")[0].removeprefix("<http://testserver")
    second = client.get(link, headers=headers)

    assert [len(first.json()), len(second.json())] == [2, 1]
    assert "Link" not in second


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "bad_body"),
        ({"user": "a", "requestId": "b", "status": "accepted"}, 400, "bad_body"),
        ({"status": "accepted"}, 400, "bad_body"),
        ({"user": "x", "status": "withdrawn"}, 400, "bad_body"),
        ({"user": 7, "status": "accepted"}, 400, "bad_body"),
        ({"user": "nobody-here", "status": "accepted"}, 404, "access_request_not_found"),
        ({"requestId": "f" * 24, "status": "accepted"}, 404, "access_request_not_found"),
        ({"user": "a\x00", "status": "accepted"}, 400, "bad_body"),
    ],
)
def test_odd_decisions_are_refused(client, repository, body, status, code) -> None:
    answer = post(client, repository, "handle", body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def post(client, repository, which, body, user=None):
    return client.post(
        f"/api/models/{repository.full_name}/user-access-request/{which}",
        json.dumps(body),
        content_type="application/json",
        headers=bearer(user or repository.creator),
    )


def test_granting_twice_is_refused(client, repository, asker) -> None:
    answer = post(client, repository, "grant", {"user": asker.username})

    assert (answer.status_code, answer.json()["code"]) == (400, "already_has_access")
    assert post(client, repository, "grant", {"user": "nobody-here"}).status_code == 404


def test_requests_are_for_the_owner(client, repository, asker) -> None:
    listing = f"/api/models/{repository.full_name}/user-access-request/accepted"

    assert client.get(listing).status_code == 401
    assert client.get(listing, headers=bearer(asker)).status_code == 403
    assert client.get(listing, headers=bearer(repository.creator, Scope.READ)).status_code == 403
    assert client.get(listing.replace("accepted", "withdrawn"), headers=bearer(repository.creator)).status_code == 404
    assert post(client, repository, "grant", {"user": "x"}, user=asker).status_code == 403


def test_without_a_gate_the_wire_says_so(client) -> None:
    repository = RepositoryFactory()

    answer = client.get(
        f"/api/models/{repository.full_name}/user-access-request/pending", headers=bearer(repository.creator)
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "not_gated")


@pytest.mark.parametrize(("value", "shown"), [("auto", "auto"), ("manual", "manual"), (False, False)])
def test_the_gate_is_a_setting(client, value, shown) -> None:
    repository = RepositoryFactory()

    answer = client.put(
        f"/api/models/{repository.full_name}/settings",
        json.dumps({"gated": value}),
        content_type="application/json",
        headers=bearer(repository.creator),
    )

    assert answer.json()["gated"] == shown
    assert client.get(f"/api/models/{repository.full_name}").json()["gated"] == shown
    listed = client.get("/api/models?gated=true").json()
    assert bool(listed) is bool(shown)


@pytest.mark.parametrize("value", [True, "yes", "", 1, []])
def test_other_gates_are_refused(client, repository, value) -> None:
    answer = client.put(
        f"/api/models/{repository.full_name}/settings",
        json.dumps({"gated": value}),
        content_type="application/json",
        headers=bearer(repository.creator),
    )

    assert answer.status_code == 400


def test_the_page_of_a_gated_file_leads_to_the_form(client, repository) -> None:
    put(repository, {"notes.txt": "hidden words"})

    answer = client.get(f"/{repository.full_name}/blob/main/notes.txt")

    assert answer.status_code == 401
    assert f'href="/{repository.full_name}/ask-access"' in answer.content.decode()
