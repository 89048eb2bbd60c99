import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.storage import hashing
from models_registry.storage.digests import XetHash

LEAVES = st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.integers(1, 131_072)), min_size=2, max_size=120)


def test_nothing_hashes_to_zero():
    assert hashing.file_hash([]) == "0" * 64
    assert hashing.xorb_hash([]) == "0" * 64


def test_one_chunk_is_its_own_root():
    leaf = (hashing.chunk_hash(b"abc"), 3)

    assert hashing.xorb_hash([leaf]).to_bytes() == leaf[0]
    assert hashing.file_hash([leaf]).to_bytes() != leaf[0]


@given(LEAVES)
@settings(max_examples=50)
def test_the_root_depends_on_the_order(leaves):
    turned = leaves[1:] + leaves[:1]
    if turned != leaves:
        assert hashing.merkle_root(turned) != hashing.merkle_root(leaves)


@given(LEAVES, st.data())
@settings(max_examples=50)
def test_the_root_depends_on_every_length(leaves, data):
    at = data.draw(st.integers(0, len(leaves) - 1))
    changed = list(leaves)
    changed[at] = (leaves[at][0], leaves[at][1] + 1)

    assert hashing.merkle_root(changed) != hashing.merkle_root(leaves)


def test_groups_have_three_to_nine_children_but_for_the_last():
    """A third child divisible by four ends a group of three; without any, the ninth does."""
    divisible, other = bytes(24) + b"\4" + bytes(7), bytes(24) + b"\1" + bytes(7)

    assert [hashing._group_end([(divisible, 1)] * 20, start) for start in (0, 3)] == [3, 6]
    assert hashing._group_end([(other, 1)] * 20, 0) == 9
    assert hashing._group_end([(divisible, 1)] * 2, 0) == 2
    assert hashing._group_end([(other, 1)] * 9, 0) == 9


@pytest.mark.parametrize("size", [0, 1, 1000, 8192, 131_072, 131_073, 1_000_003, 9_000_000])
def test_a_file_hash_is_the_one_that_the_public_client_computes(size, tmp_path):
    hf_xet = pytest.importorskip("hf_xet")
    from models_registry.storage.chunking import Chunker

    data = np.random.default_rng(size).bytes(size)
    path = tmp_path / "data.bin"
    path.write_bytes(data)
    chunker = Chunker()
    chunks = [*chunker.feed(data), *chunker.finish()]

    ours = hashing.file_hash([(hashing.chunk_hash(chunk), len(chunk)) for chunk in chunks])

    assert ours == hf_xet.hash_files([str(path)])[0].hash


def test_a_term_hash_needs_every_chunk_hash():
    chunks = [hashing.chunk_hash(bytes([value])) for value in range(5)]

    assert hashing.term_hash(chunks) != hashing.term_hash(chunks[:4])
    assert hashing.term_hash(chunks) != hashing.term_hash(chunks[::-1])


def test_a_hidden_hash_needs_its_key():
    chunk = hashing.chunk_hash(b"abc")

    assert hashing.hidden_hash(bytes(32), chunk) != hashing.hidden_hash(b"\1" * 32, chunk)
    assert isinstance(XetHash.from_bytes(chunk), str)
