"""What the scan holds back leaves by no door to those who only read, unless they insist; writers get it back."""

import json
from urllib.parse import quote

import pytest

from models_registry.models import RepositoryContent, ScanVerdict
from models_registry.services.commits import commit
from models_registry.services.heads import note_scan
from models_registry.services.revisions import find_commit
from models_registry.types import AddLarge
from tests.factories.accounts import UserFactory, bearer
from tests.factories.content import noise, put_plain, sha256
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db

LARGE, SMALL = noise(200_000, seed=5), b"cos\nsystem\n(S'echo'\ntR."
LARGE_PATH, SMALL_PATH = "weights.bin", "small.pkl"
REASON = "It is held back. Opening it would run os.system."


@pytest.fixture
def repository():
    made = RepositoryFactory()
    put_plain(made, LARGE)
    put(made, {SMALL_PATH: SMALL, "README.md": "# Hello"})
    put_large(made, LARGE_PATH)
    note_scan(commit=head(made), verdict=ScanVerdict.QUARANTINED, held={LARGE_PATH: REASON, SMALL_PATH: REASON})
    return made


def put_large(repository, path):
    operation = AddLarge(path, sha256(LARGE), len(LARGE))
    commit(repository=repository, user=repository.creator, branch="main", title="Put", operations=[operation])


def head(repository):
    repository.refresh_from_db()
    return find_commit(repository, "main")


def status_by_lfs(client, repository, user):
    body = {"operation": "download", "transfers": ["basic"], "objects": [{"oid": sha256(LARGE), "size": len(LARGE)}]}
    answer = client.post(
        f"/{repository.full_name}.git/info/lfs/objects/batch",
        json.dumps(body),
        content_type="application/vnd.git-lfs+json",
        headers=bearer(user),
    ).json()
    (item,) = answer["objects"]
    return item["error"]["code"] if "error" in item else 200


def status_by_xet(client, repository, user):
    token = client.get(f"/api/models/{repository.full_name}/xet-read-token/main", headers=bearer(user)).json()
    file_hash = RepositoryContent.objects.get(repository=repository).xet_hash
    address = token["casUrl"].removeprefix("http://testserver")
    headers = {"Authorization": f"Bearer {token['accessToken']}"}
    return client.get(f"{address}/v1/reconstructions/{file_hash}", headers=headers).status_code


def status_of(path):
    def status(client, repository, user):
        return client.get(f"/{repository.full_name}/{path}", headers=bearer(user)).status_code

    return status


DOORS = {
    "resolve": status_of(f"resolve/main/{LARGE_PATH}"),
    "resolve of a small file": status_of(f"resolve/main/{SMALL_PATH}"),
    "raw": status_of(f"raw/main/{SMALL_PATH}"),
    "git-lfs": status_by_lfs,
    "the chunk store": status_by_xet,
}


@pytest.mark.parametrize("door", DOORS)
def test_readers_are_refused_and_writers_are_not(client, repository, door):
    assert DOORS[door](client, repository, UserFactory()) == 403
    assert DOORS[door](client, repository, repository.creator) == 200


@pytest.mark.parametrize("door", DOORS)
def test_a_later_scan_that_finds_nothing_sets_it_free(client, repository, door):
    note_scan(commit=head(repository), verdict=ScanVerdict.CLEAN, held={})

    assert DOORS[door](client, repository, UserFactory()) == 200


@pytest.mark.parametrize("path", [LARGE_PATH, SMALL_PATH])
def test_readers_may_insist(client, repository, path):
    address = f"/{repository.full_name}/resolve/main/{quote(path)}?quarantined=true"

    assert client.get(address, headers=bearer(UserFactory())).status_code == 200


def test_a_manifest_says_what_is_held_and_why(client, repository):
    answer = client.get(f"/api/v1/repositories/models/{repository.full_name}/manifest/main").json()

    assert answer["quarantined"] is True
    assert {file["path"]: file["held"] for file in answer["files"] if file["held"]} == {
        LARGE_PATH: REASON,
        SMALL_PATH: REASON,
    }


def test_content_that_lies_elsewhere_under_an_honest_name_is_free(client, repository):
    put_large(repository, "honest.bin")
    note_scan(commit=head(repository), verdict=ScanVerdict.QUARANTINED, held={LARGE_PATH: REASON})

    assert status_by_lfs(client, repository, UserFactory()) == 200


def test_a_copy_holds_back_what_its_source_did(client, repository):
    user = UserFactory()
    body = {"repository": f"{user.username}/copy"}

    client.post(
        f"/api/models/{repository.full_name}/duplicate", body, content_type="application/json", headers=bearer(user)
    )

    link = RepositoryContent.objects.exclude(repository=repository).get()
    assert link.held == REASON
