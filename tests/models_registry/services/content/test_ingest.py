import io
import os
import tracemalloc

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from models_registry.exceptions import GatedRepository, RepositoryNotFound
from models_registry.models import Content, Gated, RepositoryContent, Visibility
from models_registry.models import Xorb as XorbRow
from models_registry.services import content
from models_registry.storage import hashing
from models_registry.storage.exceptions import BadDigest, FileTooLarge, HashMismatch, SizeMismatch, StoreFull
from tests.factories.accounts import UserFactory
from tests.factories.content import chunks_of, noise, put_plain, send, sha256
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository():
    return RepositoryFactory()


def ingest(repository, data, **kwargs):
    arguments = {"user": repository.creator, "stream": io.BytesIO(data), "size_bytes": len(data)} | kwargs
    return content.ingest(repository=repository, **arguments)


@pytest.mark.parametrize("size", [0, 1, 8192, 131_072, 131_073, 3_000_001])
def test_what_goes_in_comes_out(repository, size):
    data = noise(size, seed=size)

    found = ingest(repository, data, sha256=sha256(data))

    assert b"".join(content.read(found)) == data
    assert found.xet_hash == hashing.file_hash([(hashing.chunk_hash(chunk), len(chunk)) for chunk in chunks_of(data)])
    assert RepositoryContent.objects.filter(repository=repository, content=found).exists()


@given(st.integers(0, 1_999_999), st.integers(0, 1_999_999))
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_range_comes_out(repository, one, other):
    data = noise(2_000_000, seed=1)
    found = Content.objects.filter(sha256=sha256(data)).first() or ingest(repository, data)
    start, stop = sorted((one, other))

    assert b"".join(content.read(found, start, stop)) == data[start:stop]


def test_a_file_of_repeated_chunks_is_stored_once(repository, stored_bytes):
    found = ingest(repository, bytes(20_000_000))

    assert stored_bytes() < 2000
    assert b"".join(content.read(found)) == bytes(20_000_000)


def test_a_changed_file_stores_the_changed_chunks(repository, stored_bytes):
    base = noise(20_000_000, seed=2)
    ingest(repository, base)
    before = stored_bytes()

    changed = b"new header" + base[:9_000_000] + noise(300_000, seed=3) + base[9_300_000:]
    found = ingest(repository, changed)

    assert stored_bytes() - before < 900_000
    assert b"".join(content.read(found)) == changed


def test_chunks_of_readable_repositories_are_not_stored_again(repository, stored_bytes):
    base = noise(10_000_000, seed=2)
    send(RepositoryFactory(), base)
    before = stored_bytes()

    found = ingest(repository, noise(500_000, seed=9) + base)

    assert stored_bytes() - before < 1_000_000
    assert b"".join(content.read(found)) == noise(500_000, seed=9) + base


def test_chunks_of_private_repositories_are_stored_again_in_packs_of_ones_own(repository, stored_bytes):
    base = noise(3_000_000, seed=2)
    ingest(RepositoryFactory(private=True), b"prefix" * 50_000 + base)
    before = stored_bytes()

    ingest(repository, base)

    assert stored_bytes() - before > 2_900_000


def test_the_same_private_file_is_stored_once(repository, stored_bytes):
    base = noise(3_000_000, seed=2)
    ingest(RepositoryFactory(private=True), base)
    before = stored_bytes()

    ingest(repository, base)

    assert stored_bytes() == before
    assert Content.objects.count() == 1


def test_reading_goes_on_when_the_base_is_deleted(repository):
    base = noise(2_000_000, seed=2)
    public = RepositoryFactory()
    put_plain(public, base)
    found = ingest(repository, b"x" * 10 + base)

    public.delete()

    assert b"".join(content.read(found)) == b"x" * 10 + base


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"sha256": sha256(b"other")}, HashMismatch),
        ({"sha256": "nonsense"}, BadDigest),
        ({"size_bytes": 999_999}, SizeMismatch),
        ({"size_bytes": 1_000_001}, SizeMismatch),
    ],
)
def test_a_lie_is_refused_and_nothing_kept(repository, store, changes, error):
    with pytest.raises(error):
        ingest(repository, noise(1_000_000), **changes)

    assert list(store.iterate()) == []
    assert store.clean_scratch(older_than_s=-60) == 0
    assert not Content.objects.exists()
    assert not XorbRow.objects.exists()


def test_a_10_gb_claim_is_refused_before_a_byte_is_read(repository):
    class Untouchable:
        def read(self, size=-1):
            raise AssertionError("A byte was read.")

    with pytest.raises(FileTooLarge) as caught:
        ingest(repository, b"", stream=Untouchable(), size_bytes=10 * 10**9)

    assert caught.value.code == "file_too_large"


def test_a_body_that_breaks_off_keeps_nothing(repository, store):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 2_000_000:
                raise ConnectionResetError
            return super().read(size)

    with pytest.raises(ConnectionResetError):
        ingest(repository, b"", stream=Broken(noise(5_000_000)), size_bytes=5_000_000)

    assert list(store.iterate()) == []
    assert store.clean_scratch(older_than_s=-60) == 0


def test_who_is_kept_out_may_not_send():
    hidden, gated = RepositoryFactory(visibility=Visibility.PRIVATE), RepositoryFactory()
    gated.gated = Gated.MANUAL
    gated.save()

    with pytest.raises(RepositoryNotFound):
        ingest(hidden, b"x", user=UserFactory())
    with pytest.raises(GatedRepository):
        ingest(gated, b"x", user=UserFactory())


def test_a_full_disk_is_told_and_keeps_nothing(repository, store, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(StoreFull):
        ingest(repository, noise(1_000_000))

    assert list(store.iterate()) == []
    assert not Content.objects.exists()


def test_memory_does_not_grow_with_the_file(repository):
    class Endless:
        def __init__(self):
            self.left = 96 << 20
            self.seed = 0

        def read(self, size=-1):
            self.seed += 1
            data = noise(min(size, self.left), seed=self.seed)
            self.left -= len(data)
            return data

    tracemalloc.start()
    content.ingest(repository=repository, user=repository.creator, stream=Endless(), size_bytes=96 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 40 << 20  # An S3 client holds parts on their way beside what the packing needs.


def test_find_readable_needs_a_link_that_the_reader_may_follow(repository):
    private = RepositoryFactory(private=True)
    data = noise(200_000)
    put_plain(private, data)
    stranger = repository.creator

    assert content.find_readable(repository=repository, user=stranger, sha256=sha256(data)) is None
    assert content.find_readable(repository=repository, user=private.creator, sha256=sha256(data)) is not None
    private.visibility = Visibility.PUBLIC
    private.save()
    assert content.find_readable(repository=repository, user=stranger, sha256=sha256(data)) is not None


def test_link_lets_a_repository_read_what_its_writer_may_read(repository):
    public = RepositoryFactory()
    data = noise(200_000)
    put_plain(public, data)
    found = content.find_readable(repository=repository, user=repository.creator, sha256=sha256(data))

    content.link(repository=repository, content=found)
    content.link(repository=repository, content=found)
    public.delete()

    kept = content.find_readable(repository=repository, user=repository.creator, sha256=sha256(data))
    assert b"".join(content.read(kept)) == data
