import os
import time

import pytest

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
