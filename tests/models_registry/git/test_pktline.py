"""Packet lines: what was written is read back, and nothing else is."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.git.exceptions import MalformedRequest
from models_registry.git.pktline import DATA, FLUSH, MAX_DATA_BYTES, Mark, on_band, packet, read_packet, read_packets


class Trickle(io.BytesIO):
    """A stream that gives a byte at a time, as a slow network does."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 1, 1))


@given(st.lists(st.binary(max_size=200)))
def test_packets_are_read_back(bodies: list[bytes]) -> None:
    stream = Trickle(b"".join(map(packet, bodies)) + FLUSH)
    assert list(read_packets(stream, limit=10_000)) == [*bodies, Mark.FLUSH]


@given(st.binary(min_size=1, max_size=200_000))
def test_a_band_carries_any_data_in_packets_that_git_takes(data: bytes) -> None:
    stream = io.BytesIO(b"".join(on_band(DATA, data)))
    packets = list(read_packets(stream, limit=100))
    assert b"".join(found[1:] for found in packets if isinstance(found, bytes)) == data
    assert all(isinstance(found, bytes) and len(found) <= MAX_DATA_BYTES for found in packets)


@given(st.binary(max_size=64))
def test_other_bytes_are_read_or_refused_but_never_more(data: bytes) -> None:
    try:
        list(read_packets(io.BytesIO(data), limit=100))
    except MalformedRequest:
        return


@pytest.mark.parametrize("data", [b"00", b"0003", b"fff1" + b"x" * 70_000, b"zzzz", b"-001", b"+00a123456", b"0009ab"])
def test_a_wrong_length_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedRequest):
        read_packet(io.BytesIO(data))


def test_a_flood_of_packets_is_refused() -> None:
    with pytest.raises(MalformedRequest):
        list(read_packets(io.BytesIO(FLUSH * 1_001), limit=1_000))
