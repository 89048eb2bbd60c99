"""Signatures are judged as RFC 8032 and a reviewed library judge them."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from smallhub._ed25519 import _L, verify

# RFC 8032, section 7.1: tests 1, 2 and 3, and the one of SHA(abc).
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_vectors_of_the_standard(key: str, message: str, signature: str):
    public, text, signed = (bytes.fromhex(part) for part in (key, message, signature))

    assert verify(public, text, signed)
    assert not verify(public, text + b"\0", signed)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_what_a_reviewed_library_signs_is_right_and_any_flipped_bit_is_not(seed: bytes, message: bytes, bit: int):
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = private.public_key().public_bytes_raw(), private.sign(message)
    spoilt = bytearray(signature)
    spoilt[bit // 8] ^= 1 << bit % 8

    assert verify(public, message, signature)
    assert not verify(public, message, bytes(spoilt))


@given(st.binary(max_size=80), st.binary(max_size=20), st.binary(max_size=80))
def test_nonsense_is_refused_without_an_error(key: bytes, message: bytes, signature: bytes):
    assert not verify(key, message, signature)


def test_a_second_form_of_the_same_signature_is_refused():
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public, signature = private.public_key().public_bytes_raw(), private.sign(b"once")
    scalar = int.from_bytes(signature[32:], "little") + _L

    assert not verify(public, b"once", signature[:32] + scalar.to_bytes(32, "little"))


def test_a_key_of_small_order_vouches_for_nothing():
    identity = (1).to_bytes(32, "little")

    assert not verify(identity, b"anything", identity + bytes(32))
