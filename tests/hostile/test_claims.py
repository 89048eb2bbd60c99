"""Knowing a hash opens nothing: every door that takes one answers another's private hash like one of nothing."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from accounts.models import User
from hub.core.exceptions import HubError
from models_registry.git.objects import Pointer
from models_registry.git.packing import write_pack
from models_registry.git.pktline import DELIMITER, FLUSH, line, packet
from models_registry.models import Kind, Repository, RepositoryContent
from models_registry.services import imports
from models_registry.storage import hashing
from models_registry.storage.digests import XetHash
from tests.factories.accounts import UserFactory, token
from tests.factories.content import Xorb, chunks_of, noise, put_plain, send, sha256, shard_of
from tests.factories.registry import RepositoryFactory, put
from tests.models_registry.git import packs
from tests.models_registry.services.test_imports import Elsewhere

pytestmark = pytest.mark.django_db
ZERO = "0" * 40
DATA = noise(300_000, seed=71)
OTHER = noise(300_000, seed=72)  # As long, and nobody's.


class Claim:
    """A file's bytes and all the names by which somebody may ask for it."""

    def __init__(self, data: bytes, commit: str) -> None:
        self.data, self.commit = data, commit
        self.xorb = Xorb.of(chunks_of(data))
        self.sha256 = sha256(data)
        self.file = XetHash.from_bytes(hashing.file_hash(self.xorb.table.leaves()).to_bytes())
        self.chunk = XetHash.from_bytes(self.xorb.table.hash_at(0))

    def pointer(self) -> bytes:
        return Pointer(self.sha256, len(self.data)).text()

    def names(self) -> list[str]:
        return [self.sha256, self.sha256[:12], self.xorb.hash, str(self.file), str(self.chunk), self.commit]


class Thief:
    """Bob, with a repository of his own, another's public one beside it, and a claim."""

    def __init__(self, mine: Repository, open_one: Repository, secret: Repository, folder: Path) -> None:
        assert mine.creator is not None
        self.mine, self.open_one, self.secret, self.folder = mine, open_one, secret, folder
        self.user: User = mine.creator
        self.headers = {"Authorization": f"Bearer {token(self.user)}"}
        self.client = Client(raise_request_exception=False)
        for kind in ("read", "write"):
            path = f"/api/models/{mine.full_name}/xet-{kind}-token/main"
            answer = self.client.get(path, headers=self.headers).json()
            self.base = answer["casUrl"].removeprefix("http://testserver")
            setattr(self, kind, {"Authorization": f"Bearer {answer['accessToken']}"})

    def post(self, address: str, body: Any, content_type: str = "application/json", headers: Any = None) -> Any:
        body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return self.client.post(address, body, content_type=content_type, headers=headers or self.headers)

    def get(self, address: str, headers: Any = None) -> Any:
        return self.client.get(address, headers=headers or self.headers)

    def batch(self, operation: str, claim: Claim, transfer: str = "basic") -> Any:
        return self.post(
            f"/{self.mine.full_name}.git/info/lfs/objects/batch",
            {
                "operation": operation,
                "transfers": [transfer],
                "objects": [{"oid": claim.sha256, "size": len(claim.data)}],
            },
        )

    def commit(self, repository: Repository, operation: dict[str, Any], query: str = "") -> Any:
        rows = [{"key": "header", "value": {"summary": "Take"}}, operation]
        body = "\n".join(json.dumps(row) for row in rows)
        return self.post(f"/api/models/{repository.full_name}/commit/main{query}", body, "application/x-ndjson")

    def push(self, repository: Repository, claim: Claim) -> Any:
        blob = claim.pointer()
        tree = b"100644 m.bin\0" + packs.blob_id(blob)
        who = "A <a@b> 1700000000 +0000"
        head = f"tree {packs.object_id(b'tree', tree).hex()}\nauthor {who}\ncommitter {who}\n\nTake\n".encode()
        objects = [(packs.BLOB, blob), (packs.TREE, tree), (packs.COMMIT, head)]
        oid = packs.object_id(b"commit", head).hex()
        order = packet(f"{ZERO} {oid} refs/heads/new\0report-status side-band-64k".encode()) + FLUSH
        kind = "application/x-git-receive-pack-request"
        body = order + b"".join(write_pack(len(objects), objects))
        return self.post(f"/{repository.full_name}/git-receive-pack", body, kind)

    def imported(self, claim: Claim) -> str:
        """An origin whose pointer names the file, but that has no such file."""
        elsewhere = Elsewhere(self.folder / claim.sha256[:8])
        elsewhere.commit({"m.bin": claim.pointer()})
        record = imports.begin_import(
            user=self.user,
            namespace=self.user.username,
            name=f"copy-{claim.sha256[:8]}",
            kind=Kind.MODEL,
            origin=str(elsewhere.folder),
        )
        try:
            imports.run_import(record)
        except HubError as error:
            return f"{error.code}: {error}"
        return "imported"


def large(claim: Claim) -> dict[str, Any]:
    value = {"path": "m.bin", "algo": "sha256", "oid": claim.sha256, "size": len(claim.data)}
    return {"key": "lfsFile", "value": value}


def copied(claim: Claim) -> dict[str, Any]:
    return {"key": "copyFile", "value": {"path": "m.bin", "srcPath": "m.bin", "srcRevision": claim.commit}}


def duplicate(thief: Thief, source: Repository, claim: Claim, **more: str) -> Any:
    files = [{"sha256": claim.sha256, "filename": "m.bin"} | more]
    return thief.post(
        f"/api/models/{source.full_name}/lfs-files/duplicate",
        {"target": {"type": "model", "name": thief.mine.full_name}, "files": files},
    )


def fetch(thief: Thief, claim: Claim) -> Any:
    body = line("command=fetch") + DELIMITER + line(f"want {claim.commit}") + line("done") + FLUSH
    headers = thief.headers | {"Git-Protocol": "version=2"}
    return thief.post(
        f"/{thief.mine.full_name}/git-upload-pack", body, "application/x-git-upload-pack-request", headers
    )


# What each door says to a claim: an answer, and the words that show that it refused, or asks for the bytes.
DOORS: dict[str, tuple[Callable[[Thief, Claim], Any], str]] = {
    "LFS upload": (lambda thief, claim: thief.batch("upload", claim), '"upload"'),
    "LFS upload in parts": (lambda thief, claim: thief.batch("upload", claim, "multipart"), '"upload"'),
    "LFS download": (lambda thief, claim: thief.batch("download", claim), '"code": 404'),
    "lfsFile": (lambda thief, claim: thief.commit(thief.mine, large(claim)), "422"),
    "lfsFile of an outsider's pull request": (
        lambda thief, claim: thief.commit(thief.open_one, large(claim), "?create_pr=1"),
        "422",
    ),
    "lfsFile into another's repository": (lambda thief, claim: thief.commit(thief.open_one, large(claim)), "403"),
    "copyFile of another's commit": (lambda thief, claim: thief.commit(thief.mine, copied(claim)), "404"),
    "duplicate from one's own": (lambda thief, claim: duplicate(thief, thief.mine, claim), "holds no such file"),
    "duplicate from what is public": (lambda thief, claim: duplicate(thief, thief.open_one, claim), "no such file"),
    "duplicate from what is private": (lambda thief, claim: duplicate(thief, thief.secret, claim), "404"),
    "duplicate by Xet hash": (
        lambda thief, claim: duplicate(thief, thief.mine, claim, xetHash=str(claim.file)),
        "holds no such file",
    ),
    "shard on its xorb": (
        lambda thief, claim: thief.post(
            f"{thief.base}/v1/shards", shard_of(claim.xorb, claim.data), "application/octet-stream", thief.write
        ),
        "400",
    ),
    "shard stream on its xorb": (
        lambda thief, claim: thief.post(
            f"{thief.base}/v2/shards", shard_of(claim.xorb, claim.data), "application/octet-stream", thief.write
        ),
        "error",
    ),
    "xorb HEAD": (
        lambda thief, claim: thief.client.head(f"{thief.base}/v1/xorbs/default/{claim.xorb.hash}", headers=thief.read),
        "404",
    ),
    "reconstruction": (
        lambda thief, claim: thief.get(f"{thief.base}/v1/reconstructions/{claim.file}", thief.read),
        "404",
    ),
    "newer reconstruction": (
        lambda thief, claim: thief.get(f"{thief.base}/v2/reconstructions/{claim.file}", thief.read),
        "404",
    ),
    "chunk": (
        lambda thief, claim: thief.get(f"{thief.base}/v1/chunks/default/{claim.chunk}", thief.read),
        "404",
    ),
    "git push": (lambda thief, claim: thief.push(thief.mine, claim), "was not uploaded"),
    "git push into another's": (lambda thief, claim: thief.push(thief.open_one, claim), "403"),
    "git fetch of a commit": (fetch, "ERR"),
    "import": (lambda thief, claim: thief.imported(claim), "lacks"),
    "resolve by commit": (
        lambda thief, claim: thief.get(f"/{thief.mine.full_name}/resolve/{claim.commit}/m.bin"),
        "404",
    ),
    "commit page": (lambda thief, claim: thief.get(f"/{thief.mine.full_name}/commit/{claim.commit}"), "404"),
    "tag": (
        lambda thief, claim: thief.post(f"/api/models/{thief.mine.full_name}/tag/{claim.commit}", {"tag": "v1"}),
        "404",
    ),
    "branch": (
        lambda thief, claim: thief.post(
            f"/api/models/{thief.mine.full_name}/branch/new", {"startingPoint": claim.commit}
        ),
        "404",
    ),
}


@pytest.fixture
def thief(tmp_path: Path) -> Thief:
    ada, bob = UserFactory(username="ada"), UserFactory(username="bob")
    secret = RepositoryFactory(user=ada, name="secret", private=True)
    open_one = RepositoryFactory(user=ada, name="open")
    send(secret, DATA)
    put_plain(secret, DATA)
    put(secret, {"m.bin": Pointer(sha256(DATA), len(DATA)).text()})
    return Thief(RepositoryFactory(user=bob, name="mine"), open_one, secret, tmp_path)


def told(answer: Any, claim: Claim) -> str:
    """Status, headers and body, with what only repeats the question left out."""
    if isinstance(answer, str):
        text = answer
    else:
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        headers = {key: value for key, value in answer.items() if key not in {"X-Request-Id", "Set-Cookie"}}
        text = f"{answer.status_code} {headers} {body.decode('utf-8', 'replace')}"
    for name in sorted(claim.names(), key=len, reverse=True):
        text = text.replace(name, "…").replace(name[:7], "…") if name == claim.commit else text.replace(name, "…")
    text = re.sub(r"(upload|verify|part|complete)/[^\"]+", r"\1/…", text)
    text = re.sub(r"copy-[0-9a-f]{8}|/[0-9a-f]{8}\b", "…", text)
    return re.sub(
        r"expires_(at|in)[^,}]*|csrf\w*\" value=\"\w+|nonce=\S+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{40}", "…", text
    )


@pytest.mark.parametrize("door", DOORS)
def test_another_s_private_hash_is_answered_like_a_hash_of_nothing(thief: Thief, door: str) -> None:
    ask, words = DOORS[door]
    secret_head = thief.secret.refs.get(name="refs/heads/main").target
    answers = []
    for claim in (Claim(DATA, secret_head), Claim(OTHER, "12345" * 8)):
        cache.clear()
        before = links(thief)
        with transaction.atomic():
            answers.append(told(ask(thief, claim), claim))
        assert links(thief) == before
    assert words in answers[0], answers[0]
    assert answers[0] == answers[1]


def links(thief: Thief) -> tuple[Any, ...]:
    """What may be read where, and the refs of what is not the thief's secret."""
    return (
        set(RepositoryContent.objects.values_list("repository", "content")),
        set(thief.mine.refs.values_list("name", "target")),
        set(thief.open_one.refs.values_list("name", "target")),
    )


@pytest.mark.parametrize("transfer", ["basic", "multipart"])
def test_who_claims_a_hash_must_send_all_of_its_bytes(thief: Thief, transfer: str) -> None:
    """GHSA-6p9m-q3jp-47h4: the shortcut for what is here already."""
    claim = Claim(DATA, ZERO)
    action = thief.batch("upload", claim, transfer).json()["objects"][0]["actions"]
    before = links(thief)
    answer = thief.client.put(action["upload"]["href"], OTHER, content_type="application/octet-stream")
    verified = (
        thief.post(action["verify"]["href"], {"oid": claim.sha256, "size": len(DATA)}) if "verify" in action else None
    )

    assert answer.status_code == 400, answer.content
    assert verified is None or verified.status_code == 404
    assert '"code": 404' in thief.batch("download", claim).content.decode()
    assert links(thief) == before


DIGESTS = (
    "", "abc", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "../" * 21 + "x", "..%2f" * 12 + "aaaa", "/etc/passwd",
    "0" * 63 + "\n", "0" * 64 + "\x00", "sha256:" + "0" * 57, "sha256-../../x", "\u0660" * 64, "\uff10" * 64,
    "0x" + "0" * 62, " " + "0" * 63,
)  # fmt: skip


@pytest.mark.parametrize("digest", DIGESTS)
def test_what_is_no_digest_is_refused_wherever_one_is_taken(thief: Thief, digest: str) -> None:
    claim = Claim(DATA, ZERO)
    claim.sha256 = digest
    quoted = re.sub(r"[^0-9A-Za-z]", lambda found: f"%{ord(found[0]) & 0xFF:02x}", digest) or "-"
    before = links(thief)

    for operation in ("upload", "download"):
        found = thief.batch(operation, claim).json()["objects"][0]
        assert found["error"]["code"] == 422, found
    assert thief.commit(thief.mine, large(claim)).status_code == 400
    assert thief.commit(thief.mine, large(claim), "?create_pr=1").status_code == 400
    assert duplicate(thief, thief.mine, claim).status_code == 400
    for door in (f"v1/reconstructions/{quoted}", f"v1/chunks/default/{quoted}", f"v1/xorbs/default/{quoted}"):
        answer = thief.get(f"{thief.base}/{door}", thief.read)
        assert answer.status_code in {400, 404, 405}, (door, answer.status_code)
    answer = thief.post(f"{thief.base}/v1/xorbs/default/{quoted}", b"x", "application/octet-stream", thief.write)
    assert answer.status_code in {400, 404}
    assert links(thief) == before
