"""Taggers of words: a linear-chain conditional random field over features of words and their neighbours.

Files: `config.json` (`model_type: "smallhub-crf"`, `id2label`, `templates`, `hash_bits`), `features.json` unless
features are hashed, `model.safetensors` with `emissions` (features × labels), `transitions` (label before × label
after), `start` and `end` (labels). With all zeros in the last three it is a plain linear tagger.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._arrays import read_arrays, write_arrays
from smallhub.runtimes._explain import place_of, word_spans
from smallhub.runtimes._files import read_object
from smallhub.runtimes._sparse import MAX_HASH_BITS, check_array, load_names, read_labels, save_names
from smallhub.runtimes._types import Capability, Explanation, Method, Model, Runtime

MODEL_TYPE = "smallhub-crf"
Floats = npt.NDArray[np.float64]
_CAPABILITIES: frozenset[Capability] = frozenset({"tag"})
_AFFIX = 4
_MAX_WORD = 200


class CrfModel(Model):
    """Finds the likeliest sequence of labels (Viterbi)."""

    runtime: ClassVar[Runtime] = "crf"

    def __init__(self, features: WordFeatures, labels: Sequence[str], arrays: dict[str, Any]) -> None:
        self.task = "token-classification"
        self.capabilities = _CAPABILITIES
        self.features = features
        self.labels = tuple(labels)
        self.arrays = arrays

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        return {
            "runtime": self.runtime,
            "task": self.task,
            "architecture": MODEL_TYPE,
            "parameters": sum(int(array.size) for array in self.arrays.values()),
            "context_length": None,
            "vocabulary_size": self.features.size,
            "labels": list(self.labels),
            "prefix_token": None,
            "dtype": "float32",
            "templates": list(self.features.templates),
            "hash_bits": self.features.hash_bits,
        }

    def encode(self, text: str) -> list[int]:
        """There are no tokens, only words with features."""
        raise self._incapable("tokenize")

    def decode(self, ids: Sequence[int]) -> str:
        """There are no tokens, only words with features."""
        raise self._incapable("tokenize")

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
        """One label for each word. Of equally likely sequences the one with earlier labels is taken."""
        return [tuple(self.labels[number] for number in self._viterbi(sentence)) for sentence in sentences]

    def emissions(self, words: Sequence[str]) -> Floats:
        """What the features of each word say for each label; shape (words, labels)."""
        table = self.arrays["emissions"]
        rows = [table[numbers].astype(np.float64).sum(axis=0) for numbers in self.features.rows(words)]
        return np.array(rows).reshape(len(words), len(self.labels))

    def contributions(self, words: Sequence[str], place: int, label: str) -> dict[str, float]:
        """The weight of each feature of one word for a label, exactly: they sum to its emission. What the neighbours'
        labels add are the transitions."""
        number = self.labels.index(label)
        found: dict[str, float] = {}
        for name in features_of(words, place, self.features.templates):
            row = self.features.number(name)
            if row is not None:
                found[name] = float(self.arrays["emissions"][row, number])
        return found

    def _explain(self, value: Any, target: str | int | None, method: Method) -> Explanation | None:
        """The features of one word, the weight of each for its label; they sum to the word's emission."""
        if method not in ("auto", "exact"):
            return None
        (labels,) = self.tag([value])
        place = place_of(value, labels, target)
        found = self.contributions(value, place, labels[place])
        total = float(self.emissions(value)[place, self.labels.index(labels[place])])
        span = word_spans(value)[place]
        return Explanation(
            tuple(found), (span,) * len(found), tuple(found.values()), labels[place], "exact", total, 0.0
        )

    def save(self, folder: Path) -> None:
        """Write the files into a folder, which is made if needed."""
        folder.mkdir(parents=True, exist_ok=True)
        write_arrays(folder / "model.safetensors", self.arrays)
        if not self.features.hash_bits:
            save_names(folder, self.features.names)
        config = {
            "model_type": MODEL_TYPE,
            "architectures": ["SmallhubCrf"],
            "format_version": 1,
            "id2label": {str(number): label for number, label in enumerate(self.labels)},
            "templates": list(self.features.templates),
            "hash_bits": self.features.hash_bits,
        }
        (folder / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, *, threads: int | None = None) -> Self:
        """Read a model.

        Raises:
            UnsupportedModel: the files contradict each other.
        """
        del threads  # Sums of a few rows use one.
        config = read_object(folder / "config.json")
        templates, hash_bits, labels = config.get("templates"), config.get("hash_bits"), read_labels(config)
        if (
            config.get("format_version") != 1
            or not isinstance(templates, list)
            or not all(name in TEMPLATES for name in templates)
            or type(hash_bits) is not int
            or not 0 <= hash_bits <= MAX_HASH_BITS
        ):
            raise UnsupportedModel("broken_model", "config.json is not of this format, or names an unknown template.")
        features = WordFeatures(templates, () if hash_bits else load_names(folder), hash_bits=hash_bits)
        arrays, size = read_arrays(folder / "model.safetensors"), len(labels)
        shapes = {"emissions": (features.size, size), "transitions": (size, size), "start": (size,), "end": (size,)}
        return cls(features, labels, {name: check_array(arrays, name, shape) for name, shape in shapes.items()})

    def _viterbi(self, words: Sequence[str]) -> list[int]:
        if not words:
            return []
        emissions = self.emissions(words)
        transitions = self.arrays["transitions"].astype(np.float64)
        best = self.arrays["start"] + emissions[0]
        came_from = np.zeros((len(words), len(self.labels)), dtype=np.int64)
        for place in range(1, len(words)):
            through = best[:, None] + transitions
            came_from[place] = through.argmax(axis=0)
            best = through.max(axis=0) + emissions[place]
        path = [int(np.argmax(best + self.arrays["end"]))]
        for place in range(len(words) - 1, 0, -1):
            path.append(int(came_from[place, path[-1]]))
        return path[::-1]


class WordFeatures:
    """Numbers the features of words, listed or hashed."""

    def __init__(self, templates: Sequence[str], names: Sequence[str] = (), *, hash_bits: int = 0) -> None:
        self.templates = tuple(templates)
        self.names = tuple(names)
        self.hash_bits = hash_bits
        self._ids = {name: number for number, name in enumerate(self.names)}
        if len(self._ids) != len(self.names):
            raise UnsupportedModel("broken_model", "features.json names a feature twice.")
        self._mask = (1 << hash_bits) - 1

    @classmethod
    def learn(cls, sentences: Sequence[Sequence[str]], *, min_count: int, templates: Sequence[str]) -> Self:
        """List the features that occur at least `min_count` times."""
        counts = Counter(
            name for words in sentences for place in range(len(words)) for name in features_of(words, place, templates)
        )
        return cls(templates, sorted(name for name, count in counts.items() if count >= min_count))

    @property
    def size(self) -> int:
        """How many features there are."""
        return self._mask + 1 if self.hash_bits else len(self.names)

    def number(self, name: str) -> int | None:
        """The number of a feature; None if it is not listed."""
        if self.hash_bits:
            return zlib.crc32(name.encode("utf-8", "replace")) & self._mask
        return self._ids.get(name)

    def rows(self, words: Sequence[str]) -> list[list[int]]:
        """For each word the numbers of its known features."""
        return [
            [n for name in features_of(words, place, self.templates) if (n := self.number(name)) is not None]
            for place in range(len(words))
        ]


def features_of(words: Sequence[str], place: int, templates: Sequence[str]) -> Iterator[str]:
    """The names of a word's features; `bias` is always there."""
    yield "bias"
    for template in templates:
        yield from _TEMPLATES[template](words, place)


def _affixes(words: Sequence[str], place: int, *, at_end: bool) -> Iterator[str]:
    lower = _cut(words[place]).lower()
    for length in range(1, min(_AFFIX, len(lower)) + 1):
        yield f"suffix={lower[-length:]}" if at_end else f"prefix={lower[:length]}"


def _neighbour(words: Sequence[str], place: int, *, step: int) -> Iterator[str]:
    name, edge = ("previous", "<s>") if step < 0 else ("next", "</s>")
    word = words[place + step] if 0 <= place + step < len(words) else None
    yield f"{name}={edge if word is None else _cut(word).lower()}"
    yield f"{name}_shape={edge if word is None else shape_of(word)}"


def _pair(words: Sequence[str], place: int) -> Iterator[str]:
    before = _cut(words[place - 1]).lower() if place else "<s>"
    yield f"pair={before} {_cut(words[place]).lower()}"


def _edges(words: Sequence[str], place: int) -> Iterator[str]:
    if place == 0:
        yield "first"
    if place == len(words) - 1:
        yield "last"


_TEMPLATES: dict[str, Callable[[Sequence[str], int], Iterable[str]]] = {
    "word": lambda words, place: [f"word={_cut(words[place])}"],
    "lower": lambda words, place: [f"lower={_cut(words[place]).lower()}"],
    "shape": lambda words, place: [f"shape={shape_of(words[place])}"],
    "prefix": partial(_affixes, at_end=False),
    "suffix": partial(_affixes, at_end=True),
    "previous": partial(_neighbour, step=-1),
    "next": partial(_neighbour, step=1),
    "pair": _pair,
    "edges": _edges,
}
TEMPLATES = tuple(_TEMPLATES)


def _cut(word: str) -> str:
    return word[:_MAX_WORD]


def shape_of(word: str) -> str:
    """Xx for Berlin, X for EU, d for 1990, @x for @name: runs of one kind count once."""
    shape = ""
    for letter in word[:_MAX_WORD]:
        kind = "X" if letter.isupper() else "d" if letter.isdigit() else "x" if letter.isalpha() else letter
        if not shape.endswith(kind):
            shape += kind
    return shape[:12]
