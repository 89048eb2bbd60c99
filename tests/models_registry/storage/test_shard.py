import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.core.exceptions import HubError
from models_registry.storage import hashing, shard
from models_registry.storage.digests import Sha256, XetHash
from models_registry.storage.exceptions import BodyTooLarge, MalformedShard
from tests.factories.content import build_shard as build

DIGEST = st.binary(min_size=32, max_size=32).filter(lambda raw: raw != b"\xff" * 32)
SHA = "00112233445566778899aabbccddeeff" * 2


SHARDS = st.builds(
    build,
    st.lists(
        st.tuples(
            DIGEST,
            st.lists(st.tuples(DIGEST, st.integers(1, 999), st.just(0), st.integers(1, 99)), max_size=3),
            st.none(),
            st.one_of(st.none(), st.just(SHA)),
        ),
        max_size=3,
    ),
    st.lists(st.tuples(DIGEST, st.lists(st.tuples(DIGEST, st.integers(1, 999)), max_size=3)), max_size=3),
)


def test_a_shard_says_what_its_author_wrote():
    body = build(
        files=[(b"\1" * 32, [(b"\2" * 32, 500, 3, 9)], [b"\3" * 32], SHA)],
        xorbs=[(b"\2" * 32, [(b"\4" * 32, 70), (b"\5" * 32, 80)])],
    )

    found = shard.read_shard(body)

    (file,) = found.files
    assert file.hash.to_bytes() == b"\1" * 32
    assert file.sha256 == Sha256(SHA)
    assert file.size_bytes == 500
    assert file.terms == [shard.Term(XetHash.from_bytes(b"\2" * 32), 3, 9, 500)]
    assert file.proofs == [b"\3" * 32]
    assert found.xorbs[0].leaves() == [(b"\4" * 32, 70), (b"\5" * 32, 80)]


def test_the_sha256_is_unswapped():
    body = build(files=[(b"\1" * 32, [], None, SHA)])

    assert body[96:104] == bytes.fromhex(SHA[:16])[::-1]
    assert shard.read_shard(body).files[0].sha256 == SHA


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "begin"),
        (bytes(200), "begin"),
        (build(version=3), "version 3"),
        (build(footer=7), "footer of 7"),
        (build(tail=b"x"), "follow"),
        (build()[:-1], "too early"),
        (build()[:60], "too early"),
        (build(files=[(b"\1" * 32, [(b"\2" * 32, 5, 9, 9)], None, None)]), "no chunk"),
        (build(files=[(b"\1" * 32, [(b"\2" * 32, 5, 9, 3)], None, None)]), "no chunk"),
    ],
)
def test_a_broken_shard_is_refused_with_its_reason(body, reason):
    with pytest.raises(MalformedShard, match=reason):
        shard.read_shard(body)


def test_unknown_flags_are_refused():
    body = bytearray(build(files=[(b"\1" * 32, [], None, None)]))
    struct.pack_into("<I", body, 48 + 32, 1 << 29)

    with pytest.raises(MalformedShard, match="flags"):
        shard.read_shard(bytes(body))


def test_counts_are_checked_before_anything_is_allocated():
    body = bytearray(build(files=[(b"\1" * 32, [], None, None)]))
    struct.pack_into("<I", body, 48 + 36, 0xFFFF_FFFF)

    with pytest.raises(MalformedShard, match="too early"):
        shard.read_shard(bytes(body))


def test_an_overlong_shard_is_refused():
    with pytest.raises(BodyTooLarge):
        shard.read_shard(bytes(shard.MAX_BODY_BYTES + 1))


@given(SHARDS, st.data())
@settings(max_examples=200, deadline=None)
def test_hostile_shards_raise_nothing_but_refusals(body, data):
    changed = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        if data.draw(st.booleans()):
            changed[at] = data.draw(st.integers(0, 255))
        else:
            del changed[at : at + data.draw(st.integers(1, 60))]
        if not changed:
            break
    try:
        found = shard.read_shard(bytes(changed))
    except HubError:
        return
    for file in found.files:
        assert len(file.terms) == len(file._terms)
        assert file.size_bytes >= 0


def test_an_answer_reads_back_with_hidden_hashes():
    leaves = [(hashing.chunk_hash(bytes([value])), 100 + value) for value in range(4)]
    digest = hashing.xorb_hash(leaves)
    key = b"k" * 32

    body = shard.write_dedupe_shard([(digest, 999, leaves)], key=key, created_at_s=1, expires_at_s=2)
    found = shard.read_shard(body)

    assert found.files == ()
    (claim,) = found.xorbs
    assert (claim.hash, claim.stored_bytes, claim.raw_bytes) == (digest, 999, 406)
    assert claim.leaves() == [(hashing.hidden_hash(key, chunk), length) for chunk, length in leaves]
    assert body[-200 + 72 : -200 + 104] == key
    (footer_at,) = struct.unpack("<Q", body[-8:])
    assert footer_at == len(body) - 200
    assert struct.unpack("<9Q", body[footer_at : footer_at + 72]) == (1, 48, 96, *(footer_at, 0) * 3)
