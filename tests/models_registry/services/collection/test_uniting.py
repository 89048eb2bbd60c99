"""The same file in several repositories, packed differently: one packing stays."""

from datetime import timedelta

import pytest

from models_registry.models import Content, RepositoryContent, Xorb
from models_registry.services import content
from models_registry.services.collection import collect
from models_registry.services.commits import commit
from models_registry.services.fsck import check_all
from models_registry.types import AddLarge
from tests.factories.content import Xorb as Pack
from tests.factories.content import chunks_of, noise, send_xorb, sha256, shard_of
from tests.factories.registry import RepositoryFactory
from tests.factories.stores import let_days_pass

pytestmark = pytest.mark.django_db
NOW = timedelta(0)
DATA = noise(600_000, 7)


def keep(repository, data=DATA, *, before=b""):
    """Commit a file that lies in one pack with others."""
    chunks = chunks_of(before) if before else []
    pack = Pack.of([*chunks, *chunks_of(data)])
    send_xorb(repository, pack)
    body = shard_of(pack, data, start=len(chunks))
    content.register_shard(repository=repository, user=repository.creator, body=body)
    commit(
        repository=repository,
        user=repository.creator,
        branch="main",
        title="Put",
        operations=[AddLarge("model.bin", sha256(data), len(data))],
    )


def packings():
    return {bytes(terms) for terms in RepositoryContent.objects.values_list("terms", flat=True)}


def test_two_packings_of_one_file_become_the_smaller_one_and_the_other_goes_after_its_grace():
    first, second = RepositoryFactory(), RepositoryFactory()
    keep(first, before=noise(300_000, 8))
    keep(second)
    assert len(packings()) == 2
    let_days_pass(31)

    assert collect(dry_run=True).united == 1
    done = collect()

    assert (done.united, done.xorbs) == (1, 0)  # Readers who were told of the other pack may still come for it.
    assert packings() == {bytes(Content.objects.get().terms)}
    let_days_pass(31)
    assert collect().xorbs == 1
    assert Xorb.objects.get().raw_bytes == len(DATA)
    for repository in (first, second):
        found = content.find_linked(repository=repository, sha256=sha256(DATA))
        assert b"".join(content.read(found)) == DATA
    assert list(check_all(deep=True)) == []
    assert not any(collect(grace=NOW).as_dict().values())


def test_a_strangers_private_pack_is_not_chosen():
    private, public = RepositoryFactory(private=True), RepositoryFactory()
    keep(private)
    keep(public, before=noise(300_000, 8))

    collect(grace=NOW)

    assert len(packings()) == 1
    terms = RepositoryContent.objects.get(repository=public).terms
    assert bytes(terms) == bytes(RepositoryContent.objects.get(repository=private).terms)
    collect(grace=NOW)
    assert Xorb.objects.get().raw_bytes == len(DATA) + 300_000


def test_packs_that_only_their_owners_may_use_stay_as_they_are():
    for repository in (RepositoryFactory(private=True), RepositoryFactory(private=True)):
        keep(repository, before=noise(100_000, repository.pk))

    assert collect(grace=NOW).united == 0
    assert len(packings()) == 2
