"""Reading a body of announced length from a connection, in steps of bounded size."""

from collections.abc import Iterator
from typing import Protocol

from models_registry.storage.exceptions import SizeMismatch

STEP_BYTES = 1024 * 1024


class Readable(Protocol):
    """What can be read: a file, a request, a pipe."""

    def read(self, size: int = ..., /) -> bytes: ...


def exactly(stream: Readable, size_bytes: int) -> Iterator[bytes]:
    """Give the `size_bytes` bytes of `stream` in steps, and check that it ends there.

    Raises:
        SizeMismatch: the stream is shorter or longer than announced.
    """
    left = size_bytes
    while left:
        data = stream.read(min(STEP_BYTES, left))
        if not data:
            raise SizeMismatch(expected=size_bytes, actual=size_bytes - left)
        left -= len(data)
        yield data
    if stream.read(1):
        raise SizeMismatch(expected=size_bytes, actual=size_bytes + 1)


class Window:
    """A buffered reader over at most `size_bytes` bytes of a stream, for parsers that take small exact pieces."""

    def __init__(self, stream: Readable, size_bytes: int) -> None:
        self._stream = stream
        self._left = size_bytes  # Not yet read from the stream.
        self._buffer = b""
        self._at = 0
        self._size_bytes = size_bytes

    @property
    def left(self) -> int:
        """How many bytes have not been taken yet."""
        return self._left + len(self._buffer) - self._at

    def take(self, count: int) -> bytes:
        """The next `count` bytes.

        Raises:
            SizeMismatch: the stream ends before.
        """
        while len(self._buffer) - self._at < count:
            self._fill()
        self._at += count
        return self._buffer[self._at - count : self._at]

    def peek(self, count: int) -> bytes:
        """The next bytes without taking them; fewer at the end."""
        count = min(count, self.left)
        taken = self.take(count)
        self._at -= count
        return taken

    def _fill(self) -> None:
        data = self._stream.read(min(STEP_BYTES, self._left)) if self._left else b""
        if not data:
            taken = self._size_bytes - self._left
            raise SizeMismatch(expected=self._size_bytes, actual=taken)
        self._left -= len(data)
        self._buffer = self._buffer[self._at :] + data
        self._at = 0
