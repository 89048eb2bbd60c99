"""The wire's list of large files, their deletion and copies (E28 to E30), headers of weights (E40), and the rest."""

import json
import struct
from typing import Any

import pytest
from django.test import Client

from models_registry.models import Repository, RepositoryContent
from models_registry.services.commits import commit
from models_registry.types import AddLarge
from tests.factories.accounts import UserFactory, bearer
from tests.factories.content import noise, put_plain, sha256
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db
DATA = noise(120_000, seed=5)


def add(repository: Repository, files: dict[str, bytes]) -> None:
    for data in files.values():
        put_plain(repository, data)
    operations = [AddLarge(path, sha256(data)) for path, data in files.items()]
    assert repository.creator is not None
    commit(repository=repository, user=repository.creator, branch="main", title="Add", operations=operations)


def post(client: Client, repository: Repository, what: str, body: Any, user: Any = None) -> Any:
    headers = bearer(user or repository.creator)
    address = f"/api/models/{repository.full_name}/{what}"
    return client.post(address, json.dumps(body), content_type="application/json", headers=headers)


def listed(client: Client, repository: Repository, query: str = "") -> Any:
    return client.get(f"/api/models/{repository.full_name}/lfs-files{query}", headers=bearer(repository.creator))


def test_large_files_are_listed_page_by_page_with_their_place(client: Client) -> None:
    repository = RepositoryFactory()
    bodies = {f"w{at}.bin": noise(1000, seed=at) for at in range(5)}
    add(repository, bodies)
    RepositoryContent.objects.filter(repository=repository, path="w3.bin").update(
        path="", ref=""
    )  # As pushes leave it.

    seen: list[dict[str, Any]] = []
    query = "?limit=2"
    while query:
        response = listed(client, repository, query)
        seen += response.json()
        link = response.get("Link", "")
        query = "?" + link.split("?", 1)[1].split(">")[0] if link else ""

    assert {item["filename"]: item["oid"] for item in seen} == {path: sha256(data) for path, data in bodies.items()}
    assert {item["ref"] for item in seen} == {"refs/heads/main"}
    assert {item["size"] for item in seen} == {1000}
    assert len({item["fileOid"] for item in seen}) == 5


def test_files_are_deleted_by_the_ids_of_the_list_and_by_administrators_alone(client: Client) -> None:
    repository = RepositoryFactory()
    add(repository, {"bad.bin": DATA, "good.bin": noise(1000)})
    ids = [item["fileOid"] for item in listed(client, repository).json() if item["filename"] == "bad.bin"]
    body = {"deletions": {"sha": ids, "rewriteHistory": True}}

    assert post(client, repository, "lfs-files/batch", body, UserFactory()).status_code == 403
    assert post(client, repository, "lfs-files/batch", body).status_code == 200

    assert [item["filename"] for item in listed(client, repository).json()] == ["good.bin"]
    assert post(client, repository, "lfs-files/batch", body).status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"deletions": []}, {"deletions": {"sha": "x"}}, {"deletions": {"sha": ["nonsense"]}}]
)
def test_deletions_that_name_nothing_are_refused(client: Client, body: Any) -> None:
    assert post(client, RepositoryFactory(), "lfs-files/batch", body).status_code in (400, 404)


def test_files_are_given_to_another_repository_if_one_may_read_here_and_write_there(client: Client) -> None:
    source, stranger = RepositoryFactory(private=True), UserFactory()
    add(source, {"w.bin": DATA})
    mine = RepositoryFactory(user=source.creator)
    theirs = RepositoryFactory(user=stranger)
    tree = client.get(f"/api/models/{source.full_name}/tree/main", headers=bearer(source.creator)).json()
    xet_hash = next(item["xetHash"] for item in tree if item["path"] == "w.bin")
    files = [{"xetHash": xet_hash, "sha256": sha256(DATA), "filename": "w.bin"}]

    def give(target: Repository, user: Any, files: Any = files) -> Any:
        body = {"target": {"type": "model", "name": target.full_name}, "files": files}
        return post(client, source, "lfs-files/duplicate", body, user)

    assert give(theirs, stranger).status_code == 404  # She does not see the source.
    assert give(theirs, source.creator).status_code == 403
    other = [{"sha256": sha256(b"other"), "filename": "x"}]
    assert [each["sha256"] for each in give(mine, None, other).json()["failed"]] == [sha256(b"other")]
    wrong = [files[0] | {"xetHash": "0" * 64}]
    assert give(mine, None, wrong).json()["failed"]
    assert give(mine, None).json()["failed"] == []

    operation = AddLarge("copy.bin", sha256(DATA))
    commit(repository=mine, user=mine.creator, branch="main", title="Copy", operations=[operation])
    got = client.get(f"/{mine.full_name}/resolve/main/copy.bin")
    assert b"".join(got.streaming_content) == DATA


def weights(tensors: dict[str, Any]) -> bytes:
    header = json.dumps(tensors).encode()
    return struct.pack("<Q", len(header)) + header + bytes(8)


def test_headers_of_weights_are_told_without_the_tensors(client: Client) -> None:
    repository = RepositoryFactory()
    one = {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
    two = {"b": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "__metadata__": {"format": "pt"}}
    add(repository, {"m-1.safetensors": weights(one)})
    index = {"metadata": {"total_size": 16}, "weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}}
    put(repository, {"model.safetensors.index.json": json.dumps(index), "m-2.safetensors": weights(two)})
    put(repository, {"bad.safetensors": struct.pack("<Q", 2**60), "lost.index.json": '{"weight_map": {"a": "no"}}'})

    def told(path: str) -> Any:
        return client.get(f"/api/models/{repository.full_name}/safetensors-metadata/{path}")

    assert told("model.safetensors.index.json").json() == {
        "index": {"metadata": {"total_size": 16}},
        "headers": {"m-1.safetensors": one, "m-2.safetensors": two},
    }
    assert told("m-1.safetensors").json() == {"index": {"metadata": None}, "headers": {"m-1.safetensors": one}}
    assert told("bad.safetensors").status_code == 422
    assert told("lost.index.json").status_code == 404
    assert told("nothing.safetensors").status_code == 404


@pytest.mark.parametrize("method", ["get", "post", "delete", "put"])
@pytest.mark.parametrize(
    "address",
    [
        "/api/spaces/semantic-search?q=x",
        "/api/datasets/a/b/leaderboard",
        "/api/papers/search",
        "/api/daily_papers",
        "/papers/2401.1.md",
        "/api/spaces/a/b/secrets",
        "/api/spaces/hardware",
        "/api/jobs/a/b/logs",
        "/api/scheduled-jobs/a",
        "/api/buckets/a/b/tree",
        "/api/kernels/a/b",
        "/api/organizations/a/resource-groups",
    ],
)
def test_what_is_not_offered_is_said_in_json(client: Client, address: str, method: str) -> None:
    response = getattr(client, method)(address)

    assert response.status_code == 404
    assert response.json()["code"] == "not_offered"
    assert response["X-Error-Code"] == "not_offered"


@pytest.mark.parametrize("address", ["/api/models/gpt2", "/api/models/gpt2/revision/main", "/gpt2/resolve/main/a.txt"])
def test_names_without_a_namespace_are_unknown_repositories(client: Client, address: str) -> None:
    response = client.get(address)

    assert (response.status_code, response["X-Error-Code"]) == (404, "RepoNotFound")


def test_probes_are_answered_at_once(client: Client) -> None:
    assert client.get("/api/agent-harnesses").json() == {"standardEnvVars": [], "harnesses": {}}
    assert client.head("/api/telemetry/gradio/x").status_code == 204


def test_a_wrong_method_is_refused_in_json(client: Client) -> None:
    response = client.get("/api/repos/create")

    assert (response.status_code, response["X-Error-Code"]) == (405, "method_not_allowed")
    assert "POST" in response.json()["error"]
    assert response["Allow"] == "POST"


def test_a_new_app_has_a_card_that_names_its_kind(client: Client) -> None:
    user = UserFactory()

    def create(sdk: str) -> Any:
        body = json.dumps({"name": "demo", "type": "space", "sdk": sdk})
        return client.post("/api/repos/create", body, content_type="application/json", headers=bearer(user))

    assert create("fortran").status_code == 400
    assert create("gradio").status_code == 200
    told = client.get(f"/api/spaces/{user.username}/demo?expand=sdk&expand=siblings").json()
    assert told["sdk"] == "gradio"
    assert [file["rfilename"] for file in told["siblings"]] == [".gitattributes", "README.md"]


@pytest.mark.parametrize("address", ["/cas/x/v1/reconstructions", "/cas/x/v2/file-chunk-hashes/y", "/api/never/was"])
def test_addresses_that_never_were_are_answered_in_json_to_any_method(address: str) -> None:
    client = Client(enforce_csrf_checks=True)
    for method in (client.get, client.post):
        response = method(address)
        assert (response.status_code, response["Content-Type"]) == (404, "application/json")
