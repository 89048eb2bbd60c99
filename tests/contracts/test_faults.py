"""What is acknowledged survives; what is not leaves no trace. The server is killed outright while people upload."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator

import httpx
import pytest

from models_registry.models import Repository
from models_registry.services.fsck import check_all
from models_registry.storage.blobs import blob_store
from tests.contracts.conftest import Hub
from tests.factories.accounts import UserFactory, token
from tests.factories.stores import flip

pytestmark = pytest.mark.django_db(transaction=True)


def ndjson(files: dict[str, bytes], *, summary: str = "Change", large: dict[str, tuple[str, int]] | None = None) -> str:
    lines: list[dict[str, object]] = [{"key": "header", "value": {"summary": summary}}]
    for path, body in files.items():
        content = base64.b64encode(body).decode()
        lines.append({"key": "file", "value": {"path": path, "content": content, "encoding": "base64"}})
    for path, (oid, size) in (large or {}).items():
        lines.append({"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": oid, "size": size}})
    return "\n".join(json.dumps(line) for line in lines)


class Person:
    """Somebody with a token, who uploads by the wire."""

    def __init__(self, hub: Hub, name: str) -> None:
        UserFactory(username=name)
        from accounts.models import User

        self.name = name
        headers = {"Authorization": f"Bearer {token(User.objects.get(username=name))}"}
        self.http = httpx.Client(base_url=hub.url, headers=headers, timeout=60)

    def create(self, name: str) -> None:
        assert self.http.post("/api/repos/create", json={"name": name}).status_code == 200

    def commit(self, name: str, **kwargs: object) -> httpx.Response:
        return self.http.post(f"/api/models/{self.name}/{name}/commit/main", content=ndjson(**kwargs))  # type: ignore[arg-type]

    def upload_large(self, name: str, body: bytes | Iterator[bytes], *, oid: str, size: int) -> httpx.Response:
        ask = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": size}]}
        offered = self.http.post(f"/{self.name}/{name}.git/info/lfs/objects/batch", json=ask).json()
        action = offered["objects"][0]["actions"]["upload"]
        headers = {"Content-Length": str(size), "Authorization": ""}
        return self.http.put(action["href"], content=body, headers=headers | action.get("header", {}))


def no_faults() -> None:
    assert [f"{fault.where}: {fault.what}" for fault in check_all(deep=True)] == []


def test_killed_between_and_in_commits_the_head_is_old_or_new(hub: Hub) -> None:
    ada = Person(hub, "ada")
    ada.create("tiny")
    acknowledged: list[str] = []

    def keep_committing() -> None:
        for number in range(10_000):
            try:
                answer = ada.commit("tiny", files={"a.txt": b"%d" % number, f"d/{number}.txt": b"x" * 1000})
            except httpx.HTTPError:
                return
            if answer.status_code == 200:
                acknowledged.append(answer.json()["commitOid"])

    for round_number in range(5):
        before = len(acknowledged)
        worker = threading.Thread(target=keep_committing)
        worker.start()
        while len(acknowledged) < before + 2 + round_number:
            worker.join(0.005)
        hub.kill()
        worker.join()
        head = Repository.objects.get(name="tiny").head
        known = set(Repository.objects.get(name="tiny").commits.values_list("oid", flat=True))
        assert set(acknowledged) <= known
        assert head in known
        no_faults()
        hub.start()


def test_killed_in_an_upload_nothing_half_is_seen_and_the_second_try_succeeds(hub: Hub) -> None:
    ada = Person(hub, "ada")
    ada.create("tiny")
    body = hashlib.shake_256(b"weights").digest(24_000_000)
    oid = hashlib.sha256(body).hexdigest()
    half = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield body[:12_000_000]
        half.set()
        threading.Event().wait(5)
        yield body[12_000_000:]

    def attempt() -> None:
        with pytest.raises(httpx.HTTPError):
            ada.upload_large("tiny", slowly(), oid=oid, size=len(body))

    worker = threading.Thread(target=attempt)
    worker.start()
    assert half.wait(30)
    hub.kill()
    worker.join()
    hub.start()

    refused = ada.commit("tiny", files={}, large={"model.bin": (oid, len(body))})
    assert refused.status_code == 422
    assert ada.upload_large("tiny", body, oid=oid, size=len(body)).status_code == 200
    assert ada.commit("tiny", files={}, large={"model.bin": (oid, len(body))}).status_code == 200
    back = ada.http.get("/ada/tiny/resolve/main/model.bin").content
    assert hashlib.sha256(back).hexdigest() == oid
    no_faults()


def test_bytes_that_turned_on_disk_are_never_sent_as_whole(hub: Hub) -> None:
    ada = Person(hub, "ada")
    ada.create("tiny")
    body = hashlib.shake_256(b"other").digest(3_000_000)
    oid = hashlib.sha256(body).hexdigest()
    assert ada.upload_large("tiny", body, oid=oid, size=len(body)).status_code == 200
    assert ada.commit("tiny", files={}, large={"model.bin": (oid, len(body))}).status_code == 200

    packs = [blob for blob in blob_store().iterate() if blob.size_bytes > 1_000_000]
    assert packs
    for pack in packs:
        flip(blob_store(), pack.digest, pack.size_bytes // 2)
    for cached in (hub.data / "cache").rglob("*"):
        if cached.is_file():
            cached.unlink()

    try:
        answer = ada.http.get("/ada/tiny/resolve/main/model.bin")
        whole = answer.status_code == 200 and len(answer.content) == len(body)
    except httpx.HTTPError:
        whole = False
    assert not whole
    assert [fault.what for fault in check_all(deep=True)] == ["wrong bytes; needed by ada/tiny"]


@pytest.mark.parametrize("claimed", [10_000_000_000])
def test_a_claim_over_the_limit_is_refused_before_a_byte_is_read(hub: Hub, claimed: int) -> None:
    ada = Person(hub, "ada")
    ada.create("tiny")

    ask = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": "a" * 64, "size": claimed}]}
    offered = ada.http.post("/ada/tiny.git/info/lfs/objects/batch", json=ask)

    error = offered.json()["objects"][0]["error"]
    assert error["code"] in {413, 422}
    assert "actions" not in offered.json()["objects"][0]
