import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.storage.digests import BlobDigest, Sha256, XetHash
from models_registry.storage.exceptions import BadDigest

HOSTILE = [
    "",
    "a" * 63,
    "a" * 65,
    "A" * 64,
    "g" * 64,
    "../" * 21 + "a",
    "sha256:" + "a" * 57,
    "a" * 63 + "\n",
    "a" * 64 + "\n",
    "a" * 32 + "/" + "a" * 31,
    "a" * 63 + "\0",
    "٠" * 64,
    "0x" + "a" * 62,
]


@pytest.mark.parametrize("kind", [Sha256, XetHash, BlobDigest])
@pytest.mark.parametrize("value", HOSTILE)
def test_what_is_not_a_digest_cannot_become_one(kind, value):
    with pytest.raises(BadDigest):
        kind(value)


@pytest.mark.parametrize("value", [None, 7, b"a" * 64])
def test_only_text_becomes_a_digest(value):
    with pytest.raises(BadDigest):
        Sha256(value)


def test_a_xet_hash_is_printed_as_four_little_endian_numbers():
    assert XetHash.from_bytes(bytes(range(32))).startswith("0706050403020100" + "0f0e0d0c0b0a0908")


@given(st.binary(min_size=32, max_size=32))
def test_both_notations_keep_every_byte(raw):
    assert XetHash.from_bytes(raw).to_bytes() == raw
    assert Sha256.from_bytes(raw).to_bytes() == raw


@given(st.binary().filter(lambda raw: len(raw) != 32))
def test_a_digest_has_32_bytes(raw):
    with pytest.raises(BadDigest):
        XetHash.from_bytes(raw)
