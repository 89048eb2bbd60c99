import pytest

from models_registry.models import Visibility
from models_registry.services import content
from models_registry.storage import hashing
from models_registry.storage.digests import XetHash
from models_registry.storage.shard import read_shard
from tests.factories.accounts import UserFactory
from tests.factories.content import Xorb, chunks_of, noise, send, send_xorb, shard_of
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db

DATA = noise(3_000_000, seed=3)


def ask(repository, chunk, user=None, **kwargs):
    answer = content.dedupe_answer(
        repository=repository,
        user=user or repository.creator,
        chunk_hash=XetHash.from_bytes(hashing.chunk_hash(chunk)),
        now_s=1000,
        **kwargs,
    )
    return None if answer is None else [claim.hash for claim in read_shard(answer).xorbs]


def test_the_first_chunk_of_a_file_is_found_where_it_may_be_read():
    public, asking = RepositoryFactory(), RepositoryFactory()
    xorb = send(public, DATA)

    assert ask(asking, chunks_of(DATA)[0]) == [xorb.hash]


def test_chunks_of_a_private_repository_are_unknown_to_strangers():
    private, asking = RepositoryFactory(private=True), RepositoryFactory()
    xorb = send(private, DATA)

    assert ask(asking, chunks_of(DATA)[0]) is None
    assert ask(asking, chunks_of(DATA)[0], user=private.creator) == [xorb.hash]


def test_the_first_chunk_of_a_file_inside_a_xorb_is_found():
    repository = RepositoryFactory()
    first, second = noise(200_000, 1), noise(200_000, 2)
    chunks = [*chunks_of(first), *chunks_of(second)]
    xorb = Xorb.of(chunks)
    send_xorb(repository, xorb)
    start = len(chunks_of(first))
    content.register_shard(repository=repository, user=repository.creator, body=shard_of(xorb, second, start=start))

    assert ask(repository, chunks_of(second)[0]) == [xorb.hash]


def test_xorbs_uploaded_together_are_told_together():
    repository = RepositoryFactory()
    xorbs = [send(repository, noise(300_000, seed)) for seed in range(5)]

    told = ask(repository, chunks_of(noise(300_000, 2))[0])

    assert sorted(told) == sorted(xorb.hash for xorb in xorbs)


def test_the_newest_of_the_repository_are_told_without_a_hit_if_asked_so():
    repository = RepositoryFactory()
    xorb = send(repository, DATA)

    assert ask(repository, b"never seen") is None
    assert ask(repository, b"never seen", with_newest=True) == [xorb.hash]
    assert ask(RepositoryFactory(), b"never seen", with_newest=True) is None


def test_a_first_upload_hears_of_what_its_owner_has_elsewhere_and_of_nothing_of_others():
    base = RepositoryFactory()
    xorb = send(base, DATA)
    tuned = RepositoryFactory(user=base.creator)

    assert ask(tuned, b"never seen", with_newest=True) == [xorb.hash]
    base.visibility = Visibility.PRIVATE
    base.save()
    assert ask(tuned, b"never seen", with_newest=True) == [xorb.hash]
    assert ask(tuned, b"never seen", with_newest=True, user=UserFactory()) is None


def test_an_answer_shows_no_chunk_hash_as_it_is():
    repository = RepositoryFactory()
    xorb = send(repository, DATA)

    answer = content.dedupe_answer(
        repository=repository,
        user=repository.creator,
        chunk_hash=XetHash.from_bytes(xorb.table.hash_at(0)),
        now_s=1000,
    )

    assert not any(chunk in answer for chunk in xorb.table.hashes())
