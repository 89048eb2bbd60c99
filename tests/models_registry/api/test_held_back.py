"""What the scan holds back leaves by no door to those who only read, unless they insist; writers get it back."""

import json
from urllib.parse import quote

import pytest

from models_registry import holding
from models_registry.models import HeldObject, RepositoryContent, ScanVerdict
from models_registry.services.commits import commit
from models_registry.services.heads import note_scan
from models_registry.services.refs import create_branch
from models_registry.services.revisions import find_commit
from models_registry.types import AddFile, AddLarge, DeleteFile
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


@pytest.fixture
def unscanned():
    """A commit that nobody has looked at."""
    made = RepositoryFactory()
    put_plain(made, LARGE)
    put(made, {SMALL_PATH: SMALL, "README.md": "# Hello", "config.json": "{}"})
    put_large(made, "pytorch_model.bin")
    return made


UNSCANNED_DOORS = DOORS | {"resolve": status_of("resolve/main/pytorch_model.bin")}


@pytest.mark.parametrize("door", UNSCANNED_DOORS)
def test_what_can_run_code_waits_for_the_scan(client, unscanned, door):
    assert UNSCANNED_DOORS[door](client, unscanned, UserFactory()) == 403
    assert UNSCANNED_DOORS[door](client, unscanned, unscanned.creator) == 200


def test_the_rest_is_given_at_once_and_says_that_it_was_not_scanned(client, unscanned):
    answer = client.get(f"/{unscanned.full_name}/resolve/main/config.json", headers=bearer(UserFactory()))

    assert (answer.status_code, answer["X-Smallhub-Scan"]) == (200, "pending")
    note_scan(commit=head(unscanned), verdict=ScanVerdict.CLEAN, held={})
    assert client.head(f"/{unscanned.full_name}/resolve/main/config.json")["X-Smallhub-Scan"] == "clean"


def test_a_manifest_gives_writers_their_own_files_at_once_and_readers_the_rest(client, unscanned):
    address = f"/api/v1/repositories/models/{unscanned.full_name}/manifest/main"

    def held(user):
        answer = client.get(address, headers=bearer(user)).json()
        assert (answer["verdict"]["scan"], answer["quarantined"]) == ("pending", False)
        return {file["path"] for file in answer["files"] if file["held"]}

    assert held(UserFactory()) == {"pytorch_model.bin", SMALL_PATH}
    assert held(unscanned.creator) == set()


def test_a_file_that_a_scan_set_free_stays_free_in_the_next_commit(client, unscanned):
    note_scan(commit=head(unscanned), verdict=ScanVerdict.WARNING, held={SMALL_PATH: REASON})
    put(unscanned, {"README.md": "# Changed", "new.pkl": b"cos\nexecv\n."})

    assert head(unscanned).held == {SMALL_PATH: REASON, "new.pkl": holding.WAITS}
    assert UNSCANNED_DOORS["resolve"](client, unscanned, UserFactory()) == 200
    assert set(HeldObject.objects.values_list("path", flat=True)) == {SMALL_PATH, "new.pkl"}


def test_of_data_sets_only_what_can_run_code_waits(client):
    made = RepositoryFactory(dataset=True)
    put(made, {"table.csv": "a,b"})
    assert "X-Smallhub-Scan" not in client.get(f"/datasets/{made.full_name}/resolve/main/table.csv")
    put(made, {"table.pkl": SMALL})

    answer = client.get(f"/datasets/{made.full_name}/resolve/main/table.csv")
    assert (answer.status_code, answer["X-Smallhub-Scan"]) == (200, "pending")
    assert client.get(f"/datasets/{made.full_name}/resolve/main/table.pkl").status_code == 403


def test_a_commit_that_was_not_read_frees_nothing_that_another_scan_holds_back(client, repository):
    start_branch(repository)
    on_side(repository, {"more.pkl": SMALL + b" "}, AddLarge("honest.bin", sha256(LARGE), len(LARGE)))

    assert status_by_lfs(client, repository, UserFactory()) == 403


def test_who_proposes_a_file_under_a_false_name_takes_it_from_nobody(client, repository):
    note_scan(commit=head(repository), verdict=ScanVerdict.CLEAN, held={})
    start_branch(repository)
    side = on_side(repository, {}, AddLarge("weights.gguf", sha256(LARGE), len(LARGE)), DeleteFile(LARGE_PATH))
    note_scan(commit=side, verdict=ScanVerdict.QUARANTINED, held={"weights.gguf": REASON})

    assert status_by_lfs(client, repository, UserFactory()) == 200
    assert client.get(f"/{repository.full_name}/resolve/side/weights.gguf").status_code == 403


def start_branch(repository):
    create_branch(repository=repository, user=repository.creator, name="side")


def on_side(repository, files, *operations):
    added = [AddFile(path, body) for path, body in files.items()]
    user = repository.creator
    return commit(repository=repository, user=user, branch="side", title="Side", operations=[*added, *operations])


@pytest.mark.parametrize(
    ("path", "waits"),
    [
        ("pytorch_model.bin", True),
        ("deep/pytorch_model-00001-of-00002.bin", True),
        ("adapter_model.bin", True),
        ("OPTIMIZER.BIN", True),
        ("checkpoint.PT", True),
        ("weights.bin", False),
        ("model.bin", False),
        ("model.safetensors", False),
        ("spt", False),
        ("pkl/readme.md", False),
    ],
)
def test_a_name_says_who_waits(path, waits):
    assert holding.waits(path) is waits
