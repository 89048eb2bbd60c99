"""Collections without any grace beside uploads and commits; and killed at every step."""

import random
import threading
import time
from datetime import timedelta

import pytest
from django.db import connections

from models_registry.exceptions import UnknownContent
from models_registry.models import Blob, BlobState, Content, RepositoryContent, Xorb
from models_registry.services import content
from models_registry.services.collection import collect
from models_registry.services.commits import commit
from models_registry.services.content.blobs import claim, drop
from models_registry.services.fsck import check_all
from models_registry.storage.blobs import blob_store
from models_registry.storage.digests import BlobDigest
from models_registry.storage.exceptions import BeingCollected, UnknownXorb
from models_registry.types import AddLarge, DeleteFile
from tests.factories.content import noise, put_plain, send, sha256
from tests.factories.registry import RepositoryFactory
from tests.models_registry.services.content.test_crash import killed_at

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timedelta(0)


def no_faults():
    assert [f"{fault.where}: {fault.what}" for fault in check_all(deep=True)] == []


def test_beside_collections_without_grace_no_committed_byte_is_lost():
    """Refusals that tell the client to send again are fine; a commit that holds nothing is not."""
    repositories = [RepositoryFactory() for _ in range(3)]
    values = [noise(70_000 + number, number) for number in range(5)]
    stop, wrong, committed, refused = threading.Event(), [], [], []
    until = time.monotonic() + 12

    def upload(seed):
        dice = random.Random(seed)
        while time.monotonic() < until:
            repository, data = dice.choice(repositories), dice.choice(values)
            path = f"{seed}.bin"
            try:
                dice.choice([put_plain, send])(repository, data)
                user = repository.creator
                commit(
                    repository=repository,
                    user=user,
                    branch="main",
                    title="Put",
                    operations=[AddLarge(path, sha256(data), len(data))],
                )
                committed.append(seed)
                found = content.find_readable(repository=repository, user=user, sha256=sha256(data))
                if found is None or b"".join(content.read(found)) != data:
                    wrong.append((seed, path))
                commit(repository=repository, user=user, branch="main", title="x", operations=[DeleteFile(path)])
            except (BeingCollected, UnknownContent, UnknownXorb) as error:
                refused.append(error.code)
            except Exception as error:  # noqa: BLE001 - any other answer is what this test looks for.
                wrong.append((seed, repr(error)))
        connections.close_all()

    def keep_collecting():
        while not stop.is_set():
            try:
                collect(grace=NOW)
            except Exception as error:  # noqa: BLE001 - the same.
                wrong.append(("collection", repr(error)))
        connections.close_all()

    threads = [threading.Thread(target=upload, args=(seed,)) for seed in range(4)]
    collector = threading.Thread(target=keep_collecting)
    for thread in [*threads, collector]:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    collector.join()

    assert wrong == []
    assert len(committed) > 10
    no_faults()


def test_a_collection_killed_at_any_step_is_finished_by_the_next():
    outcomes = []
    for step in range(1, 400, 7):
        repository = RepositoryFactory()
        put_plain(repository, noise(100_000, step))
        kept = put_plain(repository, noise(90_000, 1000 + step))
        operation = AddLarge("kept.bin", kept.sha256, kept.size_bytes)
        commit(repository=repository, user=repository.creator, branch="main", title="x", operations=[operation])

        was_killed = killed_at(step, lambda: collect(grace=NOW))
        no_faults()
        collect(grace=NOW)

        no_faults()
        assert Content.objects.count() == Xorb.objects.count() == Blob.objects.count() == 1
        assert len(list(blob_store().iterate())) == 1
        outcomes.append(was_killed)
        repository.delete()
        collect(grace=NOW)
        if not was_killed:
            break

    assert outcomes.count(True) > 5
    assert not outcomes[-1]


def leaving(data):
    """A blob that nothing needs, marked by a collection that was stopped before it deleted it."""
    put_plain(RepositoryFactory(), data)
    RepositoryContent.objects.all().delete()
    Content.objects.all().delete()
    Xorb.objects.all().delete()
    Blob.objects.update(state=BlobState.LEAVING)
    return Blob.objects.get()


def test_a_collection_that_slept_before_deleting_takes_nothing_that_was_brought_again():
    data = noise(80_000)
    marked = leaving(data)
    put_plain(RepositoryFactory(), data)

    assert not drop(marked, blob_store())

    blob = Blob.objects.get(digest=marked.digest)
    assert blob.state == BlobState.PRESENT
    assert blob_store().size(BlobDigest(marked.digest)) == blob.size_bytes
    no_faults()


def test_bytes_that_a_killed_collection_had_deleted_are_written_again():
    data = noise(80_000)
    marked = leaving(data)
    blob_store().delete(BlobDigest(marked.digest))

    put_plain(RepositoryFactory(), data)

    assert Blob.objects.get(digest=marked.digest).state == BlobState.PRESENT
    no_faults()


def test_who_brings_bytes_while_they_are_being_deleted_waits_and_writes_them_anew():
    data = noise(80_000)
    marked = leaving(data)
    deleting, store = threading.Event(), blob_store()

    class Slow:
        def delete(self, digest):
            deleting.set()
            time.sleep(0.5)
            store.delete(digest)

    def finish():
        drop(marked, Slow())
        connections.close_all()

    collector = threading.Thread(target=finish)
    collector.start()
    assert deleting.wait(30)
    put_plain(RepositoryFactory(), data)
    collector.join()

    assert Blob.objects.get(digest=marked.digest).state == BlobState.PRESENT
    no_faults()


def test_a_claim_that_comes_after_the_collection_is_refused():
    with blob_store().scratch() as scratch:
        scratch.write(b"hello")
        digest = content.blobs.keep(scratch, blob_store())
    collect(grace=NOW)

    with pytest.raises(BeingCollected):
        claim(digest)
