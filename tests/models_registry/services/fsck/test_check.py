"""One broken promise at a time: it is found, named, and nothing else is."""

import json

import pytest
from django.core.management import call_command

from models_registry.models import Blob, BlobState, Content, GitObject, Ref, RepositoryContent, StorageUse, Xorb
from models_registry.services import content
from models_registry.services.commits import commit
from models_registry.services.fsck import check_all, find_notes
from models_registry.storage.blobs import blob_store
from models_registry.types import AddLarge
from tests.factories.content import noise, put_plain
from tests.factories.registry import RepositoryFactory, put
from tests.factories.stores import cut, flip, let_days_pass

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository():
    made = RepositoryFactory(name="tiny")
    put(made, {"a.txt": "a"})
    found = put_plain(made, noise(200_000))
    operation = AddLarge("weights/model.bin", found.sha256, found.size_bytes)
    commit(repository=made, user=made.creator, branch="main", title="Put", operations=[operation])
    return made


def faults(**kwargs):
    return [fault.what for fault in check_all(**kwargs)]


def test_a_whole_hub_has_no_fault(repository):
    assert faults(deep=True) == []
    assert list(find_notes()) == []


def break_count(repository):
    StorageUse.objects.filter(repository=repository).update(content_bytes=7)


def break_ref(repository):
    Ref.objects.filter(repository=repository).update(commit="0" * 40)


def break_link(repository):
    RepositoryContent.objects.filter(repository=repository).delete()


def break_object(repository):
    GitObject.objects.filter(repository=repository, type=GitObject.Type.BLOB).delete()


def break_books(repository):
    Blob.objects.update(state=BlobState.LEAVING)


def break_packs(repository):
    Xorb.objects.all().delete()


def break_size(repository):
    Content.objects.update(size_bytes=9)


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (break_count, "bytes are counted"),
        (break_ref, "which is no commit here"),
        (break_link, "is not linked to this repository"),
        (break_object, "is missing"),
        (break_books, "not in the books"),
        (break_packs, "which do not exist"),
        (break_size, "not of 9"),
    ],
)
def test_a_broken_promise_is_found(repository, break_it, said):
    break_it(repository)

    assert any(said in what for what in faults())


@pytest.mark.parametrize("damage", ["lose", "cut", "flip"])
def test_damage_names_repository_revision_and_path(repository, damage, capsys):
    store, digest = blob_store(), Blob.objects.get().digest
    if damage == "lose":
        store.delete(digest)
    elif damage == "cut":
        cut(store, digest, 100)
    else:
        flip(store, digest, 100)

    with pytest.raises(SystemExit):
        call_command("fsck", "--deep", "--json")
    (found,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    revision = repository.refs.get().commit
    assert found["severity"] == "fault"
    assert found["uses"] == [{"repository": repository.full_name, "revision": revision, "path": "weights/model.bin"}]


def test_what_is_merely_left_over_is_a_note_and_no_fault(repository, capsys):
    put_plain(repository, noise(100_000, 3))
    RepositoryContent.objects.filter(content__size_bytes=100_000).delete()
    Content.objects.filter(size_bytes=100_000).delete()
    Xorb.objects.filter(raw_bytes=100_000).delete()
    let_days_pass(31)
    with blob_store().scratch() as scratch:
        scratch.write(b"newer than the database")
        blob_store().put(scratch)

    call_command("fsck", "--deep")

    said = capsys.readouterr().out
    assert "that nothing names" in said
    assert "that no row knows" in said
    assert "✓ Everything is whole." in said


def test_counts_can_be_put_right(repository, capsys):
    break_count(repository)

    call_command("fsck", "--mend-counts")

    assert "✓ Everything is whole." in capsys.readouterr().out


def test_the_scrub_finds_every_damaged_blob_in_one_pass_and_remembers(repository):
    for seed in range(12):
        put_plain(repository, noise(40_000, 50 + seed))
    digests = list(Blob.objects.order_by("pk").values_list("digest", flat=True))
    for digest in digests[2:5]:
        flip(blob_store(), digest, 17)
    blob_store().delete(digests[6])

    done = content.scrub(seconds=60)

    assert (done.blobs, done.damaged) == (13, 4)
    assert set(Blob.objects.exclude(damage="").values_list("digest", flat=True)) == {*digests[2:5], digests[6]}
    assert content.scrub(seconds=60).blobs == 0
    assert content.damaged_blobs() == 4


def test_the_scrub_keeps_to_its_rate(repository, settings):
    settings.SMALLHUB_SCRUB_RATE_BYTES = 1
    put_plain(repository, noise(40_000, 50))

    done = content.scrub(seconds=0.5)

    assert done.blobs == 1


@pytest.mark.parametrize("notice", [True, False])
def test_good_bytes_that_come_again_mend_what_was_found(repository, notice):
    data = noise(200_000)
    flip(blob_store(), Blob.objects.get().digest, 100)
    assert content.scrub(seconds=60).damaged == 1

    if notice:
        put_plain(repository, data)
    else:
        put_plain(RepositoryFactory(), data)

    assert content.damaged_blobs() == 0
    assert faults(deep=True) == []


def test_the_command_reads_everything(repository, capsys):
    content.scrub(seconds=60)
    call_command("scrub")

    assert "1 blobs of" in capsys.readouterr().out
