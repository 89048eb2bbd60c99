import contextlib
import io

import lz4.frame
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.core.exceptions import HubError
from models_registry.storage import hashing, xorb
from models_registry.storage.exceptions import BodyTooLarge, MalformedXorb, SizeMismatch
from models_registry.storage.xorb import Scheme

CHUNKS = st.lists(
    st.tuples(st.binary(min_size=1, max_size=3000), st.sampled_from(list(Scheme))), min_size=1, max_size=12
)


def body_of(chunks):
    return b"".join(xorb.pack(raw, scheme) for raw, scheme in chunks)


def scan(body, size=None):
    written = []
    table = xorb.scan_xorb(io.BytesIO(body), len(body) if size is None else size, written.append)
    return table, b"".join(written)


def header(length, scheme, raw_bytes, version=0):
    return bytes([version]) + length.to_bytes(3, "little") + bytes([scheme]) + raw_bytes.to_bytes(3, "little")


@given(CHUNKS)
@settings(max_examples=60, deadline=None)
def test_what_is_packed_comes_back(chunks):
    body = body_of(chunks)

    table, written = scan(body)

    assert written == body
    assert table.hashes() == [hashing.chunk_hash(raw) for raw, _ in chunks]
    for index, (raw, _) in enumerate(chunks):
        frame = written[table.stored_offset(index) : table.stored_offset(index + 1)]
        assert xorb.unpack_frame(frame) == raw


@given(CHUNKS, st.data())
@settings(max_examples=150, deadline=None)
def test_a_hostile_body_is_refused_or_read_as_what_it_says(chunks, data):
    body = bytearray(body_of(chunks))
    for _ in range(data.draw(st.integers(1, 4))):
        kind = data.draw(st.sampled_from(["flip", "cut", "insert", "overwrite"]))
        at = data.draw(st.integers(0, max(len(body) - 1, 0)))
        if kind == "flip" and body:
            body[at] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "cut":
            del body[at:]
        elif kind == "insert":
            body[at:at] = data.draw(st.binary(max_size=20))
        else:
            body[at : at + 8] = data.draw(st.binary(min_size=8, max_size=8))
    try:
        table, written = scan(bytes(body))
    except HubError:
        return
    for index in range(len(table)):
        raw = xorb.unpack_frame(written[table.stored_offset(index) : table.stored_offset(index + 1)])
        assert hashing.chunk_hash(raw) == table.hash_at(index)


@given(st.binary(max_size=400))
@settings(max_examples=150)
def test_noise_raises_nothing_but_refusals(noise):
    with contextlib.suppress(HubError):
        scan(noise)


def test_a_footer_of_an_older_client_is_dropped():
    body = xorb.pack(b"abc" * 100, Scheme.STORED)

    table, written = scan(body + b"XETBLOB\1" + bytes(300))

    assert written == body
    assert len(table) == 1


def test_an_endless_footer_is_refused():
    with pytest.raises(MalformedXorb):
        scan(xorb.pack(b"abc", Scheme.STORED) + b"XETBLOB" + bytes(xorb.MAX_FOOTER_BYTES))


def test_lz4_may_not_write_more_than_announced():
    bomb = lz4.frame.compress(bytes(50_000_000), store_size=False)

    with pytest.raises(MalformedXorb):
        scan(header(len(bomb[:100_000]), Scheme.LZ4, 1000) + bomb[:100_000])
    small = lz4.frame.compress(bytes(2000), store_size=False)
    with pytest.raises(MalformedXorb, match=r"does not end|announces"):
        scan(header(len(small), Scheme.LZ4, 1999) + small)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no chunk"),
        (header(3, 0, 3)[:5], "within the header"),
        (header(3, 0, 3) + b"ab", "within chunk"),
        (header(3, 0, 4) + b"abc", "announces"),
        (header(0, 0, 3), "announces"),
        (header(3, 0, 0) + b"abc", "announces"),
        (header(3, 7, 3) + b"abc", "scheme 7"),
        (header(3, 0, 3, version=1) + b"abc", "version 1"),
        (header(30, 1, 3) + b"abc" * 10, "not an LZ4 frame"),
        (header(3, 0, 131_073) + b"abc", "announces"),
        (header(140_000, 0, 10) + bytes(140_000), "announces"),
    ],
)
def test_a_broken_body_is_refused_with_its_reason(body, reason):
    with pytest.raises(MalformedXorb, match=reason):
        scan(body)


def test_two_lz4_frames_in_one_chunk_are_refused():
    frame = lz4.frame.compress(b"a" * 50, store_size=False)

    with pytest.raises(MalformedXorb):
        scan(header(2 * len(frame), Scheme.LZ4, 100) + frame + frame)


def test_more_chunks_than_a_xorb_holds_are_refused():
    frame = xorb.pack(b"a", Scheme.STORED)

    assert len(scan(frame * xorb.MAX_CHUNKS)[0]) == xorb.MAX_CHUNKS
    with pytest.raises(MalformedXorb, match="more than 8192"):
        scan(frame * (xorb.MAX_CHUNKS + 1))


def test_a_body_over_the_limit_is_refused_before_it_is_read():
    class Untouchable:
        def read(self, size=-1):
            raise AssertionError("read")

    with pytest.raises(BodyTooLarge):
        xorb.scan_xorb(Untouchable(), xorb.MAX_BODY_BYTES + 1, lambda data: None)


def test_a_body_shorter_than_announced_is_refused():
    body = xorb.pack(b"abc" * 100, Scheme.STORED)

    with pytest.raises((SizeMismatch, MalformedXorb)):
        scan(body, size=len(body) + 9)


def test_the_packer_groups_float_numbers_and_leaves_noise_alone():
    rng = np.random.default_rng(1)
    floats = (rng.standard_normal(16_000) * 0.02).astype("<f4").tobytes()

    packer = xorb.Packer()
    packed = [packer.pack(floats) for _ in range(3)]
    noise = xorb.Packer().pack(rng.bytes(64_000))

    assert {frame[4] for frame in packed} == {Scheme.GROUPED_LZ4}
    assert len(packed[0]) < len(floats)
    assert noise[4] == Scheme.STORED


@given(st.binary(min_size=1, max_size=40))
def test_grouping_is_undone_for_every_length(raw):
    assert xorb._ungroup(xorb._group(raw)) == raw
