"""Large files taken out of a repository, and branches squashed: what stays, what goes, what nobody gets any more."""

import json
from typing import Any

import pytest
from django.test import Client

from models_registry.exceptions import HistoryTooLong, RevisionNotFound, UnknownLargeFile
from models_registry.models import Repository, RepositoryContent, RepositoryXorb
from models_registry.services import erasure
from models_registry.services.commits import commit, super_squash
from models_registry.services.erasure import erase
from models_registry.services.fsck import check_repository
from models_registry.services.refs import create_branch, create_tag
from models_registry.services.revisions import find_commit
from models_registry.types import AddLarge, DeleteFile
from tests.factories.content import noise, put_plain, sha256
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db
FIRST, SECOND = noise(200_000, seed=1), noise(150_000, seed=2)


def add(repository: Repository, path: str, data: bytes, *, branch: str = "main", title: str = "Add") -> str:
    put_plain(repository, data)
    operation = AddLarge(path, sha256(data), len(data))
    assert repository.creator is not None
    made = commit(repository=repository, user=repository.creator, branch=branch, title=title, operations=[operation])
    return made.oid


def link_of(repository: Repository, data: bytes) -> RepositoryContent:
    return RepositoryContent.objects.get(repository=repository, content__sha256=sha256(data))


def got(client: Client, repository: Repository, revision: str, path: str) -> Any:
    return client.get(f"/{repository.full_name}/resolve/{revision}/{path}")


def history(repository: Repository, revision: str) -> list[str]:
    rows, row = [], find_commit(repository, revision)
    while True:
        rows.append(row.title)
        if not row.parents:
            return rows
        row = find_commit(repository, row.parents[0])


def test_an_erased_file_leaves_every_ref_and_is_given_to_nobody(client: Client) -> None:
    repository = RepositoryFactory()
    put(repository, {"a.txt": "a"}, title="Before")
    before = find_commit(repository, "main").oid
    old = add(repository, "bad.bin", FIRST, title="Bad")
    create_tag(repository=repository, user=repository.creator, name="v0", revision="main", message="Annotated")
    add(repository, "good.bin", SECOND, title="Good")
    create_branch(repository=repository, user=repository.creator, name="side")
    create_branch(repository=repository, user=repository.creator, name="early", start=before)

    link = link_of(repository, FIRST)
    assert erase(repository=repository, user=repository.creator, link_ids=[link.pk], rewrite_history=True) == 1

    for revision in ("main", "side", "v0"):
        assert got(client, repository, revision, "bad.bin").status_code == 404
        assert "bad.bin" not in [item["path"] for item in tree(client, repository, revision)]
    assert history(repository, "main") == history(repository, "side") == ["Good", "Bad", "Before", "initial commit"]
    assert find_commit(repository, "early").oid == before
    assert b"".join(got(client, repository, "main", "good.bin").streaming_content) == SECOND
    answer = got(client, repository, old, "bad.bin")
    assert (answer.status_code, answer["X-Error-Code"]) == (404, "EntryNotFound")
    assert client.head(f"/{repository.full_name}/resolve/{old}/bad.bin").status_code == 404
    assert list(check_repository(Repository.objects.get(pk=repository.pk))) == []
    assert RepositoryXorb.objects.filter(repository=repository).count() == 1


def tree(client: Client, repository: Repository, revision: str) -> list[dict[str, Any]]:
    return json.loads(client.get(f"/api/models/{repository.full_name}/tree/{revision}?expand=true").content)


def test_without_rewriting_commits_stay_and_only_the_bytes_go(client: Client) -> None:
    repository = RepositoryFactory()
    head = add(repository, "bad.bin", FIRST)
    link = link_of(repository, FIRST)

    erase(repository=repository, user=repository.creator, link_ids=[link.pk], rewrite_history=False)

    assert find_commit(repository, "main").oid == head
    assert got(client, repository, "main", "bad.bin").status_code == 404
    assert list(check_repository(Repository.objects.get(pk=repository.pk))) == []
    add(repository, "again.bin", FIRST)
    assert b"".join(got(client, repository, "main", "bad.bin").streaming_content) == FIRST


def test_another_repository_keeps_its_own_copy(client: Client) -> None:
    repository, other = RepositoryFactory(), RepositoryFactory()
    add(repository, "x.bin", FIRST)
    add(other, "x.bin", FIRST)

    erase(
        repository=repository,
        user=repository.creator,
        link_ids=[link_of(repository, FIRST).pk],
        rewrite_history=True,
    )

    assert got(client, repository, "main", "x.bin").status_code == 404
    assert b"".join(got(client, other, "main", "x.bin").streaming_content) == FIRST


def test_a_file_of_another_repository_is_unknown_and_a_history_can_be_too_long(monkeypatch: Any) -> None:
    repository, other = RepositoryFactory(), RepositoryFactory()
    add(repository, "x.bin", FIRST)
    add(other, "x.bin", FIRST)
    foreign, own = link_of(other, FIRST).pk, link_of(repository, FIRST).pk
    monkeypatch.setattr(erasure, "MAX_COMMITS", 1)

    with pytest.raises(UnknownLargeFile):
        erase(repository=repository, user=repository.creator, link_ids=[foreign], rewrite_history=True)
    with pytest.raises(HistoryTooLong):
        erase(repository=repository, user=repository.creator, link_ids=[own], rewrite_history=True)

    assert link_of(repository, FIRST).pk == own


def test_a_squashed_branch_is_one_commit_with_the_same_tree_and_others_keep_theirs(client: Client) -> None:
    repository = RepositoryFactory()
    put(repository, {"a.txt": "1", "sub/b.txt": "2"}, title="One")
    add(repository, "w.bin", FIRST, title="Two")
    create_tag(repository=repository, user=repository.creator, name="v1", revision="main")
    before = find_commit(repository, "main")

    made = super_squash(repository=repository, user=repository.creator, branch="main", title="All")

    assert (made.tree, made.parents) == (before.tree, [])
    assert history(repository, "main") == ["All"]
    assert history(repository, "v1") == ["Two", "One", "initial commit"]
    assert {item["lastCommit"]["id"] for item in tree(client, repository, "main")} == {made.oid}
    assert b"".join(got(client, repository, "main", "w.bin").streaming_content) == FIRST
    assert list(check_repository(Repository.objects.get(pk=repository.pk))) == []
    with pytest.raises(RevisionNotFound):
        super_squash(repository=repository, user=repository.creator, branch="refs/tags/v1", title="No")


def test_a_folder_shows_the_newest_change_of_what_is_in_it(client: Client) -> None:
    repository = RepositoryFactory(draft=True)
    put(repository, {"sub/deep/a.txt": "1", "other/x.txt": "1"}, title="First")
    put(repository, {"sub/b.txt": "2"}, title="Second")
    put(repository, {"top.txt": "3"}, title="Third")
    commit(
        repository=repository,
        user=repository.creator,
        branch="main",
        title="Folder gone",
        operations=[DeleteFile("other")],
    )

    shown = {item["path"]: item["lastCommit"]["title"] for item in tree(client, repository, "main")}

    assert shown == {".gitattributes": "initial commit", "sub": "Second", "top.txt": "Third"}
