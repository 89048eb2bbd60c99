"""Content-defined chunking: the same cuts as every Xet client makes, so that equal bytes meet wherever they come from.

A gear hash `h = (h << 1) + TABLE[byte]` (64-bit, wrapping) runs over the stream; a chunk ends after the byte where its
top 16 bits are zero, once the chunk has MIN_BYTES, and at the latest at MAX_BYTES. Since a byte leaves the 64-bit hash
after 64 steps and no chunk is that short, the hash at a position needs only the last 64 bytes, never the cut before it.
So it is computed for a whole block at once, in three strokes over lanes of 8 bytes: the hash of each lane alone; the
hash at each lane's end over 64 bytes, by doubling; then every position from the end of the lane before it.
"""

from collections import deque
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from models_registry.storage.gear import TABLE

MIN_BYTES = 8 * 1024
MAX_BYTES = 128 * 1024

_WINDOW = 64
_LANE = 8
_BLOCK = 64 * 1024  # The arrays below for one block stay in a core's second-level cache.
_BELOW = np.uint64(1 << 48)  # A hash below this has its top 16 bits clear.
_ONE = np.uint64(1)


class Chunker:
    """Cuts a stream into chunks. Memory: at most one chunk and one block, plus what one `feed` brings."""

    def __init__(self) -> None:
        self._pending = bytearray()  # Bytes of the open chunk, and behind them bytes that no block is full of yet.
        self._scanned = 0  # How many of them the hash has seen.
        self._cuts: deque[int] = deque()  # Possible ends within them, ascending.
        self._finder = _CutFinder()

    def feed(self, data: bytes | bytearray | memoryview) -> Iterator[bytes]:
        """Take the next bytes and give the chunks that are now known to be complete."""
        self._pending += data
        whole = (len(self._pending) - self._scanned) // _BLOCK * _BLOCK
        self._scan(self._scanned + whole)
        yield from self._complete()

    def finish(self) -> Iterator[bytes]:
        """Give the rest: the chunks of the last bytes, of which the very last may be short."""
        self._scan(len(self._pending))
        yield from self._complete()
        if self._pending:
            yield bytes(self._pending)
            self._pending.clear()
            self._scanned = 0

    def _scan(self, stop: int) -> None:
        for start in range(self._scanned, stop, _BLOCK):
            block = bytes(self._pending[start : min(start + _BLOCK, stop)])
            self._cuts.extend(start + cut for cut in self._finder.find(block))
        self._scanned = stop

    def _complete(self) -> Iterator[bytes]:
        start = 0
        while (stop := self._next_end(start)) is not None:
            yield bytes(self._pending[start:stop])
            start = stop
        del self._pending[:start]
        self._scanned -= start
        self._cuts = deque(cut - start for cut in self._cuts)

    def _next_end(self, start: int) -> int | None:
        """The end of the chunk that begins at `start`, or None while it cannot be known."""
        while self._cuts and self._cuts[0] - start < MIN_BYTES:
            self._cuts.popleft()
        if self._cuts and self._cuts[0] - start <= MAX_BYTES:
            return self._cuts.popleft()
        return start + MAX_BYTES if self._scanned - start >= MAX_BYTES else None


class _CutFinder:
    """Finds where the gear hash would allow a cut, over the consecutive blocks of one stream.

    The arrays have the shape (8, lanes): row `i`, column `m` belongs to byte `8 m + i` of the block with its tail.
    """

    def __init__(self) -> None:
        lanes = (_WINDOW + _BLOCK) // _LANE
        self._tail = bytes(_WINDOW)  # What came before the block; no cut is near the start of a stream.
        self._hashes = np.empty((_LANE, lanes), dtype=np.uint64)
        self._spare = np.empty((_LANE, lanes), dtype=np.uint64)

    def find(self, block: bytes) -> list[int]:
        """Offsets in `block` after which a chunk may end, ascending. Only the last block may be a short one."""
        padded = self._tail + block + bytes(_BLOCK - len(block))
        self._tail = (self._tail + block[-_WINDOW:])[-_WINDOW:]
        self._hash(np.frombuffer(padded, dtype=np.uint8))
        row, lane = np.divmod(np.flatnonzero(self._hashes < _BELOW), self._hashes.shape[1])
        ends = np.sort(lane * _LANE + row + 1) - _WINDOW
        return [int(end) for end in ends if 0 < end <= len(block)]

    def _hash(self, data: npt.NDArray[np.uint8]) -> None:
        """Fill `_hashes` with the hash after each byte, right from the 64th on. In place, for memory is the limit."""
        value, spare = self._hashes, self._spare[0]
        lanes = np.ascontiguousarray(data.reshape(-1, _LANE).T)
        np.take(TABLE, lanes, out=value, mode="clip")  # "raise" would copy through a buffer.

        for row in range(1, _LANE):  # Each lane alone.
            value[row] += np.left_shift(value[row - 1], _ONE, out=spare)
        before = np.zeros_like(spare)  # At the end of the lane before, over its last 64 bytes.
        before[1:] = value[-1, :-1]
        for lag in (1, 2, 4):
            before[lag:] += np.left_shift(before[:-lag], np.uint64(lag * _LANE), out=spare[lag:])
        for row in range(_LANE):  # Every position from there.
            value[row] += np.left_shift(before, np.uint64(row + 1), out=spare)
