"""What goes, what stays, and when."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command

from models_registry.models import Blob, Commit, Content, GitObject, RepositoryContent, StorageUse, Xorb
from models_registry.services import content, quotas, refs
from models_registry.services.collection import collect, keepers
from models_registry.services.commits import commit
from models_registry.services.fsck import check_all
from models_registry.services.releases import create_release
from models_registry.storage.blobs import blob_store
from models_registry.types import AddFile, AddLarge, CopyFile, DeleteFile
from tests.factories.content import noise, put_plain, send, sha256
from tests.factories.registry import RepositoryFactory, put
from tests.factories.stores import let_days_pass

pytestmark = pytest.mark.django_db
NOW = timedelta(0)


def put_large(repository, path, data, *, branch="main"):
    found = put_plain(repository, data)
    commit(
        repository=repository,
        user=repository.creator,
        branch=branch,
        title="Put",
        operations=[AddLarge(path, found.sha256, len(data))],
    )
    return found


def no_faults():
    assert [f"{fault.where}: {fault.what}" for fault in check_all(deep=True)] == []


def branch_off(repository, name="side"):
    refs.create_branch(repository=repository, user=repository.creator, name=name)


def delete_branch(repository, name="side"):
    refs.delete_branch(repository=repository, user=repository.creator, name=name)


def test_nothing_that_is_used_goes_however_old():
    repository = RepositoryFactory()
    put_large(repository, "a.bin", noise(200_000, 1))
    put(repository, {"b.txt": "b"})
    let_days_pass(400)
    before = (Commit.objects.count(), GitObject.objects.count(), Blob.objects.count())

    done = collect()

    assert not any(done.as_dict().values())
    assert (Commit.objects.count(), GitObject.objects.count(), Blob.objects.count()) == before
    no_faults()


def test_what_only_a_deleted_branch_used_goes_after_its_grace_and_not_before():
    repository = RepositoryFactory()
    put_large(repository, "a.bin", noise(200_000, 1))
    branch_off(repository)
    put_large(repository, "b.bin", noise(300_000, 2), branch="side")
    commit(repository=repository, user=repository.creator, branch="side", title="x", operations=[AddFile("x", b"only")])
    used = quotas.repository_storage(repository)
    delete_branch(repository)

    assert not any(collect().as_dict().values())
    let_days_pass(31)
    done = collect()

    assert (done.commits, done.links, done.contents, done.xorbs, done.blobs) == (2, 1, 1, 1, 1)
    assert done.git_objects >= 4
    assert done.freed_bytes > 300_000
    assert Content.objects.get().size_bytes == 200_000
    assert quotas.repository_storage(repository) < used - 300_000
    assert not quotas.correct(repository)
    no_faults()
    assert not any(collect(grace=NOW).as_dict().values())


def test_a_branch_that_comes_back_in_time_keeps_everything():
    repository = RepositoryFactory()
    branch_off(repository)
    put_large(repository, "b.bin", noise(300_000, 2), branch="side")
    oid = repository.refs.get(name="refs/heads/side").commit
    delete_branch(repository)
    collect()
    assert Commit.objects.get(oid=oid).unreachable_since is not None

    refs.create_branch(repository=repository, user=repository.creator, name="again", start=oid)
    let_days_pass(400)
    collect()

    assert Commit.objects.get(oid=oid).unreachable_since is None
    no_faults()


def test_a_release_holds_its_commit():
    repository = RepositoryFactory()
    branch_off(repository)
    put_large(repository, "b.bin", noise(300_000, 2), branch="side")
    create_release(repository=repository, user=repository.creator, name="v1", revision="side")
    delete_branch(repository)

    collect(grace=NOW)

    assert repository.releases.get().commit.manifest.file_count
    assert Content.objects.count() == 1
    no_faults()


def test_an_upload_that_was_never_committed_goes_after_its_grace():
    repository = RepositoryFactory()
    put_plain(repository, noise(200_000))
    send(repository, noise(150_000, 5))

    assert not any(collect().as_dict().values())
    let_days_pass(31)
    done = collect()

    assert (done.links, done.contents, done.xorbs, done.blobs) == (2, 2, 2, 2)
    assert list(blob_store().iterate()) == []
    assert StorageUse.objects.get(repository=repository).content_bytes == 0


def test_an_old_upload_that_is_sent_again_can_be_committed_after_a_collection():
    repository = RepositoryFactory()
    data = noise(200_000)
    put_plain(repository, data)
    let_days_pass(31)
    put_plain(repository, data)

    collect()

    assert b"".join(content.read(content.Content.objects.get(sha256=sha256(data)))) == data
    assert RepositoryContent.objects.count() == 1


def test_chunks_that_another_file_uses_stay():
    repository = RepositoryFactory()
    base = noise(2_000_000, 7)
    first = put_plain(repository, base)
    put_large(repository, "tuned.bin", base[:1_500_000] + noise(100_000, 8))
    let_days_pass(31)

    done = collect()

    assert (done.links, done.contents, done.xorbs) == (1, 1, 0)
    assert not Content.objects.filter(pk=first.pk).exists()
    no_faults()


def test_content_that_another_repository_holds_stays():
    mine, other = RepositoryFactory(), RepositoryFactory()
    data = noise(200_000)
    put_plain(mine, data)
    put_large(other, "a.bin", data)
    let_days_pass(31)

    done = collect()

    assert (done.links, done.contents) == (1, 0)
    no_faults()


def test_a_deleted_repository_leaves_nothing():
    repository = RepositoryFactory()
    put_large(repository, "a.bin", noise(200_000, 1))
    repository.delete()
    let_days_pass(31)

    done = collect()

    assert (done.contents, done.xorbs, done.blobs) == (1, 1, 1)
    assert list(blob_store().iterate()) == []


def test_bytes_without_a_row_are_kept_from_when_they_were_found(own_data):
    """As after the restore of an older database beside newer blobs."""
    store = blob_store()
    with store.scratch() as scratch:
        scratch.write(b"newer than the database")
        digest = store.put(scratch)

    assert collect().blobs == 0
    assert store.size(digest) is not None
    let_days_pass(31)
    assert collect().blobs == 1
    assert store.size(digest) is None


def test_what_a_part_of_the_hub_asks_for_stays(monkeypatch):
    repository = RepositoryFactory()
    data = noise(200_000)
    put_plain(repository, data)
    monkeypatch.setattr(keepers, "_keepers", [lambda asked: {sha256(data)} if asked == repository else set()])
    let_days_pass(31)

    assert not any(collect().as_dict().values())


def test_a_dry_run_changes_nothing():
    repository = RepositoryFactory()
    put_plain(repository, noise(200_000))
    let_days_pass(31)

    done = collect(dry_run=True)

    assert done.links == 1
    assert RepositoryContent.objects.count() == 1
    assert Commit.objects.filter(unreachable_since__isnull=False).count() == 0


def test_a_file_of_an_old_state_can_be_taken_up_again_before_it_goes():
    repository = RepositoryFactory()
    put_large(repository, "a.bin", noise(200_000, 1))
    oid = repository.commits.first().oid
    user = repository.creator
    commit(repository=repository, user=user, branch="main", title="x", operations=[DeleteFile("a.bin")])
    copy = CopyFile("b.bin", "a.bin", oid)
    commit(repository=repository, user=user, branch="main", title="y", operations=[copy])
    let_days_pass(31)

    assert not any(collect().as_dict().values())
    no_faults()


def test_the_command_says_what_it_did(capsys):
    repository = RepositoryFactory()
    put_plain(repository, noise(200_000))
    let_days_pass(10)

    call_command("gc")
    assert "Nothing is left over." in capsys.readouterr().out
    call_command("gc", "--dry-run", "--grace", "5")
    assert "Would remove 1 links" in capsys.readouterr().out
    call_command("gc", "--grace", "5", "--json")
    assert json.loads(capsys.readouterr().out)["blobs"] == 1
    assert Xorb.objects.count() == 0
