"""Space is given out once, counted truly, and taken back."""

import io
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from models_registry.exceptions import QuotaExceeded
from models_registry.models import Content, RepositoryContent, Reservation
from models_registry.services import content, quotas
from models_registry.services.commits import commit
from models_registry.services.duplicates import duplicate_repository
from models_registry.storage.exceptions import SizeMismatch
from models_registry.types import AddFile, AddLarge, DeleteFile
from tests.factories.content import Xorb, chunks_of, noise, put_plain, send, send_xorb, sha256, shard_of
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db
SIZE = 300_000


def limited(limit_bytes, **kwargs):
    repository = RepositoryFactory(**kwargs)
    used = quotas.storage_used(repository.namespace).used_bytes
    quotas.set_limit(namespace=repository.namespace, limit_bytes=used + limit_bytes)
    return repository


def held(repository):
    return quotas.storage_used(repository.namespace).reserved_bytes


def test_every_way_of_taking_in_is_counted_once():
    repository = RepositoryFactory()
    data = noise(SIZE)
    before = quotas.repository_storage(repository)
    put_plain(repository, data)
    put_plain(repository, data)
    send(repository, data)

    assert quotas.repository_storage(repository) == before + SIZE
    send(repository, noise(1000, 3))
    assert quotas.repository_storage(repository) == before + SIZE + 1000
    assert not quotas.correct(repository)


def test_a_file_counts_for_each_namespace_whoever_stored_it_first():
    first, second = RepositoryFactory(), RepositoryFactory()
    put_plain(first, noise(SIZE))
    found = put_plain(second, noise(SIZE))

    assert Content.objects.count() == 1
    assert quotas.storage_used(second.namespace).used_bytes >= SIZE
    RepositoryContent.objects.filter(repository=second, content=found).delete()
    assert quotas.storage_used(second.namespace).used_bytes < SIZE
    assert quotas.storage_used(first.namespace).used_bytes >= SIZE


def test_a_file_over_the_limit_is_refused_before_a_byte_is_read():
    repository = limited(SIZE - 1)

    class Untouched(io.BytesIO):
        def read(self, *_):
            raise AssertionError

    with pytest.raises(QuotaExceeded) as caught:
        content.ingest(repository=repository, user=repository.creator, stream=Untouched(), size_bytes=SIZE)
    assert caught.value.details["wanted_bytes"] == SIZE
    assert held(repository) == 0


def test_a_file_of_exactly_the_limit_fits_and_no_byte_more():
    repository = limited(SIZE)
    put_plain(repository, noise(SIZE))

    assert held(repository) == 0
    with pytest.raises(QuotaExceeded):
        put_plain(repository, b"x" * 200_000)


def test_a_liar_of_one_byte_is_cut_and_holds_nothing():
    repository = limited(SIZE)

    with pytest.raises(SizeMismatch):
        content.ingest(
            repository=repository, user=repository.creator, stream=io.BytesIO(noise(SIZE + 1)), size_bytes=SIZE
        )
    assert held(repository) == 0
    assert Content.objects.count() == 0


def test_packs_hold_space_until_a_file_is_made_of_them():
    repository = limited(SIZE + 50_000)
    data = noise(SIZE)
    xorb = Xorb.of(chunks_of(data))
    send_xorb(repository, xorb)
    assert held(repository) == len(xorb.body)

    with pytest.raises(QuotaExceeded):
        send_xorb(repository, Xorb.of(chunks_of(noise(SIZE, 9))))
    content.register_shard(repository=repository, user=repository.creator, body=shard_of(xorb, data))

    assert held(repository) == 0
    assert RepositoryContent.objects.count() == 1


def test_a_file_of_known_chunks_counts_whole():
    """Chunks need not be sent again, so the limit is asked when the file is registered."""
    repository = limited(SIZE + SIZE // 2)
    data = noise(SIZE)
    xorb = send(repository, data)
    table = xorb.table
    part = data[: table.raw_offset(len(table) - 1)]

    with pytest.raises(QuotaExceeded):
        content.register_shard(
            repository=repository, user=repository.creator, body=shard_of(xorb, part, stop=len(table) - 1)
        )
    assert RepositoryContent.objects.count() == 1


def test_small_files_count_and_taking_away_needs_no_room():
    repository = limited(4_000)
    user = repository.creator
    commit(repository=repository, user=user, branch="main", title="a", operations=[AddFile("a", noise(2_000))])
    assert not quotas.correct(repository)

    with pytest.raises(QuotaExceeded):
        commit(repository=repository, user=user, branch="main", title="b", operations=[AddFile("b", noise(9_000, 2))])
    quotas.set_limit(namespace=repository.namespace, limit_bytes=1)
    commit(repository=repository, user=user, branch="main", title="c", operations=[DeleteFile("a")])
    assert not quotas.correct(repository)


def test_asking_twice_for_the_same_object_holds_its_space_once():
    repository = limited(SIZE)
    for _ in range(3):
        quotas.reserve(repository=repository, user=repository.creator, key="a" * 64, size_bytes=SIZE)

    assert held(repository) == SIZE


def test_space_of_uploads_that_never_came_is_given_back():
    repository = limited(SIZE)
    quotas.reserve(repository=repository, user=None, key="a" * 64, size_bytes=SIZE, lifetime_s=-1)

    assert held(repository) == 0
    assert quotas.drop_expired() == 1
    assert Reservation.objects.count() == 0


def test_without_a_limit_nothing_is_held():
    repository = RepositoryFactory()
    quotas.reserve(repository=repository, user=None, key="a" * 64, size_bytes=10**15)

    assert Reservation.objects.count() == 0
    assert quotas.storage_used(repository.namespace).limit_bytes is None
    assert quotas.storage_used(repository.namespace).fraction == 0


def test_the_hubs_own_limit_holds_where_a_namespace_has_none(settings):
    settings.SMALLHUB_QUOTA_BYTES = 50_000
    repository = RepositoryFactory()

    with pytest.raises(QuotaExceeded):
        put_plain(repository, noise(60_000))
    quotas.set_limit(namespace=repository.namespace, limit_bytes=0)
    put_plain(repository, noise(60_000))


def test_the_command_shows_and_sets(capsys):
    repository = RepositoryFactory()
    name = repository.namespace.name
    call_command("quota", name, "--limit", "2 MiB")
    assert f"of {2 * 2**20} bytes" in capsys.readouterr().out
    call_command("quota", name, "--limit", "default")
    assert "without a limit" in capsys.readouterr().out
    for wrong in ("much", "0"):
        with pytest.raises(CommandError):
            call_command("quota", name, "--limit", wrong)
    with pytest.raises(CommandError):
        call_command("quota", "nobody-here")


def test_a_duplicate_is_counted_whole_and_needs_room():
    source = RepositoryFactory()
    found = put_plain(source, noise(SIZE))
    operation = AddLarge("a.bin", found.sha256, SIZE)
    commit(repository=source, user=source.creator, branch="main", title="a", operations=[operation])
    other = limited(2 * SIZE)
    where = {"source": source, "user": other.creator, "namespace": other.namespace.name}

    made = duplicate_repository(**where, name="copy")

    assert quotas.repository_storage(made) > SIZE
    assert not quotas.correct(made)
    with pytest.raises(QuotaExceeded):
        duplicate_repository(**where, name="again")


@pytest.mark.django_db(transaction=True)
def test_of_many_uploads_of_most_of_the_limit_at_once_one_is_committed():
    repository = limited(SIZE)
    size = SIZE * 9 // 10
    committed, refused = [], []

    def work(number):
        data = noise(size, number)
        try:
            put_plain(repository, data)
            commit(
                repository=repository,
                user=repository.creator,
                branch="main",
                title=str(number),
                operations=[AddLarge(f"{number}.bin", sha256(data), size)],
            )
            committed.append(number)
        except QuotaExceeded:
            refused.append(number)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(committed) <= 1
    assert len(committed) + len(refused) == 50
    assert RepositoryContent.objects.filter(repository=repository).count() == 1
    assert not quotas.correct(repository)
