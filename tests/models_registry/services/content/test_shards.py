import pytest

from accounts.models import Role
from models_registry.exceptions import GatedRepository, RepositoryNotFound
from models_registry.models import Content, Gated, RepositoryContent, Visibility
from models_registry.services import content
from models_registry.storage import hashing
from models_registry.storage.digests import XetHash
from models_registry.storage.exceptions import (
    CorruptContent,
    FileTooLarge,
    HashMismatch,
    MalformedShard,
    UnknownXorb,
)
from tests.factories.accounts import OrganisationFactory, UserFactory, member
from tests.factories.content import Xorb, build_shard, chunks_of, noise, send, send_xorb, sha256, shard_of
from tests.factories.registry import RepositoryFactory
from tests.factories.stores import flip

pytestmark = pytest.mark.django_db

DATA = noise(700_000, seed=4)


@pytest.fixture
def repository():
    return RepositoryFactory()


@pytest.fixture
def xorb(repository):
    made = Xorb.of(chunks_of(DATA))
    send_xorb(repository, made)
    return made


def register(repository, body, user=None):
    return content.register_shard(repository=repository, user=user or repository.creator, body=body)


def test_a_registered_file_reads_back_under_its_sha256(repository, xorb):
    assert register(repository, shard_of(xorb, DATA)) == 1

    found = content.find_readable(repository=repository, user=repository.creator, sha256=sha256(DATA))
    assert b"".join(content.read(found)) == DATA
    assert (found.size_bytes, found.xet_hash) == (len(DATA), hashing.file_hash(xorb.table.leaves()))


def test_registering_again_says_that_it_existed(repository, xorb):
    register(repository, shard_of(xorb, DATA))

    assert register(repository, shard_of(xorb, DATA)) == 0
    assert RepositoryContent.objects.count() == 1


def test_the_sha256_is_computed_where_the_shard_gives_none(repository, xorb):
    register(repository, shard_of(xorb, DATA, sha=""))

    assert Content.objects.get().sha256 == sha256(DATA)


def test_an_empty_file_has_no_terms(repository):
    register(repository, build_shard([(bytes(32), [], [], sha256(b""))]))

    assert list(content.read(Content.objects.get())) == []


def lies(xorb):
    count, raw = len(xorb.table), len(DATA)
    digest = XetHash(xorb.hash).to_bytes()
    leaves = xorb.table.leaves()
    return {
        "another sha256": {"sha256": sha256(b"other")},
        "another file hash": {"hash": b"\1" * 32},
        "another proof": {"proofs": [b"\1" * 32]},
        "no proofs": {"proofs": None},
        "one chunk too many": {"terms": [(digest, raw, 0, count + 1)]},
        "a range far outside": {"terms": [(digest, raw, 10**6, 10**6 + 1)]},
        "one chunk too few": {"terms": [(digest, raw, 0, count - 1)]},
        "one byte too many": {"terms": [(digest, raw + 1, 0, count)]},
        "one byte too few": {"terms": [(digest, raw - 1, 0, count)]},
        "the file of other chunks": {"hash": hashing.file_hash(leaves[1:]).to_bytes()},
    }


@pytest.mark.parametrize("lie", lies(Xorb.of(chunks_of(DATA))))
def test_every_lie_is_refused_and_nothing_registered(repository, xorb, lie):
    with pytest.raises((HashMismatch, MalformedShard)):
        register(repository, shard_of(xorb, DATA, **lies(xorb)[lie]))

    assert not Content.objects.exists()


def test_other_chunks_in_the_list_of_xorbs_are_refused(repository, xorb):
    leaves = xorb.table.leaves()
    body = build_shard(xorbs=[(XetHash(xorb.hash).to_bytes(), [*leaves[1:], leaves[0]])])

    with pytest.raises(MalformedShard, match="other chunks"):
        register(repository, body)


def test_of_two_files_one_wrong_none_is_registered(repository, xorb):
    good = (hashing.file_hash(xorb.table.leaves()).to_bytes(), [xorb.term()], [xorb.proof()], sha256(DATA))
    bad = (good[0], good[1], good[2], sha256(b"other"))

    with pytest.raises(HashMismatch):
        register(repository, build_shard([good, bad]))

    assert not Content.objects.exists()


def test_too_large_a_file_is_refused_before_it_is_read(repository, xorb, settings):
    settings.SMALLHUB_MAX_FILE_BYTES = len(DATA) - 1

    with pytest.raises(FileTooLarge):
        register(repository, shard_of(xorb, DATA))


def test_who_is_kept_out_may_not_register(repository, xorb):
    hidden, gated = RepositoryFactory(visibility=Visibility.PRIVATE), RepositoryFactory()
    gated.gated = Gated.MANUAL
    gated.save()

    with pytest.raises(RepositoryNotFound):
        register(hidden, shard_of(xorb, DATA), user=UserFactory())
    with pytest.raises(GatedRepository):
        register(gated, shard_of(xorb, DATA), user=UserFactory())


def test_a_flipped_byte_in_the_store_is_found(repository, xorb, store):
    (blob,) = store.iterate()
    flip(store, blob.digest, 1000)

    with pytest.raises(CorruptContent):
        register(repository, shard_of(xorb, DATA))

    assert not Content.objects.exists()


# ── Possession of a hash grants nothing ──────────────────────────────────────────────────────────


def test_a_xorb_of_a_private_repository_is_as_unknown_as_one_that_does_not_exist(repository):
    private = RepositoryFactory(private=True)
    secret = Xorb.of(chunks_of(DATA))
    send(private, DATA)
    never = Xorb.of(chunks_of(noise(700_000, seed=5)))

    refusals = []
    for xorb in (secret, never):
        with pytest.raises(UnknownXorb) as caught:
            register(repository, shard_of(xorb, DATA))
        refusals.append((caught.value.code, str(caught.value).replace(xorb.hash, "…")))

    assert refusals[0] == refusals[1]
    assert content.find_readable(repository=repository, user=repository.creator, sha256=sha256(DATA)) is None


def test_chunks_of_a_readable_repository_may_be_used_and_only_they(repository):
    public = RepositoryFactory()
    xorb = send(public, DATA)
    part = DATA[: xorb.table.raw_length(0, 3)]

    register(repository, shard_of(xorb, part, start=0, stop=3))

    found = content.find_readable(repository=repository, user=repository.creator, sha256=sha256(part))
    assert b"".join(content.read(found)) == part
    # The rest of the xorb was not delivered here, so whoever reads only this repository may not build on it.
    public.visibility = Visibility.PRIVATE
    public.save()
    with pytest.raises(UnknownXorb):
        register(repository, shard_of(xorb, DATA))


@pytest.mark.parametrize("role", [Role.ADMIN, Role.WRITE, Role.CONTRIBUTOR, Role.READ])
def test_members_may_build_on_what_their_organisation_holds(role):
    organisation = OrganisationFactory()
    user = member(organisation, role)
    owner = organisation.memberships.exclude(user=user).get().user
    shared = RepositoryFactory(user=owner, namespace=organisation.name, private=True)
    xorb = send(shared, DATA)
    mine = RepositoryFactory(user=user)

    assert register(mine, shard_of(xorb, DATA), user=user) == 1


def test_the_same_bytes_in_other_chunks_show_each_uploader_her_own(repository):
    """Who uploads what somebody else has under other cuts must not see the other's cuts."""
    private = RepositoryFactory(private=True)
    odd = Xorb.of(
        [DATA[:50_000], DATA[50_000:150_000], *(DATA[at : at + 100_000] for at in range(150_000, 700_000, 100_000))]
    )
    send_xorb(private, odd)
    register(private, shard_of(odd, DATA))

    xorb = send(repository, DATA)

    found = content.find_readable(repository=repository, user=repository.creator, sha256=sha256(DATA))
    assert found.xet_hash == hashing.file_hash(xorb.table.leaves())
    link = content.find_file(repository=repository, file_hash=found.xet_hash)
    assert set(content.reconstruct(link).fetches) == {xorb.hash}
    assert Content.objects.count() == 1
