import pytest

from models_registry.blame import folder_commits
from models_registry.exceptions import EntryNotFound, InvalidCommit, RepositoryForbidden, RevisionNotFound, StaleHead
from models_registry.manifests import listing_of
from models_registry.models import Commit, Repository
from models_registry.services.commits import commit
from models_registry.services.fsck import check_repository
from models_registry.services.restore import restore
from models_registry.types import AddLarge, DeleteFile, DeleteFolder
from tests.factories.accounts import UserFactory, bearer
from tests.factories.content import noise, put_plain
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def history() -> tuple[Repository, Commit, Commit]:
    """A repository, an old state and the newest one, which differs in all ways."""
    repository = RepositoryFactory(user=UserFactory(username="ada"), name="tiny")
    large = put_plain(repository, noise(100_000, 1))
    put(repository, {"a.txt": "1", "d/x.txt": "x", "d/e/y.txt": "y", "same.txt": "s"})
    old = commit(
        repository=repository,
        user=repository.creator,
        branch="main",
        title="Large",
        operations=[AddLarge("w.bin", large.sha256)],
    )
    put(repository, {"a.txt": "2", "new.txt": "n"})
    new = commit(
        repository=repository,
        user=repository.creator,
        branch="main",
        title="Clear",
        operations=[DeleteFolder("d"), DeleteFile("w.bin")],
    )
    return repository, old, new


def again(repository: Repository, **more: object) -> Commit:
    return restore(**({"repository": repository, "user": repository.creator, "branch": "main"} | more))  # type: ignore[arg-type]


def test_the_new_commit_has_the_tree_of_the_old_one(history) -> None:
    repository, old, new = history

    made = again(repository, revision=old.oid)

    assert made.tree == old.tree
    assert made.parents == [new.oid]
    assert made.title == f"Restore the state of {old.oid[:7]}"
    assert listing_of(made).files["same.txt"].last_commit == listing_of(new).files["same.txt"].last_commit
    assert listing_of(made).files["a.txt"].last_commit == made.oid
    repository.refresh_from_db()
    assert list(check_repository(repository)) == []


def test_one_path_alone_comes_back_or_goes(history) -> None:
    repository, old, _ = history
    made = again(repository, revision=old.oid, path="d/e", title="Bring y back")
    assert {"d/e/y.txt", "new.txt"} <= set(listing_of(made).files)
    assert "d/x.txt" not in listing_of(made).files
    made = again(repository, revision=old.oid, path="new.txt")
    assert "new.txt" not in listing_of(made).files


def test_what_cannot_be_restored_is_refused(history) -> None:
    repository, old, new = history
    with pytest.raises(InvalidCommit):
        again(repository, revision=new.oid)
    with pytest.raises(InvalidCommit):
        again(repository, revision=old.oid, path="same.txt")
    with pytest.raises(EntryNotFound):
        again(repository, revision=old.oid, path="nowhere")
    with pytest.raises(RevisionNotFound):
        again(repository, revision="nowhere")
    with pytest.raises(RevisionNotFound):
        again(repository, revision=old.oid, branch="nowhere")
    with pytest.raises(StaleHead):
        again(repository, revision=old.oid, expected_head=old.oid)
    with pytest.raises(RepositoryForbidden):
        again(repository, revision=old.oid, user=UserFactory())
    assert repository.commits.count() == 5


def test_the_api_restores(history, client) -> None:
    repository, old, _ = history
    address, owner = "/api/v1/repositories/models/ada/tiny/restore", bearer(repository.creator)
    made = client.post(address, {"revision": old.oid}, content_type="application/json", headers=owner)
    assert made.status_code == 201
    assert repository.commits.get(oid=made.json()["commit"]).tree == old.tree
    twice = client.post(address, {"revision": old.oid}, content_type="application/json", headers=owner)
    assert (twice.status_code, twice.json()["code"]) == (400, "invalid_commit")


def test_a_folder_shows_the_newest_commit_within_it(history, client) -> None:
    repository = history[0]
    made = put(repository, {"d/e/z.txt": "z"}, title="Deep")
    last = put(repository, {"d/x.txt": "2"}, title="Shallow")
    found = folder_commits(repository, last)
    assert found == {"d": last.oid, "d/e": made.oid}
    put(repository, {"top.txt": "t"}, title="Elsewhere")
    items = client.get("/api/models/ada/tiny/tree/main?expand=true").json()
    assert {item["path"]: item["lastCommit"]["title"] for item in items}["d"] == "Shallow"
