"""A file that is read over the network by ranges: further ahead each time it goes on where it was."""

import io
from collections.abc import Callable

_FIRST_BYTES = 512 * 1024
_MOST_BYTES = 4 * 2**20


class RemoteFile(io.RawIOBase):
    """Seekable bytes behind a function that fetches `start` to `stop`. Holds one window of at most 4 MiB."""

    def __init__(self, fetch: Callable[[int, int], bytes], size_bytes: int) -> None:
        super().__init__()
        self._fetch = fetch
        self._size_bytes = size_bytes
        self._at = 0
        self._window_at = 0
        self._window = b""
        self._ahead_bytes = _FIRST_BYTES

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size_bytes}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        wanted = min(len(buffer), self._size_bytes - self._at)
        if wanted <= 0:
            return 0
        inside = self._at - self._window_at
        if not 0 <= inside < len(self._window):
            self._fill(wanted)
            inside = 0
        taken = self._window[inside : inside + wanted]
        buffer[: len(taken)] = taken
        self._at += len(taken)
        return len(taken)

    def _fill(self, wanted: int) -> None:
        goes_on = self._at == self._window_at + len(self._window) and self._window
        self._ahead_bytes = min(self._ahead_bytes * 2, _MOST_BYTES) if goes_on else _FIRST_BYTES
        stop = min(self._at + max(wanted, self._ahead_bytes), self._size_bytes)
        self._window_at, self._window = self._at, self._fetch(self._at, stop)
