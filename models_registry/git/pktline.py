"""Packet lines: Git's framing of requests and answers. Reading is strict and never holds more than one packet."""

import enum
import re
from collections.abc import Iterator
from typing import Protocol

from models_registry.git.exceptions import MalformedRequest

MAX_DATA_BYTES = 65_516  # 65,520 with the four digits of the length.
MAX_BAND_BYTES = MAX_DATA_BYTES - 1
DATA, PROGRESS, FATAL = 1, 2, 3

_LENGTH = re.compile(rb"[0-9a-fA-F]{4}")


class Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


class Mark(enum.Enum):
    """Packets without content."""

    FLUSH = b"0000"
    DELIMITER = b"0001"
    RESPONSE_END = b"0002"


_MARKS = {mark.value: mark for mark in Mark}

FLUSH = Mark.FLUSH.value
DELIMITER = Mark.DELIMITER.value


def packet(data: bytes) -> bytes:
    return b"%04x%b" % (len(data) + 4, data)


def line(text: str) -> bytes:
    return packet(text.encode() + b"\n")


def on_band(band: int, data: bytes) -> Iterator[bytes]:
    """Data as packets of a side band: 1 for data, 2 for words to the person, 3 for a last word."""
    for start in range(0, len(data), MAX_BAND_BYTES):
        yield packet(bytes([band]) + data[start : start + MAX_BAND_BYTES])


def read_packet(stream: Readable) -> bytes | Mark | None:
    """The next packet's content, a mark, or None at the end of the stream.

    Raises:
        MalformedRequest: no length, an impossible one, or the stream ends inside a packet.
    """
    head = _exactly(stream, 4, at_end=b"")
    if not head:
        return None
    if not _LENGTH.fullmatch(head):
        raise MalformedRequest(reason="a packet does not begin with its length.")
    if head in _MARKS:
        return _MARKS[head]
    length = int(head, 16)
    if not 4 <= length <= MAX_DATA_BYTES + 4:
        raise MalformedRequest(reason=f"a packet says that it has {length} bytes.")
    return _exactly(stream, length - 4)


def read_packets(stream: Readable, *, limit: int) -> Iterator[bytes | Mark]:
    """Every packet until the stream ends.

    Raises:
        MalformedRequest: also for more than `limit` packets.
    """
    for _ in range(limit):
        found = read_packet(stream)
        if found is None:
            return
        yield found
    if read_packet(stream) is not None:
        raise MalformedRequest(reason=f"it has more than {limit} lines.")


def _exactly(stream: Readable, size: int, *, at_end: bytes | None = None) -> bytes:
    data = b""
    while len(data) < size:
        more = stream.read(size - len(data))
        if not more:
            if not data and at_end is not None:
                return at_end
            raise MalformedRequest(reason="it ends in the middle of a packet.")
        data += more
    return data
