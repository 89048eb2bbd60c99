import io
import threading

import pytest
from django.db import connection

from models_registry.exceptions import GatedRepository, RepositoryNotFound
from models_registry.models import Chunk, Gated, RepositoryXorb
from models_registry.models import Xorb as XorbRow
from models_registry.services import content
from models_registry.storage.exceptions import BadDigest, HashMismatch, MalformedXorb
from models_registry.storage.xorb import Scheme
from tests.factories.accounts import UserFactory
from tests.factories.content import Xorb, chunks_of, noise, send_xorb
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


def store_body(repository, digest, body, user=None):
    return content.store_xorb(
        repository=repository,
        user=user or repository.creator,
        xorb_hash=digest,
        body=io.BytesIO(body),
        length=len(body),
    )


def test_a_xorb_is_stored_once_and_told_as_new_to_each_repository(store):
    first, second = RepositoryFactory(), RepositoryFactory()
    xorb = Xorb.of(chunks_of(noise(300_000)))

    answers = [send_xorb(first, xorb), send_xorb(second, xorb), send_xorb(first, xorb)]

    assert answers == [True, True, False]
    assert len(list(store.iterate())) == 1
    assert RepositoryXorb.objects.count() == 2


@pytest.mark.parametrize("at", [0, 3, 9, 5000, -1])
def test_a_changed_body_is_refused_and_leaves_nothing(store, at):
    repository = RepositoryFactory()
    xorb = Xorb.of(chunks_of(noise(100_000)))
    body = bytearray(xorb.body)
    body[at] ^= 1

    with pytest.raises((HashMismatch, MalformedXorb)):
        store_body(repository, xorb.hash, bytes(body))

    assert list(store.iterate()) == []
    assert store.clean_scratch(older_than_s=-60) == 0
    assert not XorbRow.objects.exists()


def test_a_wrong_hash_is_refused_also_if_both_xorbs_exist(store):
    repository = RepositoryFactory()
    one, two = (Xorb.of(chunks_of(noise(50_000, seed))) for seed in (1, 2))
    send_xorb(repository, one)
    send_xorb(repository, two)

    with pytest.raises(HashMismatch):
        store_body(repository, one.hash, two.body)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "a" * 63 + "/"])
def test_a_digest_never_becomes_a_path(digest):
    with pytest.raises(BadDigest):
        store_body(RepositoryFactory(), digest, b"x")


def test_who_is_kept_out_may_not_send(store):
    xorb, gated = Xorb.of([b"abc"]), RepositoryFactory()
    gated.gated = Gated.MANUAL
    gated.save()

    with pytest.raises(GatedRepository):
        send_xorb(gated, xorb, user=UserFactory())
    with pytest.raises(RepositoryNotFound):
        send_xorb(RepositoryFactory(private=True), xorb, user=UserFactory())

    assert list(store.iterate()) == []


def test_another_packing_of_the_same_chunks_keeps_the_first(store):
    repository = RepositoryFactory()
    chunks = [b"abc" * 20_000]
    plain, packed = Xorb.of(chunks), Xorb.of(chunks, Scheme.LZ4)
    send_xorb(repository, plain)

    send_xorb(repository, packed)

    row = XorbRow.objects.get()
    assert (plain.hash, row.stored_bytes) == (packed.hash, len(plain.body))


def test_a_lost_body_is_mended_by_another_packing(store):
    repository = RepositoryFactory()
    chunks = [b"abc" * 20_000]
    send_xorb(repository, Xorb.of(chunks))
    for blob in list(store.iterate()):
        store.delete(blob.digest)

    send_xorb(repository, Xorb.of(chunks, Scheme.LZ4))

    row = XorbRow.objects.get()
    assert store.size(row.blob) == row.stored_bytes


def test_a_few_chunks_of_each_xorb_are_indexed():
    xorb = Xorb.of([bytes([value % 256]) * (100 + value) for value in range(500)])
    send_xorb(RepositoryFactory(), xorb)

    count = Chunk.objects.count()
    assert 10 < count < 70
    assert Chunk.objects.filter(index=0).exists()


@pytest.mark.django_db(transaction=True)
def test_parallel_uploads_of_one_xorb_half_of_them_wrong_keep_it_right(store):
    repository = RepositoryFactory()
    xorb = Xorb.of(chunks_of(noise(200_000)))
    wrong = xorb.body[:-1] + bytes([xorb.body[-1] ^ 1])
    results = []

    def work(body):
        try:
            results.append(store_body(repository, xorb.hash, body))
        except HashMismatch:
            results.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(body,)) for body in [xorb.body, wrong] * 10]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results.count("refused") == 10
    assert XorbRow.objects.count() == RepositoryXorb.objects.count() == 1
    (blob,) = store.iterate()
    assert store.open(blob.digest).read() == xorb.body
