import os
import threading
import time

import pytest
from blake3 import blake3
from django.core.exceptions import ImproperlyConfigured

from models_registry.storage import blobs
from models_registry.storage.digests import BlobDigest
from models_registry.storage.exceptions import CorruptContent, StoreFull


@pytest.fixture
def store(tmp_path):
    return blobs.FileBlobStore(tmp_path / "store")


def put(store, data):
    with store.scratch() as scratch:
        scratch.write(data)
        return store.put(scratch)


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "lock"]


def test_bytes_come_back_under_their_hash(store):
    digest = put(store, b"hello")

    with store.open(digest) as stored:
        assert stored.read() == b"hello"
    assert digest == blake3(b"hello").hexdigest()
    assert store.size(digest) == 5
    assert [blob.digest for blob in store.iterate()] == [digest]


def test_a_second_put_changes_nothing(store):
    digest = put(store, b"hello")
    before = os.stat(store._path(digest)).st_ino

    assert put(store, b"hello") == digest
    assert os.stat(store._path(digest)).st_ino == before


def test_putting_good_bytes_mends_a_damaged_copy(store):
    digest = put(store, b"hello")
    store._path(digest).chmod(0o600)
    store._path(digest).write_bytes(b"jello")

    put(store, b"hello")

    assert store.open(digest).read() == b"hello"


def test_a_scratch_file_that_was_not_put_leaves_nothing(store):
    with store.scratch() as scratch:
        scratch.write(b"half")

    assert files_in(store.root) == []


def test_deleting_says_whether_there_was_something(store):
    digest = put(store, b"hello")

    assert store.delete(digest)
    assert not store.delete(digest)
    assert store.size(digest) is None
    with pytest.raises(CorruptContent):
        store.open(digest)


def test_parallel_puts_of_many_bytes_keep_every_key_true(store):
    values = [bytes([value]) * 50_000 for value in range(10)] * 5
    threads = [threading.Thread(target=put, args=(store, value)) for value in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    stored = list(store.iterate())
    assert len(stored) == 10
    assert all(blake3(store.open(blob.digest).read()).hexdigest() == blob.digest for blob in stored)
    assert list((store.root / "tmp").iterdir()) == []


def test_old_scratch_files_are_cleaned_and_young_ones_stay(store):
    old, young = store.root / "tmp" / "old", store.root / "tmp" / "young"
    old.write_bytes(b"x")
    young.write_bytes(b"x")
    os.utime(old, (time.time() - 7200,) * 2)

    assert store.clean_scratch(older_than_s=3600) == 1
    assert young.exists()
    assert not old.exists()


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path):
    """/dev/full answers every write with ENOSPC."""
    store = blobs.FileBlobStore(tmp_path / "store")
    with store.scratch() as scratch, open("/dev/full", "wb", buffering=0) as full:
        scratch._file.close()
        scratch._file = full
        with pytest.raises(StoreFull):
            scratch.write(b"hello")

    assert files_in(store.root) == []


def test_bytes_reach_the_disk_before_the_name_and_the_name_before_the_answer(store, monkeypatch):
    """The order that survives a power cut: file synced, then linked, then its folders synced."""
    calls = []
    real_sync, real_link = os.fsync, os.link

    def sync(descriptor):
        calls.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")
        real_sync(descriptor)

    def link(source, target):
        calls.append("link")
        real_link(source, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "link", link)

    put(store, b"hello")

    assert calls == ["file", "link", "folder", "folder", "folder"]


def test_a_failed_sync_is_never_acknowledged(store, monkeypatch):
    def fail(descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(OSError, match="Input/output"):
        put(store, b"hello")

    assert files_in(store.root) == []


def test_the_probe_leaves_nothing(store):
    assert blobs.self_test(store) == ""
    assert files_in(store.root) == []


def test_the_probe_fails_where_nothing_can_be_written(store):
    (store.root / "tmp").rmdir()
    (store.root / "tmp").write_text("in the way")

    with pytest.raises(OSError):
        blobs.self_test(store)


@pytest.mark.parametrize("url", ["", "ftp://x/y", "file://elsewhere/x", "file:relative", "/plain"])
def test_an_unknown_store_is_refused_by_name(url):
    with pytest.raises(ImproperlyConfigured, match="SMALLHUB_BLOBS"):
        blobs.open_store(url)


def test_a_file_address_opens_a_folder(tmp_path):
    store = blobs.open_store(f"file://{tmp_path}/with%20space")

    assert store.root == tmp_path / "with space"


def test_foreign_files_in_the_folder_are_not_listed(store):
    digest = put(store, b"hello")
    (store._path(digest).parent / "README").write_text("not a blob")

    assert [blob.digest for blob in store.iterate()] == [digest]
    assert isinstance(digest, BlobDigest)


def test_a_flipped_byte_is_found_before_it_is_sent_even_in_a_file_that_was_good(store):
    digest = put(store, b"hello" * 1000)
    store.open_checked(digest).close()
    with open(store._path(digest), "r+b") as file:
        file.seek(77)
        file.write(b"!")

    with pytest.raises(CorruptContent):
        store.open_checked(digest)


def test_a_checked_file_starts_at_its_beginning(store):
    digest = put(store, b"hello")

    with store.open_checked(digest) as first, store.open_checked(digest) as second:
        assert first.read() == second.read() == b"hello"


def test_a_blob_that_is_put_again_is_not_retired(store):
    digest = put(store, b"hello")
    os.utime(store._path(digest), (time.time() - 5000,) * 2)
    put(store, b"hello")

    assert not store.retire(digest, untouched_for_s=3600)
    assert store.open(digest).read() == b"hello"
    assert files_in(store.root / "tmp") == []


def test_a_forgotten_blob_is_retired_once(store):
    digest = put(store, b"hello")
    os.utime(store._path(digest), (time.time() - 5000,) * 2)

    assert store.retire(digest, untouched_for_s=3600)
    assert not store.retire(digest, untouched_for_s=3600)
    assert files_in(store.root) == []


def test_putting_and_retiring_at_once_never_loses_what_was_put(store):
    """What `put` returned for must be there, however often a collection comes in between."""
    stop, lost = threading.Event(), []
    digest = put(store, b"hello")

    def collect():
        while not stop.is_set():
            store.retire(digest, untouched_for_s=3600)

    collector = threading.Thread(target=collect)
    collector.start()
    for _ in range(200):
        put(store, b"hello")
        if store.size(digest) != 5:
            lost.append(digest)
        os.utime(store._path(digest), (time.time() - 5000,) * 2)
    stop.set()
    collector.join()

    assert lost == []
