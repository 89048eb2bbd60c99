"""What every scorer is made of, and the one batch rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset
from evaluation.metrics.uncertainty import FloatArray, IntArray, Interval

Row = dict[str, Any]
Call = Callable[..., Any]
Progress = Callable[[int, int], None]
# Takes drawn item numbers of shape (some draws, n) and gives the main metric of each draw.
Statistic = Callable[[IntArray], FloatArray]

BATCH_ITEMS = 32
# Likelihoods are asked for in larger calls: the runtime itself forms batches by tokens, and shares what begins alike.
CALL_TEXTS = 512
CALL_CHARACTERS = 40_000
GO_ON_TEXTS = 64  # Texts to go on with: what a model writes depends on none of the others.
CALL_CHARACTERS_PSEUDO = 4_000  # Hiding one token at a time costs a text's length once more.
BATCH_RULE = (
    f"texts sorted by length in characters, then by text; {BATCH_ITEMS} at once; likelihoods by item, "
    f"{CALL_TEXTS} texts or {CALL_CHARACTERS} characters a call, batched by the runtime's own rule"
)


class NotScorable(Exception):
    """The model answered, but its answers make no score. `code` is stable."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True)
class Aggregate:
    """Metrics by name (fractions, bits, perplexities, and records such as the confusion matrix), and counts of
    whatever is not simply right or wrong."""

    metrics: Mapping[str, Any]
    interval: Interval | None
    counts: Mapping[str, int] = field(default_factory=dict)


class Model(Protocol):
    """What a scorer needs of a session."""

    description: dict[str, Any]

    def call(self, operation: str, *, timeout_s: float | None = None, **arguments: Any) -> Any: ...


class Scorer(Protocol):
    """A named way to score. `version` is raised whenever the same answers would give another number."""

    name: str
    version: int

    def collect(self, benchmark: Benchmark, dataset: Dataset, model: Model, progress: Progress) -> list[Row]: ...

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate: ...

    def statistic(self, benchmark: Benchmark, rows: Sequence[Row]) -> Statistic:
        """The main metric as a function of drawn items, from summed statistics: what paired comparisons are made of."""
        ...

    def item_value(self, benchmark: Benchmark, row: Row) -> float | None:
        """What one item adds to the main metric, higher being better: 1 and 0 for right and wrong, a log-likelihood
        for a text. None where an item has no value of its own, such as a sentence under BLEU."""
        ...

    def prediction(self, row: Row) -> str:
        """What the model said of an item, to be shown beside what another version said."""
        ...


def mean_statistic(values: Sequence[float]) -> Statistic:
    """The statistic of a metric that is the mean over items."""
    array = np.asarray(values, dtype=float)

    def means(drawn: IntArray) -> FloatArray:
        found: FloatArray = array[drawn].mean(axis=1)
        return found

    return means


def is_right_or_wrong(value: float | None) -> bool:
    """Whether an item's value is a verdict on it, rather than a quantity."""
    return value in (0.0, 1.0)


def batches(texts: Sequence[str]) -> Iterator[list[int]]:
    """Positions of `texts` in batches. The rule is fixed since batching changes the last bits of a float."""
    order = sorted(range(len(texts)), key=lambda position: (len(texts[position]), texts[position]))
    for start in range(0, len(order), BATCH_ITEMS):
        yield order[start : start + BATCH_ITEMS]


def calls(items: Sequence[Sequence[str]], *, limit: int = CALL_CHARACTERS) -> Iterator[list[int]]:
    """Positions of items, each of one or more texts, by calls: small items first, an item's texts never parted."""
    sizes = [sum(map(len, texts)) for texts in items]
    call: list[int] = []
    texts = characters = 0
    for position in sorted(range(len(items)), key=lambda position: (sizes[position], list(items[position]))):
        own = len(items[position])
        if call and (texts + own > CALL_TEXTS or characters + sizes[position] > limit):
            yield call
            call, texts, characters = [], 0, 0
        call, texts, characters = [*call, position], texts + own, characters + sizes[position]
    if call:
        yield call


def ask_by_item(
    model: Model, operation: str, items: Sequence[Sequence[str]], progress: Progress, **arguments: Any
) -> list[list[Any]]:
    """For each item one answer per text, in their order, all of an item in one call."""
    found: dict[int, list[Any]] = {}
    limit = CALL_CHARACTERS_PSEUDO if operation == "pseudo_log_likelihood" else CALL_CHARACTERS
    for call in calls(items, limit=limit):
        texts = [text for position in call for text in items[position]]
        answers = iter(model.call(operation, texts=texts, **arguments))
        found |= {position: [next(answers) for _ in items[position]] for position in call}
        progress(len(found), len(items))
    return [found[position] for position in range(len(items))]


def ask_continuations(model: Model, items: Sequence[Sequence[tuple[str, str]]], progress: Progress) -> list[list[Any]]:
    """For each item one answer per (context, continuation), in their order, all of an item in one call."""
    found: dict[int, list[Any]] = {}
    for call in calls([[context + continuation for context, continuation in item] for item in items]):
        pairs = [pair for position in call for pair in items[position]]
        contexts, continuations = [context for context, _ in pairs], [continuation for _, continuation in pairs]
        answered = model.call("continuation_log_likelihood", contexts=contexts, continuations=continuations)
        answers = iter(answered)
        found |= {position: [next(answers) for _ in items[position]] for position in call}
        progress(len(found), len(items))
    return [found[position] for position in range(len(items))]


def ask_in_batches(
    model: Model, operation: str, texts: Sequence[str], progress: Progress, **arguments: Any
) -> list[Any]:
    """One answer per text, in the order of `texts`. Equal texts are asked once."""
    distinct = sorted(set(texts))
    answers: dict[str, Any] = {}
    for positions in batches(distinct):
        batch = [distinct[position] for position in positions]
        answers |= dict(zip(batch, model.call(operation, texts=batch, **arguments), strict=True))
        progress(len(answers), len(distinct))
    return [answers[text] for text in texts]


def prefix_argument(benchmark: Benchmark) -> dict[str, Any]:
    """The rule for the token before a text, where the declaration names one."""
    rule = benchmark.scorer_args.get("prefix")
    return {} if rule is None else {"prefix": str(rule)}


def finite(value: float, what: str) -> float:
    """A number that may enter a score.

    Raises:
        NotScorable: NaN, or an infinite likelihood.
    """
    if not math.isfinite(value):
        raise NotScorable(
            "not_finite", f"{what} is {value}: a broken weight, or a text that the model finds impossible."
        )
    return value
