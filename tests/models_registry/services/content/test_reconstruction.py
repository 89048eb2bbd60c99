import pytest

from models_registry.services import content
from models_registry.services.content.xorbs import Shelf
from models_registry.storage import hashing
from models_registry.storage.blobs import blob_store
from models_registry.storage.exceptions import BadDigest, ContentNotFound
from models_registry.storage.xorb import unpack_frame
from tests.factories.content import build_shard, chunks_of, noise, put_plain, send, sha256
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db

DATA = noise(1_500_000, seed=6)


def rebuilt(found, start, stop):
    """Put the bytes together as a client does: fetch runs, unpack chunks, take terms, skip."""
    shelf, chunks = Shelf(), {}
    for digest, fetches in found.fetches.items():
        row, table = shelf.get(digest)
        for fetch in fetches:
            with blob_store().open(row.blob) as file:
                file.seek(fetch.first_byte)
                packed = file.read(fetch.stop_byte - fetch.first_byte)
            for index in range(fetch.first_chunk, fetch.stop_chunk):
                first, last = (table.stored_offset(each) - fetch.first_byte for each in (index, index + 1))
                chunks[digest, index] = unpack_frame(packed[first:last])
    joined = b"".join(bytes(chunks[term.xorb, index]) for term in found.terms for index in range(term.start, term.stop))
    return joined[found.skip_bytes :][: stop - start]


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 1_500_000), (0, 1), (1_499_999, 1_500_000), (100_000, 100_001), (7, 900_000)]
)
def test_any_range_is_put_together_from_what_is_told(start, stop):
    repository = RepositoryFactory()
    found = put_plain(repository, DATA)
    link = content.find_file(repository=repository, file_hash=found.xet_hash)

    assert rebuilt(content.reconstruct(link, start=start, stop=stop), start, stop) == DATA[start:stop]


def test_a_small_range_fetches_few_bytes():
    repository = RepositoryFactory()
    found = put_plain(repository, DATA)
    link = content.find_file(repository=repository, file_hash=found.xet_hash)

    (fetches,) = content.reconstruct(link, start=700_000, stop=700_010).fetches.values()

    assert sum(fetch.stop_byte - fetch.first_byte for fetch in fetches) <= 131_072 + 8


def test_chunks_between_the_terms_of_a_file_are_never_told():
    """They may belong to a file of somebody who may not be read."""
    base, mine = RepositoryFactory(), RepositoryFactory()
    xorb = send(base, DATA)
    table = xorb.table
    last = len(table)
    parts = [(0, 2), (last - 2, last)]
    leaves = [leaf for start, stop in parts for leaf in table.leaves(start, stop)]
    data = DATA[: table.raw_offset(2)] + DATA[table.raw_offset(last - 2) :]
    terms, proofs = [xorb.term(*part) for part in parts], [xorb.proof(*part) for part in parts]
    digest = hashing.file_hash(leaves)
    body = build_shard([(digest.to_bytes(), terms, proofs, sha256(data))])
    content.register_shard(repository=mine, user=mine.creator, body=body)

    found = content.reconstruct(content.find_file(repository=mine, file_hash=digest))

    ranges = [(fetch.first_chunk, fetch.stop_chunk) for fetch in found.fetches[xorb.hash]]
    assert ranges == parts
    assert rebuilt(found, 0, len(data)) == data


def test_a_file_of_another_repository_is_not_found_even_if_it_is_public():
    repository = RepositoryFactory()
    found = put_plain(RepositoryFactory(), DATA)

    with pytest.raises(ContentNotFound):
        content.find_file(repository=repository, file_hash=found.xet_hash)
    with pytest.raises(BadDigest):
        content.find_file(repository=repository, file_hash="../x")


def test_repeated_chunks_are_fetched_once():
    repository = RepositoryFactory()
    data = bytes(131_072 * 9)
    found = put_plain(repository, data)

    told = content.reconstruct(content.find_file(repository=repository, file_hash=found.xet_hash))

    assert sum(len(fetches) for fetches in told.fetches.values()) == 1
    assert rebuilt(told, 0, len(data)) == data
    assert len(chunks_of(data)) == 9
