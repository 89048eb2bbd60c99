import threading

import pytest
from django.db import close_old_connections, connection

from models_registry.exceptions import (
    CommitTooLarge,
    FileToDeleteMissing,
    InvalidPath,
    PathConflict,
    RepositoryForbidden,
    RepositoryNotFound,
    RevisionNotFound,
    StaleHead,
    TooManyFiles,
    UnknownContent,
)
from models_registry.git.store import RowObjectStore
from models_registry.manifests import listing_of
from models_registry.models import Commit, GitObject, Repository
from models_registry.services.commits import commit
from models_registry.services.refs import create_branch
from models_registry.types import AddFile, AddLarge, CopyFile, DeleteFile, DeleteFolder, Operation
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db


def apply(repository: Repository, *operations: Operation, **kwargs: object) -> Commit:
    defaults = {"user": repository.creator, "branch": "main", "title": "Change"}
    return commit(repository=repository, operations=list(operations), **(defaults | kwargs))  # type: ignore[arg-type]


def paths(found: Commit) -> list[str]:
    return sorted(listing_of(found).files)


def test_a_new_repository_holds_one_commit_with_the_lfs_rules() -> None:
    repository = RepositoryFactory(draft=True)

    first = repository.commits.get()
    assert first.title == "initial commit"
    assert paths(first) == [".gitattributes"]
    assert repository.refs.get().commit == first.oid == repository.head


def test_operations_apply_in_their_order() -> None:
    repository = RepositoryFactory(draft=True)
    put(repository, {"a.txt": "old", "d/x": "1", "d/y": "2"})

    made = apply(
        repository,
        DeleteFile("a.txt"),
        AddFile("a.txt", b"new"),
        DeleteFolder("d"),
        AddFile("d/z", b"3"),
        CopyFile("b.txt", "a.txt"),
    )

    assert paths(made) == [".gitattributes", "a.txt", "b.txt", "d/z"]
    listing = listing_of(made)
    assert listing.files["a.txt"].oid == listing.files["b.txt"].oid
    assert listing.files["d/z"].last_commit == made.oid


def test_each_file_remembers_the_commit_that_changed_it() -> None:
    repository = RepositoryFactory()
    first = put(repository, {"a.txt": "1", "b.txt": "1"})
    second = put(repository, {"b.txt": "2", "a.txt": "1"})

    files = listing_of(second).files
    assert files["a.txt"].last_commit == first.oid
    assert files["b.txt"].last_commit == second.oid


def test_the_objects_are_whole_and_under_their_true_ids() -> None:
    repository = RepositoryFactory()
    made = put(repository, {"d/e/f.txt": "hello\n"})

    store = RowObjectStore(repository)
    git_commit = store[made.oid.encode()]
    assert git_commit.tree.decode() == made.tree
    found = {path.decode(): sha for path, _, sha in store.iter_tree_contents(git_commit.tree)}
    assert found["d/e/f.txt"] == b"ce013625030ba8dba906f756967f9e9ca394464a"  # git hash-object of "hello\n"
    for row in GitObject.objects.filter(repository=repository):
        assert store[row.oid.encode()].id.decode() == row.oid


def test_a_stale_head_is_refused_and_stores_nothing() -> None:
    repository = RepositoryFactory()
    seen = repository.head
    put(repository, {"a.txt": "1"})
    objects = GitObject.objects.count()

    with pytest.raises(StaleHead) as caught:
        apply(repository, AddFile("a.txt", b"late"), expected_head=seen)

    assert caught.value.details["expected"] == seen
    assert GitObject.objects.count() == objects
    assert repository.commits.count() == 2


def test_an_abbreviated_head_is_enough() -> None:
    repository = RepositoryFactory()
    apply(repository, AddFile("a", b"1"), expected_head=repository.head[:7])
    with pytest.raises(StaleHead):
        apply(repository, AddFile("a", b"1"), expected_head="abc")


@pytest.mark.parametrize("path", ["../x", "/x", ".git/config", "a//b", "nul", "a\x00b"])
def test_a_bad_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidPath):
        apply(RepositoryFactory(), AddFile(path, b"x"))


@pytest.mark.parametrize("pair", [("README.md", "readme.MD"), ("a", "a/b")])
def test_paths_that_clash_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(PathConflict):
        apply(RepositoryFactory(), *(AddFile(path, b"x") for path in pair))


def test_deleting_what_is_not_there_is_refused() -> None:
    with pytest.raises(FileToDeleteMissing):
        apply(RepositoryFactory(), DeleteFile("nothing"))
    with pytest.raises(FileToDeleteMissing):
        apply(RepositoryFactory(), DeleteFolder("nothing"))


def test_content_that_nobody_delivered_is_refused() -> None:
    with pytest.raises(UnknownContent):
        apply(RepositoryFactory(), AddLarge("model.bin", "0" * 64))


def test_limits_are_kept(settings) -> None:
    repository = RepositoryFactory()
    settings.SMALLHUB_MAX_FILES_PER_REPOSITORY = 2
    with pytest.raises(TooManyFiles):
        put(repository, {"a": "1", "b": "2"})
    settings.SMALLHUB_COMMIT_BYTES = 10
    with pytest.raises(CommitTooLarge):
        put(repository, {"a": "x" * 11})


def test_only_branches_can_be_committed_to() -> None:
    with pytest.raises(RevisionNotFound):
        apply(RepositoryFactory(), AddFile("a", b"1"), branch="nowhere")


def test_strangers_may_not_commit_and_do_not_learn_of_private_repositories() -> None:
    with pytest.raises(RepositoryForbidden):
        apply(RepositoryFactory(), AddFile("a", b"1"), user=UserFactory())
    with pytest.raises(RepositoryNotFound):
        apply(RepositoryFactory(private=True), AddFile("a", b"1"), user=UserFactory())


def test_a_branch_goes_its_own_way_and_leaves_the_head_alone() -> None:
    repository = RepositoryFactory()
    create_branch(repository=repository, user=repository.creator, name="side")
    head = repository.head

    made = apply(repository, AddFile("side.txt", b"1"), branch="side")

    repository.refresh_from_db()
    assert repository.head == head
    assert repository.refs.get(name="refs/heads/side").commit == made.oid


def test_the_row_shows_what_the_card_and_the_files_say() -> None:
    repository = RepositoryFactory()
    put(
        repository,
        {
            "README.md": "---\nlicense: mit\nlanguage: en\n---\n# T\n\nWhat it does.\n",
            "config.json": '{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}',
        },
    )

    repository.refresh_from_db()
    assert (repository.licence, repository.task, repository.library) == ("mit", "text-generation", "transformers")
    assert repository.summary == "What it does."
    tags = set(repository.tag_rows.values_list("tag", flat=True))
    assert {"license:mit", "language:en", "transformers", "text-generation"} <= tags
    assert Repository.objects.tagged("license:mit", "language:en").get() == repository


@pytest.mark.django_db(transaction=True)
def test_of_many_commits_on_one_head_exactly_one_wins() -> None:
    repository = RepositoryFactory()
    head = repository.head
    start = threading.Barrier(16)
    outcomes: list[str] = []

    def attempt(number: int) -> None:
        start.wait()
        try:
            apply(repository, AddFile("a.txt", str(number).encode()), expected_head=head)
            outcomes.append("won")
        except StaleHead:
            outcomes.append("stale")
        finally:
            close_old_connections()
            connection.close()

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["stale"] * 15 + ["won"]
    assert repository.commits.count() == 2
