"""The Range header: one range of bytes, nothing cleverer. Pure."""

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=\s*(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))\s*")
MAX_HEADER = 1024


class Unsatisfiable(ValueError):
    """The range begins at or after the end."""


@dataclass(frozen=True)
class Span:
    """Bytes `start` to `stop`, the end exclusive."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start

    def content_range(self, size: int) -> str:
        return f"bytes {self.start}-{self.stop - 1}/{size}"


def read_range(header: str | None, size: int) -> Span | None:
    """The range asked for, or None to send everything: no header, several ranges, or one that cannot be read.

    Raises:
        Unsatisfiable: the answer is 416.
    """
    match = _RANGE.fullmatch(header) if header and len(header) <= MAX_HEADER else None
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        length = min(int(suffix), size)
        if length == 0:
            raise Unsatisfiable
        return Span(size - length, size)
    start = int(first)
    if start >= size:
        raise Unsatisfiable
    stop = min(int(last) + 1, size) if last else size
    return Span(start, stop) if stop > start else None
