"""What holds of every store, tried on each."""

import threading
import uuid

import pytest
from blake3 import blake3
from django.core.exceptions import ImproperlyConfigured
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from models_registry.storage import blobs
from models_registry.storage.digests import BlobDigest
from models_registry.storage.exceptions import CorruptContent

BIG = bytes(range(256)) * 80_000  # 20 MB: three parts of an upload in parts.


def test_bytes_come_back_under_their_hash(any_store, put):
    digest = put(any_store, b"hello")

    with any_store.open(digest) as stored:
        assert stored.read() == b"hello"
    with any_store.open_checked(digest) as stored:
        assert stored.read() == b"hello"
    assert digest == blake3(b"hello").hexdigest()
    assert any_store.size(digest) == 5
    assert [(blob.digest, blob.size_bytes) for blob in any_store.iterate()] == [(digest, 5)]


def test_a_large_blob_comes_back_whole_and_by_pieces(any_store, put):
    digest = put(any_store, BIG)

    with any_store.open(digest) as stored:
        stored.seek(9_000_000)
        assert stored.read(3_000_000) == BIG[9_000_000:12_000_000]
        stored.seek(5)
        assert stored.read(10) == BIG[5:15]
        stored.seek(0)
        assert blake3(stored.read()).hexdigest() == digest
    with any_store.open_checked(digest) as stored:
        stored.seek(-7, 2)
        assert stored.read() == BIG[-7:]


def test_an_empty_blob_is_a_blob(any_store, put):
    digest = put(any_store, b"")

    assert any_store.size(digest) == 0
    assert any_store.open(digest).read() == b""


def test_a_second_put_is_harmless(any_store, put):
    digest = put(any_store, b"hello")

    assert put(any_store, b"hello") == digest
    assert any_store.open(digest).read() == b"hello"
    assert len(list(any_store.iterate())) == 1


def test_deleting_says_whether_there_was_something(any_store, put):
    digest = put(any_store, b"hello")

    assert any_store.delete(digest)
    assert not any_store.delete(digest)
    assert any_store.size(digest) is None
    with pytest.raises(CorruptContent):
        any_store.open(digest)
    with pytest.raises(CorruptContent):
        any_store.open_checked(digest)


def test_parallel_puts_of_many_bytes_keep_every_key_true(any_store, put):
    values = [bytes([value]) * 50_000 for value in range(10)] * 5
    threads = [threading.Thread(target=put, args=(any_store, value)) for value in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    stored = list(any_store.iterate())
    assert len(stored) == 10
    assert all(blake3(any_store.open(blob.digest).read()).hexdigest() == blob.digest for blob in stored)
    assert any_store.clean_scratch(older_than_s=-60) == 0


def test_the_probe_leaves_nothing(any_store):
    assert blobs.self_test(any_store) == ""
    assert list(any_store.iterate()) == []
    assert any_store.clean_scratch(older_than_s=-60) == 0


steps = st.lists(
    st.tuples(st.sampled_from(["put", "delete", "read", "size"]), st.integers(0, 5), st.integers(0, 400)), max_size=12
)


@tuned(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_a_store_behaves_as_a_dictionary(any_store, put, steps):
    """Of any six values, in any order of verbs."""
    salt = uuid.uuid4().bytes
    values = [salt + bytes([number]) * number * 70 for number in range(6)]
    keys = [BlobDigest(blake3(value).hexdigest()) for value in values]
    model: dict[str, bytes] = {}
    for verb, number, at in steps:
        key, value = keys[number], values[number]
        if verb == "put":
            assert put(any_store, value) == key
            model[key] = value
        elif verb == "delete":
            assert any_store.delete(key) == (model.pop(key, None) is not None)
        elif verb == "size":
            assert any_store.size(key) == (len(model[key]) if key in model else None)
        elif key in model:
            with any_store.open(key) as file:
                file.seek(at)
                assert file.read(50) == value[at : at + 50]
    assert {blob.digest for blob in any_store.iterate()} >= set(model)
    for key in model:
        any_store.delete(key)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://x/y",
        "file://elsewhere/x",
        "file:relative",
        "/plain",
        "s3:///prefix",
        "s3://key:secret@bucket",
        "s3://b?colour=1",
    ],
)
def test_an_unknown_store_is_refused_by_name(url, tmp_path):
    with pytest.raises(ImproperlyConfigured, match="SMALLHUB_BLOBS"):
        blobs.open_store(url, scratch=tmp_path)


def test_a_file_address_opens_a_folder(tmp_path):
    store = blobs.open_store(f"file://{tmp_path}/with%20space", scratch=tmp_path)

    assert isinstance(store, blobs.FileBlobStore)
    assert store.root == tmp_path / "with space"
