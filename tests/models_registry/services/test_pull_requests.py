import threading

import pytest
from django.db import connection

from evaluation.models import Evaluation
from hub.core.exceptions import HubError
from models_registry.diffing import changes
from models_registry.exceptions import (
    InvalidDiscussion,
    MergeConflict,
    RepositoryForbidden,
    RevisionNotFound,
    WrongStatus,
)
from models_registry.history import merge_base
from models_registry.manifests import listing_of
from models_registry.models import Commit, Discussion, DiscussionStatus, EventKind, GitObject, Repository
from models_registry.services import discussions
from models_registry.services.commits import commit
from models_registry.services.diffs import patch
from models_registry.services.pull_requests import (
    Opened,
    changed,
    commits_of,
    merge_pull_request,
    open_pull_request,
    weigh,
)
from models_registry.services.refs import create_branch
from models_registry.types import AddFile, DeleteFile
from tests.factories.accounts import UserFactory
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db

TEXT = "one\ntwo\nthree\nfour\n"


def filled() -> Repository:
    repository = RepositoryFactory(draft=True)
    put(repository, {"notes.txt": TEXT, "old.txt": "old"})
    return repository


def proposed(repository: Repository, body: str = TEXT.replace("four", "4"), path: str = "notes.txt", **more) -> Opened:
    return open_pull_request(
        repository=repository,
        user=more.pop("user", None) or UserFactory(),
        title="Better notes",
        operations=[AddFile(path, body.encode())],
        **more,
    )


def head(repository: Repository, name: str = "refs/heads/main"):
    return repository.commits.get(oid=repository.refs.get(name=name).commit)


def text(repository: Repository, path: str) -> str:
    entry = listing_of(head(repository)).files[path]
    return bytes(GitObject.objects.get(repository=repository, oid=entry.oid).body).decode()


def test_a_pull_request_has_a_ref_of_its_own_and_leaves_its_base_alone():
    repository = filled()
    before = head(repository)

    made = proposed(repository)

    assert made.discussion.ref == "refs/pr/1"
    assert head(repository, "refs/pr/1") == made.commit
    assert made.commit.parents == [before.oid]
    assert head(repository) == before
    assert made.discussion.status == DiscussionStatus.OPEN
    assert Evaluation.objects.get(commit=made.commit).status == Evaluation.Status.QUEUED


def test_a_merge_has_both_heads_as_parents_and_names_the_pull_request():
    repository = filled()
    made = proposed(repository)
    put(repository, {"notes.txt": TEXT.replace("one", "1"), "more.txt": "more"})
    ours = head(repository)

    merge_pull_request(discussion=made.discussion, user=repository.creator)

    merge = head(repository)
    assert merge.parents == [ours.oid, made.commit.oid]
    assert merge.title == "Better notes (#1)"
    assert text(repository, "notes.txt") == "1\ntwo\nthree\n4\n"
    assert listing_of(merge).files.keys() == {".gitattributes", "notes.txt", "old.txt", "more.txt"}
    thread = Discussion.objects.get()
    assert (thread.status, thread.merge_commit) == ("merged", merge.oid)
    assert Repository.objects.get(pk=repository.pk).head == merge.oid
    assert Evaluation.objects.filter(commit=merge).exists()


def test_the_same_lines_changed_on_both_sides_are_a_conflict_and_nothing_moves():
    repository = filled()
    made = proposed(repository)
    put(repository, {"notes.txt": TEXT.replace("four", "IV")})
    before = head(repository)

    with pytest.raises(MergeConflict) as refused:
        merge_pull_request(discussion=made.discussion, user=repository.creator)

    assert refused.value.paths == ("notes.txt",)
    assert head(repository) == before
    assert Discussion.objects.get().status == DiscussionStatus.OPEN


def test_a_conflict_is_solved_by_another_commit_to_the_pull_request():
    repository, author = filled(), UserFactory()
    made = proposed(repository, user=author)
    put(repository, {"notes.txt": TEXT.replace("four", "IV")})
    commit(
        repository=repository,
        user=author,
        branch="refs/pr/1",
        title="Take theirs",
        operations=[AddFile("notes.txt", TEXT.replace("four", "IV").encode()), AddFile("new.txt", b"n")],
    )

    merge_pull_request(discussion=made.discussion, user=repository.creator)

    assert text(repository, "new.txt") == "n"
    assert made.discussion.events.filter(kind=EventKind.COMMIT).count() == 2


@pytest.mark.parametrize("theirs", [b"other", None])
def test_one_side_deletes_what_the_other_changes(theirs):
    repository = filled()
    made = proposed(repository, body="changed", path="old.txt")
    operation = DeleteFile("old.txt") if theirs is None else AddFile("old.txt", theirs)
    commit(repository=repository, user=repository.creator, branch="main", title="Away", operations=[operation])

    with pytest.raises(MergeConflict):
        merge_pull_request(discussion=made.discussion, user=repository.creator)


def test_names_that_would_be_one_on_some_file_systems_conflict():
    repository = filled()
    made = proposed(repository, body="x", path="Readme.txt")
    put(repository, {"README.txt": "y"})

    assert weigh(made.discussion).conflicts == ["README.txt", "Readme.txt"]
    with pytest.raises(MergeConflict):
        merge_pull_request(discussion=made.discussion, user=repository.creator)


def test_only_those_who_may_write_merge():
    repository, author = filled(), UserFactory()
    made = proposed(repository, user=author)

    with pytest.raises(RepositoryForbidden):
        merge_pull_request(discussion=made.discussion, user=author)


@pytest.mark.parametrize("status", ["draft", "closed", "merged", "empty"])
def test_what_is_not_open_or_has_nothing_new_is_not_merged(status: str):
    repository = filled()
    made = (
        proposed(repository)
        if status != "empty"
        else Opened(open_pull_request(repository=repository, user=UserFactory(), title="Nothing yet").discussion)
    )
    if status != "empty":
        Discussion.objects.update(status=status)

    with pytest.raises(WrongStatus):
        merge_pull_request(discussion=made.discussion, user=repository.creator)


def test_a_closed_pull_request_takes_no_commits():
    repository, author = filled(), UserFactory()
    made = proposed(repository, user=author)
    discussions.set_status(discussion=made.discussion, user=author, status=DiscussionStatus.CLOSED)

    with pytest.raises(WrongStatus):
        commit(repository=repository, user=author, branch="refs/pr/1", title="More", operations=[AddFile("a", b"a")])


def test_a_stranger_commits_neither_to_anothers_pull_request_nor_to_a_branch():
    repository = filled()
    proposed(repository)
    for branch in ("refs/pr/1", "main", "refs/heads/main"):
        with pytest.raises(RepositoryForbidden):
            commit(repository=repository, user=UserFactory(), branch=branch, title="x", operations=[AddFile("a", b"a")])
    for branch in ("refs/pr/2", "refs/pr/01", "refs/pr/x", "refs/pr/" + "9" * 30):
        with pytest.raises(RevisionNotFound):
            commit(repository=repository, user=UserFactory(), branch=branch, title="x", operations=[AddFile("a", b"a")])


def test_writers_help_with_the_pull_requests_of_others():
    repository = filled()
    made = proposed(repository)

    commit(
        repository=repository,
        user=repository.creator,
        branch="refs/pr/1",
        title="Help",
        operations=[AddFile("help.txt", b"h")],
    )

    assert [row.title for row in commits_of(made.discussion, weigh(made.discussion))] == ["Help", "Better notes"]


@pytest.mark.parametrize("base", ["missing", "refs/pr/1", "v1", "0" * 40])
def test_a_pull_request_is_for_a_branch_that_is_there(base: str):
    with pytest.raises(RevisionNotFound):
        proposed(filled(), base=base)
    assert not Discussion.objects.exists()


def test_a_branch_becomes_a_pull_request_with_its_commits():
    repository = filled()
    create_branch(repository=repository, user=repository.creator, name="trial", start=None)
    for name in ("a", "b"):
        commit(
            repository=repository,
            user=repository.creator,
            branch="trial",
            title=f"Add {name}",
            operations=[AddFile(name, b"x")],
        )

    made = open_pull_request(
        repository=repository, user=repository.creator, title="Try it", branch="trial", base="main"
    ).discussion

    assert [event.data["subject"] for event in made.events.filter(kind=EventKind.COMMIT)] == ["Add a", "Add b"]
    merge_pull_request(discussion=made, user=repository.creator)
    assert [row.title for row in commits_of(Discussion.objects.get(pk=made.pk), None)] == ["Add b", "Add a"]


@pytest.mark.parametrize(("branch", "base"), [("main", "main"), ("same", "main")])
def test_a_branch_without_anything_new_becomes_none(branch: str, base: str):
    repository = filled()
    create_branch(repository=repository, user=repository.creator, name="same", start=None)

    with pytest.raises(InvalidDiscussion):
        open_pull_request(repository=repository, user=repository.creator, title="Try it", branch=branch, base=base)
    assert not Discussion.objects.exists()
    assert not repository.refs.filter(name__startswith="refs/pr/").exists()


def test_the_difference_is_that_of_the_pull_request_alone_and_stays_after_the_merge():
    repository = filled()
    made = proposed(repository)
    put(repository, {"more.txt": "more"})
    shown = patch_of(repository, *changed(made.discussion, weigh(made.discussion)))

    merge_pull_request(discussion=made.discussion, user=repository.creator)
    merged = Discussion.objects.select_related("repository__namespace").get()

    assert "more.txt" not in shown
    assert "\n-four\n+4\n" in shown
    assert patch_of(repository, *changed(merged, None)) == shown


def patch_of(repository: Repository, before: Commit, after: Commit) -> str:
    found = changes(listing_of(before), listing_of(after))
    return b"".join(patch(repository, found, held=set())).decode()


@pytest.mark.django_db(transaction=True)
def test_of_two_merges_at_once_one_wins_and_both_leave_one_merge():
    repository = filled()
    made = proposed(repository)
    told: list[str] = []

    def work():
        try:
            mine = Discussion.objects.select_related("repository__namespace").get(pk=made.discussion.pk)
            merge_pull_request(discussion=mine, user=repository.creator)
            told.append("merged")
        except HubError as error:
            told.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told) == ["merged", *["wrong_status"] * 3]
    assert repository.commits.filter(title="Better notes (#1)").count() == 1


def test_the_merge_base_is_found_across_merges_and_far_back():
    repository = filled()
    first = proposed(repository, body="x", path="x.txt")
    start = head(repository)
    for number in range(230):
        put(repository, {"count.txt": str(number)})
    assert merge_base(repository, head(repository), first.commit) == start

    merge_pull_request(discussion=first.discussion, user=repository.creator)

    assert merge_base(repository, head(repository), first.commit) == first.commit
    assert weigh(Discussion.objects.select_related("repository__namespace").get()).is_empty


def test_histories_that_share_nothing_conflict_where_they_differ():
    repository = filled()
    other = filled()
    made = proposed(repository)
    made.commit.parents = []
    made.commit.save()

    found = weigh(made.discussion)

    assert found.start is None
    assert found.conflicts == ["notes.txt"]
    assert other.pk != repository.pk
