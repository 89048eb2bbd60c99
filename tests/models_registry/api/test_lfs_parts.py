"""git-lfs in parts: offered where it is understood, bounded, resumable, verified at the end."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from models_registry.models import Content, PartialUpload, Repository, UploadPart
from models_registry.services import content
from models_registry.services.content import parts
from models_registry.storage.blobs import blob_store
from models_registry.storage.digests import BlobDigest
from tests.factories.accounts import UserFactory, bearer
from tests.factories.content import noise, put_plain, sha256
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db

DATA = noise(250_000, seed=3)
PART = 100_000


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setattr(parts, "PART_BYTES", PART)
    return RepositoryFactory(private=True)


def batch(client: Client, repository: Repository, *, transfers: Any = ("basic", "multipart"), user: Any = None) -> Any:
    body = {
        "operation": "upload",
        "transfers": transfers,
        "objects": [{"oid": sha256(DATA), "size": len(DATA)}],
        "ref": {"name": "refs/heads/main"},
    }
    return client.post(
        f"/{repository.full_name}.git/info/lfs/objects/batch",
        json.dumps(body),
        content_type="application/vnd.git-lfs+json",
        headers=bearer(user or repository.creator),
    ).json()


def offer(client: Client, repository: Repository) -> tuple[dict[int, str], str]:
    """The addresses of the parts and of the completion."""
    upload = batch(client, repository)["objects"][0]["actions"]["upload"]
    assert upload["header"].pop("chunk_size") == str(PART)
    return {int(number): local(href) for number, href in upload["header"].items()}, local(upload["href"])


def local(href: str) -> str:
    return href.removeprefix("http://testserver")


def piece(number: int, data: bytes = DATA) -> bytes:
    return data[(number - 1) * PART : number * PART]


def send(client: Client, address: str, data: bytes) -> Any:
    return client.put(address, data, content_type="application/octet-stream")


def complete(client: Client, address: str, tags: dict[int, str]) -> Any:
    listed = [{"partNumber": number, "etag": tag} for number, tag in tags.items()]
    body = json.dumps({"oid": sha256(DATA), "parts": listed})
    return client.post(address, body, content_type="application/vnd.git-lfs+json")


def send_all(client: Client, addresses: dict[int, str], data: bytes = DATA) -> dict[int, str]:
    return {number: send(client, address, piece(number, data))["ETag"] for number, address in addresses.items()}


def test_a_file_comes_in_parts_and_is_seen_when_it_is_whole(client: Client, repository: Repository) -> None:
    addresses, end = offer(client, repository)
    assert sorted(addresses) == [1, 2, 3]

    tags = send_all(client, addresses)
    assert not Content.objects.exists()
    assert complete(client, end, tags).status_code == 200

    found = Content.objects.get(sha256=sha256(DATA))
    assert b"".join(content.read(found)) == DATA
    assert not PartialUpload.objects.exists()


def test_parts_are_offered_only_to_those_who_know_them_and_for_large_files(
    client: Client, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for transfers in (["basic"], None, "multipart"[:5], ["basic", "lfs-standalone-file"]):
        assert batch(client, repository, transfers=transfers)["transfer"] == "basic"
    monkeypatch.setattr(parts, "PART_BYTES", len(DATA))
    assert batch(client, repository)["transfer"] == "basic"
    assert not PartialUpload.objects.exists()


def test_what_is_here_already_needs_no_parts(client: Client, repository: Repository) -> None:
    put_plain(repository, DATA)
    assert "actions" not in batch(client, repository)["objects"][0]


def test_an_upload_goes_on_where_it_was_and_a_part_may_be_sent_again(client: Client, repository: Repository) -> None:
    addresses, end = offer(client, repository)
    tags = send_all(client, {1: addresses[1]})
    wrong = send(client, addresses[2], bytes(PART))["ETag"]

    addresses, end = offer(client, repository)
    tags |= send_all(client, {2: addresses[2], 3: addresses[3]})

    assert complete(client, end, tags | {2: wrong}).status_code == 400
    assert complete(client, end, tags).status_code == 200
    assert PartialUpload.objects.count() == 0


def test_parts_of_another_file_are_refused_and_nothing_is_seen(client: Client, repository: Repository) -> None:
    addresses, end = offer(client, repository)
    tags = send_all(client, addresses, noise(len(DATA), seed=9))
    assert complete(client, end, tags).status_code == 400
    assert not Content.objects.exists()


@pytest.mark.parametrize("data", [b"", bytes(PART - 1), bytes(PART + 1)])
def test_a_part_of_another_length_is_refused(client: Client, repository: Repository, data: bytes) -> None:
    addresses, _ = offer(client, repository)
    assert send(client, addresses[1], data).status_code == 400
    assert not UploadPart.objects.exists()


@pytest.mark.parametrize(
    "body", ["{}", '{"parts": 1}', '{"parts": [1]}', '{"parts": [{"partNumber": "1"}]}', '{"parts": []}', "junk"]
)
def test_a_completion_that_names_no_parts_is_refused(client: Client, repository: Repository, body: str) -> None:
    addresses, end = offer(client, repository)
    send_all(client, addresses)
    answer = client.post(end, body, content_type="application/vnd.git-lfs+json")
    assert answer.status_code == 400
    assert "message" in answer.json()


def test_a_part_that_was_lost_is_asked_for_again(client: Client, repository: Repository) -> None:
    addresses, end = offer(client, repository)
    tags = send_all(client, addresses)
    blob_store().delete(BlobDigest(tags[2].strip('"')))

    answer = complete(client, end, tags)

    assert (answer.status_code, answer.json()["code"]) == (400, "missing_part")
    tags |= send_all(client, {2: addresses[2]})
    assert complete(client, end, tags).status_code == 200


def test_addresses_of_parts_end_with_the_right_and_open_nothing_else(client: Client, repository: Repository) -> None:
    addresses, end = offer(client, repository)
    _, other_end = offer(client, RepositoryFactory(user=UserFactory()))

    assert send(client, end.replace("complete", "part"), piece(1)).status_code == 403
    assert send(client, addresses[1].replace("part/", "part/x"), piece(1)).status_code == 403
    assert complete(client, other_end, send_all(client, addresses)).status_code == 400
    repository.creator.is_active = False
    repository.creator.save()
    assert send(client, addresses[1], piece(1)).status_code == 403


def test_abandoned_uploads_are_forgotten(client: Client, repository: Repository) -> None:
    addresses, end = offer(client, repository)
    tags = send_all(client, addresses)
    assert content.drop_abandoned() == 0

    PartialUpload.objects.update(touched_at=timezone.now() - timedelta(days=2))

    assert content.drop_abandoned() == 1
    assert not UploadPart.objects.exists()
    assert complete(client, end, tags).status_code == 404
