"""What a model without skill gets on a set, told from its training split: the numbers that scores are read against.

Pure: a declared set and its items in, named values out, in the unit of the main metric.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evaluation import engine
from evaluation.benchmarks import Benchmark, Dataset, Item
from evaluation.benchmarks.definition import NO_KIND, NO_TRAIN
from evaluation.scorers import SCORERS, Row

MAX_TRAIN_CHARACTERS = 1_000_000
ORDERS = {"unigram": 1, "5-gram": 5}


@dataclass(frozen=True)
class Found:
    """One baseline. `of` says what it was made from, where that is not all of the training split."""

    name: str
    value: float
    of: str = ""


@dataclass(frozen=True)
class Baselines:
    """All that could be told; `reason` is there where nothing could."""

    values: tuple[Found, ...] = ()
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"values": [asdict(each) for each in self.values], "reason": self.reason}


def measure(benchmark: Benchmark, dataset: Dataset) -> Baselines:
    """The baselines of a set.

    Raises:
        NotScorable, TimedOut: a baseline that should exist cannot be scored.
    """
    way = _WAYS.get(benchmark.scorer)
    if way is None:
        return Baselines(reason=NO_KIND)
    if not dataset.train:
        return Baselines(reason=NO_TRAIN)
    return Baselines(tuple(way(benchmark, dataset)))


def _majority_class(benchmark: Benchmark, dataset: Dataset) -> list[Found]:
    """Always the label that is most frequent in training; of equals the first in the set's own order."""
    role = str(benchmark.scorer_args.get("label", "label"))
    counts = Counter(str(item[role]) for item in dataset.train)
    said = max(benchmark.labels, key=lambda label: counts[label])
    learnt = len(dataset.train)  # Rows of a probe say how many it learnt from.
    rows = [
        {"id": item.id, "gold": gold, "predicted": said, "right": gold == said, "train_rows": learnt}
        for item in dataset.items
        for gold in [str(item[role])]
    ]
    return [_of_rows(benchmark, rows, "majority")]


def _frequent_tags(benchmark: Benchmark, dataset: Dataset) -> list[Found]:
    """The tag that most words have; and for each word the one that it had most often, unknown words being outside."""
    tokens, tags = (str(benchmark.scorer_args.get(name, name)) for name in ("tokens", "tags"))
    by_word: dict[str, Counter[str]] = {}
    of_all: Counter[str] = Counter()
    for item in dataset.train:
        for word, tag in zip(item[tokens], item[tags], strict=False):
            by_word.setdefault(str(word), Counter())[str(tag)] += 1
            of_all[str(tag)] += 1
    most = _most(of_all)
    known = {word: _most(counts) for word, counts in by_word.items()}
    asked = [
        ("majority", _Tagger(benchmark.labels, lambda word: most)),
        ("unigram", _Tagger(benchmark.labels, lambda word: known.get(word, "O"))),
    ]
    return [Found(name, engine.measure(benchmark, dataset, model).value) for name, model in asked]


def _ngrams(benchmark: Benchmark, dataset: Dataset) -> list[Found]:
    """Kneser-Ney models of bytes, trained on the texts that the set calls right."""
    from smallhub.runtimes import ngram

    texts, of = _training_texts(benchmark, dataset.train)
    found = []
    for name, order in ORDERS.items():
        model = _Local(ngram.train(texts, unit="byte", order=order))
        found.append(Found(f"byte {name}", engine.measure(benchmark, dataset, model).value, of))
    return found


def _training_texts(benchmark: Benchmark, train: Sequence[Item]) -> tuple[list[str], str]:
    """Texts up to a limit, drawn by a hash of their ids where there are more; and what part of all that is."""
    role = "good" if benchmark.scorer == "minimal_pairs" else "text"
    name = str(benchmark.scorer_args.get(role, role))
    drawn = sorted(train, key=lambda item: hashlib.sha256(f"{benchmark.id}:{item.id}".encode()).hexdigest())
    texts, left = [], MAX_TRAIN_CHARACTERS
    for item in drawn:
        text = str(item[name])[:left]
        left -= len(text)
        texts.append(text)
        if left <= 0:
            return texts, f"{MAX_TRAIN_CHARACTERS:,} characters of the training split"
    return texts, ""


def _of_rows(benchmark: Benchmark, rows: list[Row], name: str) -> Found:
    value = float(SCORERS[benchmark.scorer].aggregate(benchmark, rows).metrics[benchmark.main_metric])
    return Found(name, value)


def _most(counts: Counter[str]) -> str:
    """The most frequent; of equals the first by name."""
    return min(counts, key=lambda name: (-counts[name], name), default="O")


class _Local:
    """A model of this process with the face that scorers know."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.description: dict[str, Any] = {"description": model.description()}

    def call(self, operation: str, *, timeout_s: float | None = None, **arguments: Any) -> Any:
        return getattr(self._model, operation)(**arguments)


class _Tagger:
    """Tags each word by itself."""

    def __init__(self, kinds: Sequence[str], tag: Callable[[str], str]) -> None:
        self._tag = tag
        self.description: dict[str, Any] = {"description": {"labels": ["O", *(f"B-{kind}" for kind in kinds)]}}

    def call(self, operation: str, *, timeout_s: float | None = None, **arguments: Any) -> Any:
        return [[self._tag(str(word)) for word in sentence] for sentence in arguments["sentences"]]


_WAYS: Mapping[str, Callable[[Benchmark, Dataset], list[Found]]] = {
    "classification": _majority_class,
    "probe_classification": _majority_class,
    "tagging": _frequent_tags,
    "language_modelling": _ngrams,
    "minimal_pairs": _ngrams,
}
