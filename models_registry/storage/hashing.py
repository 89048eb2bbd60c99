"""The hashes of the Xet protocol: chunks, the tree above them, xorbs, files and term verification.

All are keyed BLAKE3 over 32 raw bytes; the keys are constants of the protocol. A tree's leaves are (hash, length)
pairs; an inner node hashes the printed lines of its children, so a file's hash depends on its chunks and their order
alone and not on how they are packed.

Source: the Xet protocol specification; every rule is checked against the public client in the tests.
"""

from collections.abc import Iterable, Sequence

from blake3 import blake3

from models_registry.storage.digests import DIGEST_BYTES, BlobDigest, XetHash

Leaf = tuple[bytes, int]  # The raw 32-byte hash of a chunk (or node) and the number of raw bytes below it.

_CHUNK_KEY = bytes.fromhex("6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229")
_NODE_KEY = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
_TERM_KEY = bytes.fromhex("7f1857d6ce56ed66127ff913e7a5c3f3a4cd26d5b5db49e64124987f28fb94c3")
_FILE_KEY = bytes(DIGEST_BYTES)

EMPTY = bytes(DIGEST_BYTES)  # The hash of nothing: a file without chunks.
_MIN_BRANCH = 2  # A node never ends before its third child…
_MAX_BRANCH = 9  # …nor after its ninth…
_CUT_EVERY = 4  # …and between them after a child whose hash is divisible by this.


def chunk_hash(data: bytes | bytearray | memoryview) -> bytes:
    """Hash one raw chunk."""
    return blake3(data, key=_CHUNK_KEY).digest()


def merkle_root(leaves: Sequence[Leaf]) -> bytes:
    """The root over `leaves`; one leaf is its own root, none give `EMPTY`."""
    if not leaves:
        return EMPTY
    level = list(leaves)
    while len(level) > 1:
        level = _parents(level)
    return level[0][0]


def xorb_hash(leaves: Sequence[Leaf]) -> XetHash:
    """The hash of a xorb is the root over its chunks."""
    return XetHash.from_bytes(merkle_root(leaves))


def file_hash(leaves: Sequence[Leaf]) -> XetHash:
    """The hash of a file: its root, hashed once more. An empty file keeps the zero hash."""
    if not leaves:
        return XetHash.from_bytes(EMPTY)
    return XetHash.from_bytes(blake3(merkle_root(leaves), key=_FILE_KEY).digest())


def term_hash(chunk_hashes: Iterable[bytes]) -> bytes:
    """The verification hash of a term: proves that its author knows the chunk hashes of the range."""
    return blake3(b"".join(chunk_hashes), key=_TERM_KEY).digest()


def hidden_hash(key: bytes, chunk: bytes) -> bytes:
    """A chunk hash as a dedupe answer shows it under a 32-byte `key`, so that only who has the chunk can match it."""
    return blake3(chunk, key=key).digest()


def blob_digest(data: bytes) -> BlobDigest:
    """The key of stored bytes."""
    return BlobDigest(blake3(data).hexdigest())


def _parents(level: Sequence[Leaf]) -> list[Leaf]:
    """Group one level of the tree from the left and hash each group."""
    parents: list[Leaf] = []
    start = 0
    while start < len(level):
        stop = _group_end(level, start)
        parents.append(_node(level[start:stop]))
        start = stop
    return parents


def _group_end(level: Sequence[Leaf], start: int) -> int:
    left = len(level) - start
    if left <= _MIN_BRANCH:
        return len(level)
    longest = min(_MAX_BRANCH, left)
    for position in range(_MIN_BRANCH, longest):
        # The hash as a number is its last little-endian 64-bit word; its low bits are those of byte 24.
        if level[start + position][0][24] % _CUT_EVERY == 0:
            return start + position + 1
    return start + longest


def _node(children: Sequence[Leaf]) -> Leaf:
    lines = "".join(f"{XetHash.from_bytes(digest)} : {length}\n" for digest, length in children)
    return blake3(lines.encode(), key=_NODE_KEY).digest(), sum(length for _, length in children)
