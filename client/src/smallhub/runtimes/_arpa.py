"""A strict reader of ARPA files, and a writer. The file is read line by line; what it claims is checked against it.

    \\data\\
    ngram 1=4
    ngram 2=2

    \\1-grams:
    -1.2<TAB>word<TAB>-0.3        base-10 logarithms: probability, words, back-off weight (none for the longest)
    …
    \\end\\
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from smallhub.runtimes._kneser_ney import Level
from smallhub.runtimes._units import BEGIN, END, SPECIALS, UNKNOWN, Ids

MAX_ORDER = 10
MAX_LINE_BYTES = 16_384
_LEAST_LINE_BYTES = 4  # A digit, a separator, a letter, a line break: so counts cannot promise more than a file holds.
_COUNT = re.compile(rb"ngram (\d{1,2})=(\d{1,12})")
_TO_NATURAL = math.log(10)
# How others write the word for all unknown words.
_UNKNOWN_NAMES = {b"<unk>", b"<UNK>"}


class BadArpa(ValueError):
    """The file breaks the format; the message says where."""


@dataclass(frozen=True, slots=True)
class ArpaTables:
    """What a file holds. `symbols` are its words behind the three special ones, in the order of the file."""

    levels: tuple[Level, ...]
    symbols: tuple[str, ...]


def read_counts(path: Path) -> tuple[int, ...]:
    """The numbers of n-grams that the header declares, for lengths 1, 2, 3 …

    Raises:
        BadArpa: there is no sound header.
    """
    with path.open("rb") as stream:
        return _counts(_Lines(stream), path.stat().st_size)


def read(path: Path) -> ArpaTables:
    """Read a whole file into sorted tables with natural logarithms.

    Raises:
        BadArpa: counts differ from the sections, a number is no log-probability, an n-gram stands twice or lacks its
            history, `<s>`, `</s>` or `<unk>` is missing.
    """
    with path.open("rb") as stream:
        lines = _Lines(stream)
        counts = _counts(lines, path.stat().st_size)
        words: dict[bytes, int] = {name.encode(): number for number, name in enumerate(SPECIALS)}
        levels: list[Level] = []
        for length, count in enumerate(counts, start=1):
            if (line := lines.next_filled()) != b"\\%d-grams:" % length:
                raise BadArpa(f"line {lines.number}: expected \\{length}-grams:, found {_shown(line)}")
            section = _Section(length, count, is_longest=length == len(counts))
            section.fill(lines, words)
            levels.append(section.level(levels, size=len(words)))
        if (line := lines.next_filled()) != b"\\end\\":
            raise BadArpa(f"line {lines.number}: expected \\end\\, found {_shown(line)}")
    return ArpaTables(tuple(levels), tuple(word.decode() for word in list(words)[len(SPECIALS) :]))


class _Lines:
    """Lines of limited length, numbered from 1, without their ends."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.number = 0

    def next(self) -> bytes | None:
        """The next line; None at the end of the file."""
        line = self._stream.readline(MAX_LINE_BYTES + 1)
        if not line:
            return None
        self.number += 1
        if len(line) > MAX_LINE_BYTES:
            raise BadArpa(f"line {self.number} is longer than {MAX_LINE_BYTES:,} bytes")
        return line.strip(b" \t\r\n")

    def next_filled(self) -> bytes:
        """The next line that is not empty; the file must have one."""
        while (line := self.next()) is not None:
            if line:
                return line
        raise BadArpa("the file ends too early")


def _counts(lines: _Lines, size_bytes: int) -> tuple[int, ...]:
    if lines.next_filled() != b"\\data\\":
        raise BadArpa(f"line {lines.number}: an ARPA file begins with \\data\\")
    counts: list[int] = []
    while line := lines.next():
        found = _COUNT.fullmatch(re.sub(rb"\s*=\s*", b"=", line))
        if found is None or int(found[1]) != len(counts) + 1:
            raise BadArpa(f"line {lines.number}: expected ngram {len(counts) + 1}=…, found {_shown(line)}")
        counts.append(int(found[2]))
    if not 1 <= len(counts) <= MAX_ORDER:
        raise BadArpa(f"it declares {len(counts)} lengths of n-grams; 1 to {MAX_ORDER} are read")
    if sum(counts) * _LEAST_LINE_BYTES > size_bytes:
        raise BadArpa(f"it declares {sum(counts):,} n-grams, more than {size_bytes:,} bytes can hold")
    return tuple(counts)


class _Section:
    """The n-grams of one length, as they stand in the file."""

    def __init__(self, length: int, count: int, *, is_longest: bool) -> None:
        self._length, self._count, self._is_longest = length, count, is_longest
        self._log_prob: npt.NDArray[np.float32] = np.zeros(count, dtype=np.float32)
        self._log_backoff: npt.NDArray[np.float32] = np.zeros(count, dtype=np.float32)
        self._ids = np.zeros((count, length), dtype=np.int64)

    def fill(self, lines: _Lines, words: dict[bytes, int]) -> None:
        """Read the section. Single words make the vocabulary; longer n-grams may only use it."""
        for row, line in enumerate(self._own_lines(lines)):
            parts = line.split()
            extra = len(parts) - 1 - self._length
            if extra not in (0, 1) or (extra and self._is_longest):
                raise BadArpa(f"line {lines.number}: {len(parts)} fields do not make a {self._length}-gram")
            self._log_prob[row] = _number(parts[0], lines.number, most=0.0) * _TO_NATURAL
            self._log_backoff[row] = _number(parts[-1], lines.number) * _TO_NATURAL if extra else 0.0
            for place, word in enumerate(parts[1 : 1 + self._length]):
                self._ids[row, place] = self._id(word, words, lines.number)

    def level(self, below: list[Level], *, size: int) -> Level:
        """Sorted by key, as look-ups need it."""
        if self._length == 1:
            return self._first_level(size)
        keys = self._ids[:, 0]
        for number, place in enumerate(range(1, self._length), start=1):
            wanted = keys * size + self._ids[:, place]
            if place == self._length - 1:
                keys = wanted
                break
            keys = _rows(below[number].keys, wanted, self._length)
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        if (np.diff(keys) <= 0).any():
            raise BadArpa(f"a {self._length}-gram stands twice")
        return Level(keys, self._log_prob[order], self._log_backoff[order])

    def _own_lines(self, lines: _Lines) -> Iterator[bytes]:
        for _ in range(self._count):
            line = lines.next()
            if not line or line.startswith(b"\\"):
                raise BadArpa(f"line {lines.number}: the section ends before its {self._count:,} {self._length}-grams")
            yield line
        if lines.next():
            raise BadArpa(f"line {lines.number}: the section has more than its {self._count:,} {self._length}-grams")

    def _id(self, word: bytes, words: dict[bytes, int], line: int) -> int:
        if word in _UNKNOWN_NAMES:
            return UNKNOWN
        if self._length == 1 and word not in words:
            try:
                word.decode("utf-8")
            except UnicodeDecodeError as error:
                raise BadArpa(f"line {line}: a word is not UTF-8") from error
            words[word] = len(words)
        number = words.get(word)
        if number is None:
            raise BadArpa(f"line {line}: {_shown(word)} is not among the single words")
        return number

    def _first_level(self, size: int) -> Level:
        ids = self._ids[:, 0]
        if len(set(ids.tolist())) != len(ids):
            raise BadArpa("a word stands twice")
        if missing := [SPECIALS[number] for number in (BEGIN, END, UNKNOWN) if number not in ids]:
            raise BadArpa(f"the vocabulary has no {missing[0]}")
        order = np.argsort(ids)
        return Level(np.arange(size), self._log_prob[order], self._log_backoff[order])


def _rows(keys: Ids, wanted: Ids, length: int) -> Ids:
    """Where each key stands among sorted ones; all must be there."""
    if not len(wanted):
        return wanted
    places = np.minimum(np.searchsorted(keys, wanted), max(0, len(keys) - 1))
    if not len(keys) or (keys[places] != wanted).any():
        raise BadArpa(f"the history of a {length}-gram is not among the shorter n-grams")
    return np.asarray(places, dtype=np.int64)


def _number(raw: bytes, line: int, *, most: float = math.inf) -> float:
    """A finite number; a probability's logarithm is not above 0, but for the last bit of rounding."""
    try:
        value = float(raw)
    except ValueError as error:
        raise BadArpa(f"line {line}: {_shown(raw)} is no number") from error
    if value == -math.inf and most == 0.0:
        return -99.0  # What SRILM writes for probability zero.
    if not math.isfinite(value) or value > most + 1e-6:
        raise BadArpa(f"line {line}: {_shown(raw)} is no log-probability")
    return min(value, most)


def _shown(raw: bytes) -> str:
    return repr(raw[:60].decode("utf-8", "replace"))
