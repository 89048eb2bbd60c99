import threading

import pytest
from django.db import connection

from models_registry.models import Content
from models_registry.services import content
from models_registry.storage.exceptions import CorruptContent
from models_registry.storage.xorb import Scheme
from tests.factories.content import noise, put_plain, send, sha256
from tests.factories.registry import RepositoryFactory
from tests.factories.stores import cut, flip

pytestmark = pytest.mark.django_db

DATA = noise(2_000_000, seed=8)


def damage(store, offset):
    (blob,) = store.iterate()
    flip(store, blob.digest, offset)


@pytest.mark.parametrize("scheme", list(Scheme))
def test_every_scheme_reads_back(scheme):
    data = b"abcdefgh" * 40_000 + noise(100_000)
    repository = RepositoryFactory()
    send(repository, data, scheme=scheme)

    assert b"".join(content.read(Content.objects.get())) == data


@pytest.mark.parametrize("offset", [0, 4, 5, 9, 1_000_000, 2_000_000])
def test_a_flipped_byte_never_leaves(store, offset):
    found = put_plain(RepositoryFactory(), DATA)
    damage(store, offset)

    received = []
    with pytest.raises(CorruptContent):
        received.extend(content.read(found))

    sent = b"".join(received)
    assert DATA.startswith(sent)
    assert len(sent) < len(DATA)


def test_a_lost_blob_is_damage(store):
    found = put_plain(RepositoryFactory(), DATA)
    for blob in list(store.iterate()):
        store.delete(blob.digest)

    with pytest.raises(CorruptContent):
        list(content.read(found))


def test_a_truncated_blob_is_damage(store):
    found = put_plain(RepositoryFactory(), DATA)
    (blob,) = store.iterate()
    cut(store, blob.digest, 1_500_000)

    with pytest.raises(CorruptContent):
        list(content.read(found))


def test_a_range_in_a_sound_part_of_a_damaged_file_is_sent(store):
    found = put_plain(RepositoryFactory(), DATA)
    damage(store, 1_900_000)

    assert b"".join(content.read(found, 100, 1000)) == DATA[100:1000]


def test_materialise_gives_a_whole_verified_read_only_file():
    found = put_plain(RepositoryFactory(), DATA)

    assert content.cached_path(found) is None
    path = content.materialise(found)

    assert path.read_bytes() == DATA
    assert path.stat().st_mode & 0o222 == 0
    assert content.cached_path(found) == content.materialise(found) == path


def test_materialise_of_damaged_bytes_leaves_nothing(store):
    found = put_plain(RepositoryFactory(), DATA)
    damage(store, 1_900_000)

    with pytest.raises(CorruptContent):
        content.materialise(found)

    assert content.cached_path(found) is None


@pytest.mark.django_db(transaction=True)
def test_materialise_by_many_at_once_gives_one_file(own_data):
    found = put_plain(RepositoryFactory(), DATA)
    paths = []

    def work():
        try:
            paths.append(content.materialise(found))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(paths)) == 1
    assert len(paths) == 6
    assert sha256(paths[0].read_bytes()) == found.sha256
