"""Word vectors as embeddings of texts: word2vec and GloVe as text, word2vec in its binary form.

The vector of a text is the mean of the vectors of its words. A word is looked up as written, then in lower case; in
writing without spaces the longest words that the file knows are taken. Words that the file lacks take its `<unk>` where
it has one, and are left out otherwise; a text without any known word gets the mean of all vectors.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Self

import numpy as np
import numpy.typing as npt

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._formats import vectors_file
from smallhub.runtimes._types import ENCODER, Model, Runtime

Matrix = npt.NDArray[np.float32]

MAX_DIMENSION = 4096
_MAX_WORD_BYTES = 1024
_MAX_LINE_BYTES = _MAX_WORD_BYTES + 32 * MAX_DIMENSION
_HEADER = re.compile(rb"(\d{1,9}) (\d{1,5})\s*")
_UNKNOWN_NAMES = ("<unk>", "<UNK>", "UNK", "[UNK]", "unk")
_WORD = re.compile(r"<unk>|\w+(?:['’]\w+)*|[^\w\s]")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_LONGEST_UNSPACED = 8


class VectorsModel(Model):
    """A table of word vectors. Id 0 stands for words that it lacks; the file's words follow in their order."""

    runtime: ClassVar[Runtime] = "vectors"

    def __init__(self, words: Sequence[str], vectors: Any, *, dimension: int, layout: str) -> None:
        self.task = "sentence-similarity"
        self.capabilities = ENCODER
        self.words = tuple(words)
        self.dimension = dimension
        self._vectors = vectors
        self._layout = layout
        self._ids = {word: number for number, word in reversed(list(enumerate(self.words, start=1)))}
        self._unknown = next((self._ids[name] for name in _UNKNOWN_NAMES if name in self._ids), None)
        self._mean: Matrix | None = None

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        return {
            "runtime": self.runtime,
            "task": self.task,
            "architecture": "word-vectors",
            "parameters": len(self.words) * self.dimension,
            "context_length": None,
            "vocabulary_size": len(self.words) + 1,
            "dimension": self.dimension,
            "labels": None,
            "prefix_token": None,
            "dtype": "float32",
            "layout": self._layout,
            "pooling": "mean",
            "unknown_words": "own vector" if self._unknown else "left out",
        }

    def encode(self, text: str) -> list[int]:
        """Ids of a text's words; 0 for a word that the file lacks."""
        return [number for word in _WORD.findall(text) for number in self._look_up(word)]

    def decode(self, ids: Sequence[int]) -> str:
        """The words, with spaces between them."""
        return " ".join("<unk>" if number == 0 else self.words[number - 1] for number in ids)

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Means of word vectors; shape (texts, dimension), not normalised."""
        result = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            rows = [number or self._unknown for number in self.encode(text)]
            known = [number - 1 for number in rows if number]
            result[row] = self._rows(known).astype(np.float64).mean(axis=0) if known else self._mean_vector()
        return result

    @classmethod
    def load(cls, folder: Path, *, threads: int | None = None) -> Self:
        """Read the folder's one file of vectors. A binary file stays on the disk, and rows are read when needed.

        Raises:
            UnsupportedModel: the file breaks its format, with the line or word.
        """
        del threads  # Sums of a few rows use one.
        path = vectors_file(folder)
        if path is None:
            raise UnsupportedModel("missing_file", "There is no file of word vectors.")
        try:
            if _is_binary(path):
                words, rows = _read_binary(path)
                return cls(words, rows, dimension=rows.dimension, layout="word2vec binary")
            words, matrix = _read_text(path)
        except ValueError as error:
            raise UnsupportedModel("broken_model", f"{path.name}: {error}.", file=path.name) from error
        return cls(words, matrix, dimension=matrix.shape[1], layout="text")

    def _look_up(self, word: str) -> Iterator[int]:
        found = 0 if word == "<unk>" else self._ids.get(word) or self._ids.get(word.lower())
        if found is not None or not _UNSPACED.search(word):
            yield found or 0
            return
        start = 0
        while start < len(word):
            lengths = range(min(_LONGEST_UNSPACED, len(word) - start), 0, -1)
            length = next((length for length in lengths if word[start : start + length] in self._ids), 0)
            yield self._ids.get(word[start : start + length], 0) if length else 0
            start += max(length, 1)

    def _rows(self, numbers: list[int]) -> Matrix:
        rows: Matrix = self._vectors[numbers]
        if not np.isfinite(rows).all():
            raise UnsupportedModel("broken_weights", "A word vector holds NaN or infinity.")
        return rows

    def _mean_vector(self) -> Matrix:
        """The mean of all vectors, in steps, so that a file on the disk is never held whole."""
        if self._mean is None:
            total = np.zeros(self.dimension)
            for start in range(0, len(self.words), 4096):
                block = list(range(start, min(start + 4096, len(self.words))))
                total += self._rows(block).astype(np.float64).sum(axis=0)
            self._mean = (total / len(self.words)).astype(np.float32)
        return self._mean


class _MappedRows:
    """Rows of a binary file, each at its own place in the mapped file."""

    def __init__(self, mapped: mmap.mmap, offsets: npt.NDArray[np.int64], dimension: int) -> None:
        self._mapped, self._offsets, self.dimension = mapped, offsets, dimension

    def __getitem__(self, numbers: list[int]) -> Matrix:
        rows = [
            np.frombuffer(self._mapped, dtype="<f4", count=self.dimension, offset=int(self._offsets[number]))
            for number in numbers
        ]
        return np.array(rows, dtype=np.float32)


def _is_binary(path: Path) -> bool:
    """A binary file's first row is a header of text, and what follows its first word are bytes of floats."""
    with path.open("rb") as stream:
        first = stream.readline(64)
        if _HEADER.fullmatch(first) is None:
            return False
        sample = stream.read(4096)
    words = sample.split(b" ", 2)
    try:
        float(words[1].split()[0])
    except (IndexError, ValueError):
        return True
    return False


def _header(first: bytes) -> tuple[int, int] | None:
    found = _HEADER.fullmatch(first)
    if found is None:
        return None
    count, dimension = int(found[1]), int(found[2])
    if not (count >= 1 and 1 <= dimension <= MAX_DIMENSION):
        raise ValueError(f"its header declares {count:,} words of {dimension:,} numbers")
    return count, dimension


def _read_text(path: Path) -> tuple[list[str], Matrix]:
    size_bytes = path.stat().st_size
    with path.open("rb") as stream:
        first = _line(stream, 1)
        header = _header(first)
        dimension = header[1] if header else len(first.rstrip().split(b" ")) - 1
        if not 1 <= dimension <= MAX_DIMENSION:
            raise ValueError(f"line 1 holds {dimension:,} numbers")
        # Each number takes two bytes at least, so a header cannot ask for more memory than its file is long.
        most = size_bytes // (2 * dimension + 2) + 1
        if header and header[0] > most:
            raise ValueError(f"its header declares {header[0]:,} words, more than {size_bytes:,} bytes can hold")
        words: list[str] = []
        rows = np.zeros((header[0] if header else most, dimension), dtype=np.float32)
        if not header:
            words.append(_text_row(first, 1, rows[0]))
        number = 1
        while line := _line(stream, number + 1):
            number += 1
            if len(words) == len(rows):
                raise ValueError(f"line {number}: there are more words than declared")
            words.append(_text_row(line, number, rows[len(words)]))
    if header and len(words) != header[0]:
        raise ValueError(f"its header declares {header[0]:,} words, it holds {len(words):,}")
    return words, rows[: len(words)]


def _line(stream: BinaryIO, number: int) -> bytes:
    line = stream.readline(_MAX_LINE_BYTES + 1)
    if len(line) > _MAX_LINE_BYTES:
        raise ValueError(f"line {number} is too long")
    return line


def _text_row(line: bytes, number: int, target: Matrix) -> str:
    """Fill a row and return its word, which may hold spaces: the numbers are the last fields."""
    parts = line.rstrip(b" \r\n").rsplit(b" ", len(target))
    try:
        if len(parts) != len(target) + 1:
            raise ValueError("too few")
        target[:] = [float(part) for part in parts[1:]]
        word = parts[0].decode("utf-8")
    except ValueError as error:
        raise ValueError(f"line {number} is no word with {len(target)} numbers") from error
    if not np.isfinite(target).all():
        raise ValueError(f"line {number} holds NaN or infinity")
    return word


def _read_binary(path: Path) -> tuple[list[str], _MappedRows]:
    size_bytes = path.stat().st_size
    with path.open("rb") as stream:
        first = stream.readline(64)
        header = _header(first)
        assert header is not None
        count, dimension = header
        row_bytes = 4 * dimension
        if count * (row_bytes + 2) > size_bytes:
            raise ValueError(f"its header declares {count:,} words, more than {size_bytes:,} bytes can hold")
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    words, offsets, at = [], np.zeros(count, dtype=np.int64), len(first)
    for number in range(count):
        end = mapped.find(b" ", at, at + _MAX_WORD_BYTES)
        if end < 0 or end + 1 + row_bytes > size_bytes:
            raise ValueError(f"it ends within word {number + 1:,}")
        words.append(mapped[at:end].lstrip(b"\n").decode("utf-8", "replace"))
        offsets[number] = end + 1
        at = end + 1 + row_bytes
    if size_bytes - at > 1:
        raise ValueError(f"{size_bytes - at:,} bytes follow its last word")
    return words, _MappedRows(mapped, offsets, dimension)
