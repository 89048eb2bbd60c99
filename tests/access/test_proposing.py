"""Who may only read may propose: which doors that opens to her, and which it leaves shut."""

import hashlib
import io
import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client, override_settings

from accounts.models import Scope, User
from hub.core.rawpath import SLASH
from models_registry.models import Gated, Repository, RepositoryContent, Visibility
from models_registry.permissions import Action, can
from models_registry.services import content
from models_registry.services.pull_requests import open_pull_request
from models_registry.types import AddFile
from tests.factories.accounts import UserFactory, bearer
from tests.factories.content import put_plain
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db

BODY = b"weights" * 1000
OID = hashlib.sha256(BODY).hexdigest()
COMMIT = (
    '{"key": "header", "value": {"summary": "Propose it"}}\n'
    '{"key": "file", "value": {"path": "a.txt", "content": "bmV3", "encoding": "base64"}}\n'
)


def ask(user: User | None, method: str, address: str, body: Any = None, scope: Scope = Scope.WRITE) -> Any:
    data = body if isinstance(body, str | bytes) else json.dumps(body or {})
    headers = bearer(user, scope) if user else {}
    return Client().generic(method, address, data, content_type="application/json", headers=headers)


def doors(repository: Repository, ref: str | None) -> dict[str, tuple[str, str, Any]]:
    """Where content for a ref is taken in; None stands for a pull request in the making."""
    api, rev = f"/api/models/{repository.full_name}", (ref or "main").replace("/", quote(SLASH))
    new = "?create_pr=1" if ref is None else ""
    batch = {"operation": "upload", "objects": [{"oid": OID, "size": len(BODY)}]} | (
        {"ref": {"name": ref}} if ref else {}
    )
    return {
        "preupload": ("POST", f"{api}/preupload/{rev}{new}", {"files": []}),
        "xet token": ("GET", f"{api}/xet-write-token/{'None' if ref is None else rev}{new}", None),
        "git-lfs": ("POST", f"/{repository.full_name}.git/info/lfs/objects/batch", batch),
        "commit": ("POST", f"{api}/commit/{rev}{new}", COMMIT),
    }


def statuses(user: User | None, repository: Repository, ref: str | None, scope: Scope = Scope.WRITE) -> dict[str, int]:
    return {
        name: ask(user, method, address, body, scope).status_code
        for name, (method, address, body) in doors(repository, ref).items()
    }


def all_doors(status: int) -> dict[str, int]:
    return dict.fromkeys(("preupload", "xet token", "git-lfs", "commit"), status)


def test_a_reader_proposes_but_touches_no_branch():
    repository, reader = RepositoryFactory(), UserFactory()

    assert statuses(reader, repository, None) == all_doors(200)
    assert statuses(reader, repository, "refs/pr/1") == all_doors(200)
    assert statuses(reader, repository, "main") == all_doors(403)
    assert statuses(reader, repository, "refs/heads/main") == all_doors(403)


def test_another_readers_pull_request_is_shut_and_open_to_writers():
    repository, reader = RepositoryFactory(), UserFactory()
    open_pull_request(repository=repository, user=UserFactory(), title="Hers", is_draft=True)

    assert statuses(reader, repository, "refs/pr/1") == all_doors(403)
    assert statuses(repository.creator, repository, "refs/pr/1") == all_doors(200)
    assert statuses(reader, repository, "refs/pr/2") == all_doors(404)


def test_nobody_proposes_unnamed_or_with_a_token_that_only_reads():
    repository, reader = RepositoryFactory(), UserFactory()

    assert statuses(None, repository, None) == all_doors(401)
    assert statuses(reader, repository, None, Scope.READ) == all_doors(403)


def test_strangers_to_a_private_repository_get_nothing():
    repository, stranger = RepositoryFactory(private=True), UserFactory()

    assert statuses(stranger, repository, None) == all_doors(404)
    assert statuses(stranger, repository, "refs/pr/1") == all_doors(404)
    assert not can(stranger, Action.PROPOSE, repository)
    with pytest.raises(Exception, match="Repository not found"):
        deliver(repository, stranger)
    assert not RepositoryContent.objects.exists()


def test_who_may_not_download_may_not_propose():
    repository, reader = RepositoryFactory(), UserFactory()
    Repository.objects.update(gated=Gated.MANUAL)

    assert statuses(reader, repository, None) == all_doors(403)
    assert can(reader, Action.DISCUSS, Repository.objects.get())


def test_a_grant_dies_with_the_right_that_it_stands_for():
    repository, reader = RepositoryFactory(), UserFactory()
    _, address, body = doors(repository, None)["git-lfs"]
    asked = ask(reader, "POST", address, body).json()["objects"][0]["actions"]["upload"]["href"]
    target = asked[asked.index(f"/{repository.full_name}") :]

    Repository.objects.update(visibility=Visibility.PRIVATE)

    assert Client().generic("PUT", target, BODY).status_code in {401, 404}
    Repository.objects.update(visibility=Visibility.PUBLIC)
    assert Client().generic("PUT", target, BODY).status_code == 200


def test_knowing_a_hash_gives_a_reader_nothing():
    secret, repository, reader = RepositoryFactory(private=True), RepositoryFactory(), UserFactory()
    put_plain(secret, BODY)

    _, address, body = doors(repository, None)["git-lfs"]
    offered = ask(reader, "POST", address, body).json()["objects"][0]
    taken = ask(
        reader,
        "POST",
        f"/api/models/{repository.full_name}/commit/main?create_pr=1",
        '{"key": "header", "value": {"summary": "Take it"}}\n'
        + json.dumps({"key": "lfsFile", "value": {"path": "w.bin", "algo": "sha256", "oid": OID, "size": len(BODY)}}),
    )

    assert "actions" in offered  # The bytes are asked for again, as if nobody had them.
    assert (taken.status_code, taken.json()["code"]) == (422, "unknown_content")
    assert not RepositoryContent.objects.filter(repository=repository).exists()
    assert not repository.refs.filter(name__startswith="refs/pr/").exists()


def test_what_a_reader_has_elsewhere_is_linked_by_her_commit_not_by_asking():
    repository, reader = RepositoryFactory(), UserFactory()
    put_plain(RepositoryFactory(user=reader, private=True), BODY)
    _, address, body = doors(repository, None)["git-lfs"]

    assert "actions" not in ask(reader, "POST", address, body).json()["objects"][0]
    assert not RepositoryContent.objects.filter(repository=repository).exists()


@override_settings(SMALLHUB_PROPOSED_BYTES_PER_DAY=len(BODY) + 10)
def test_a_readers_share_of_a_day_is_counted_and_a_writers_is_not():
    repository, reader = RepositoryFactory(), UserFactory()

    deliver(repository, reader)
    with pytest.raises(Exception, match="too much in a short time"):
        deliver(repository, reader, b"more" * 100)
    for _ in range(3):
        deliver(repository, repository.creator)


def test_what_a_reader_proposed_is_not_in_the_default_branch():
    repository, reader = RepositoryFactory(draft=True), UserFactory()
    head = Repository.objects.get().head

    open_pull_request(
        repository=repository,
        user=reader,
        title="A card",
        operations=[AddFile("README.md", b"---\nlicense: mit\n---\n")],
    )

    kept = Repository.objects.get()
    assert (kept.head, kept.licence) == (head, "")


def deliver(repository: Repository, user: User, body: bytes = BODY) -> None:
    content.ingest(repository=repository, user=user, stream=io.BytesIO(body), size_bytes=len(body))
