"""Texts as few numbered features with values: n-grams of words or characters, listed or hashed, weighted as tf-idf.

What is a word is chosen by name from two patterns, so that no expression from a model's file is ever run.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
import numpy.typing as npt

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._files import read_object

Analyzer = Literal["word", "char", "char_wb"]
Words = Literal["two_letters", "all"]
Frequency = Literal["count", "binary", "log"]
Norm = Literal["l2", "l1", "none"]
Row = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]

FEATURES_FILE = "features.json"
MAX_NGRAM = 8
MAX_HASH_BITS = 24
_PATTERNS: dict[str, re.Pattern[str]] = {
    # Runs of two letters or more; or every run of letters, and every other mark on its own.
    "two_letters": re.compile(r"\b\w\w+\b"),
    "all": re.compile(r"\w+|[^\w\s]"),
}
_SPACES = re.compile(r"\s\s+")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a text becomes features. `hash_bits` 0 means that the features are listed in `features.json`."""

    analyzer: Analyzer = "word"
    words: Words = "all"
    ngrams: tuple[int, int] = (1, 2)
    lowercase: bool = True
    frequency: Frequency = "count"
    norm: Norm = "l2"
    hash_bits: int = 0

    @classmethod
    def read(cls, data: Any) -> Self:
        """From JSON.

        Raises:
            UnsupportedModel: a value is none of those above.
        """
        if not isinstance(data, dict) or set(data) != set(cls.__dataclass_fields__):
            raise UnsupportedModel("broken_model", "config.json: 'features' lacks a setting, or has one too many.")
        ngrams = data["ngrams"]
        choices = {"analyzer": Analyzer, "words": Words, "frequency": Frequency, "norm": Norm}
        is_sound = (
            all(data[name] in get_args(choice) for name, choice in choices.items())
            and isinstance(ngrams, list)
            and len(ngrams) == 2
            and all(type(length) is int for length in ngrams)
            and 1 <= ngrams[0] <= ngrams[1] <= MAX_NGRAM
            and isinstance(data["lowercase"], bool)
            and type(data["hash_bits"]) is int
            and 0 <= data["hash_bits"] <= MAX_HASH_BITS
        )
        if not is_sound:
            raise UnsupportedModel("broken_model", "config.json: a setting under 'features' is unknown.")
        return cls(**{**data, "ngrams": (ngrams[0], ngrams[1])})

    def as_json(self) -> dict[str, Any]:
        """Plain data for `config.json`."""
        return {**asdict(self), "ngrams": list(self.ngrams)}


class Featurizer:
    """Turns texts into rows of feature numbers and values, numbers ascending."""

    def __init__(self, settings: Settings, names: Sequence[str] = (), idf: Any = None) -> None:
        self.settings = settings
        self.names = tuple(names)
        self.idf: npt.NDArray[np.float64] | None = None if idf is None else np.asarray(idf, dtype=np.float64)
        self._ids = {name: number for number, name in enumerate(self.names)}
        if len(self._ids) != len(self.names):
            raise UnsupportedModel("broken_model", f"{FEATURES_FILE} names a feature twice.")
        self._mask = (1 << settings.hash_bits) - 1

    @property
    def size(self) -> int:
        """How many features there are."""
        return self._mask + 1 if self.settings.hash_bits else len(self.names)

    @classmethod
    def learn(cls, settings: Settings, texts: Sequence[str], *, min_count: int, idf: bool) -> Self:
        """List the features of texts that at least `min_count` texts have, and weigh them by how rare they are."""
        documents = [set(terms(settings, text)) for text in texts]
        counts = Counter(term for document in documents for term in document)
        names = sorted(term for term, count in counts.items() if count >= min_count)
        found = cls(settings, () if settings.hash_bits else names)
        if idf:
            seen = np.zeros(found.size)
            for document in documents:
                numbers = {number for term in document if (number := found.number(term)) is not None}
                seen[list(numbers)] += 1
            found.idf = np.log((1 + len(texts)) / (1 + seen)) + 1
        return found

    def number(self, term: str) -> int | None:
        """The number of a feature; None if it is not listed."""
        if self.settings.hash_bits:
            return zlib.crc32(term.encode("utf-8", "replace")) & self._mask
        return self._ids.get(term)

    def row(self, text: str) -> Row:
        """A text's features."""
        return self._weighted(Counter(number for number, _ in self.numbered(text)))

    def numbered(self, text: str) -> Iterator[tuple[int, str]]:
        """Each occurrence of a known feature: its number and its term."""
        for term in terms(self.settings, text):
            number = self.number(term)
            if number is not None:
                yield number, term

    def save(self, folder: Path) -> None:
        """Write the list of features, if there is one."""
        if not self.settings.hash_bits:
            save_names(folder, self.names)

    @classmethod
    def load(cls, folder: Path, config: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """From the files of a model.

        Raises:
            UnsupportedModel: list and settings do not belong together.
        """
        settings = Settings.read(config.get("features"))
        names = () if settings.hash_bits else load_names(folder)
        idf = arrays.get("idf")
        found = cls(settings, names, idf)
        if idf is not None and idf.shape != (found.size,):
            raise UnsupportedModel("broken_model", f"'idf' does not have {found.size:,} values.")
        return found

    def _weighted(self, counts: Counter[int]) -> Row:
        numbers = np.array(sorted(counts), dtype=np.int64)
        values = np.array([counts[number] for number in numbers.tolist()], dtype=np.float64)
        if self.settings.frequency == "binary":
            values = np.minimum(values, 1.0)
        elif self.settings.frequency == "log":
            values = 1 + np.log(values)
        if self.idf is not None:
            values = values * self.idf[numbers]
        if self.settings.norm != "none" and len(values):
            length = np.abs(values).sum() if self.settings.norm == "l1" else np.sqrt((values**2).sum())
            values = values / (length or 1.0)
        return numbers, values


def terms(settings: Settings, text: str) -> Iterator[str]:
    """All n-grams of a text, shorter ones first; a gram of words is written with spaces between them."""
    text = text.lower() if settings.lowercase else text
    first, last = settings.ngrams
    if settings.analyzer == "word":
        words = _PATTERNS[settings.words].findall(text)
        for length in range(first, last + 1):
            for start in range(len(words) - length + 1):
                yield " ".join(words[start : start + length])
        return
    text = _SPACES.sub(" ", text)
    pieces = [text] if settings.analyzer == "char" else [f" {word} " for word in text.split()]
    for piece in pieces:
        for length in range(first, last + 1):
            for start in range(len(piece) - length + 1):
                yield piece[start : start + length]
            if settings.analyzer == "char_wb" and length >= len(piece):
                if length > len(piece):
                    yield piece  # A word shorter than the shortest gram is a gram itself.
                break  # And no word is the same gram once for each length.


def save_names(folder: Path, names: Iterable[str]) -> None:
    """Write `features.json`."""
    import json

    text = json.dumps({"features": list(names)}, ensure_ascii=False)
    (folder / FEATURES_FILE).write_text(text, encoding="utf-8")


def load_names(folder: Path) -> tuple[str, ...]:
    """Read `features.json`."""
    names = read_object(folder / FEATURES_FILE).get("features")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UnsupportedModel("broken_model", f"{FEATURES_FILE} has no list of features.")
    return tuple(names)


def read_labels(config: dict[str, Any]) -> tuple[str, ...]:
    """The labels of `id2label`, numbered 0, 1, 2 …

    Raises:
        UnsupportedModel: there are fewer than two, or their numbers have gaps.
    """
    table = config.get("id2label")
    if not isinstance(table, dict) or len(table) < 2 or set(table) != {str(number) for number in range(len(table))}:
        raise UnsupportedModel("broken_model", "config.json: 'id2label' does not number two or more labels from 0.")
    labels = tuple(str(table[str(number)]) for number in range(len(table)))
    if len(set(labels)) != len(labels):
        raise UnsupportedModel("broken_model", "config.json: two labels have one name.")
    return labels


def check_array(arrays: dict[str, Any], name: str, shape: tuple[int, ...], kind: str = "float32") -> Any:
    """A named array of one shape and type, all numbers finite.

    Raises:
        UnsupportedModel: it is not so.
    """
    array = arrays.get(name)
    if array is None or array.shape != shape or array.dtype != np.dtype(kind):
        raise UnsupportedModel("broken_weights", f"model.safetensors: {name!r} is no {kind} of the shape {shape}.")
    if not np.isfinite(array).all():
        raise UnsupportedModel("broken_weights", f"model.safetensors: {name!r} holds NaN or infinity.")
    return array
