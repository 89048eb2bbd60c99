"""Two results on the same items: the difference with its interval, the verdict, and the items that flipped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.benchmarks.definition import Benchmark
from evaluation.metrics import uncertainty
from evaluation.scorers import SCORERS, Row
from evaluation.scorers.base import is_right_or_wrong
from evaluation.statistics import intervals
from evaluation.statistics.margins import Margin, margin_of
from evaluation.statistics.verdicts import Verdict, verdict


@dataclass(frozen=True)
class Flip:
    """An item that was wrong and is right now, or the other way round."""

    id: str
    is_better: bool
    slice: str


@dataclass(frozen=True)
class Slice:
    """A part of the set: how many items it has, and how many flipped which way."""

    name: str
    n: int
    better: int
    worse: int


@dataclass(frozen=True)
class Paired:
    """New against old. Differences are in the metric's own unit and signed so that up is better.

    `smallest` is the smallest true difference that this comparison shows with 80 % power, None where that is not
    known. `log_likelihood` is the mean difference per document with its interval, in nats, where items are texts.
    """

    verdict: Verdict
    blocks: bool
    old: float
    new: float
    difference: float
    low: float | None
    high: float | None
    p: float | None
    margin: float
    method: str
    n: int
    smallest: float | None = None
    log_likelihood: tuple[float, float, float] | None = None
    better: int = 0
    worse: int = 0
    flips: tuple[Flip, ...] = ()
    slices: tuple[Slice, ...] = ()


def compare(
    benchmark: Benchmark, old_rows: Sequence[Row], new_rows: Sequence[Row], *, margin: Margin | None = None
) -> Paired:
    """Compare two row files of one benchmark.

    Raises:
        ValueError: they are not of the same items, or of none.
    """
    ids = [str(row["id"]) for row in old_rows]
    if not ids or ids != [str(row["id"]) for row in new_rows]:
        raise ValueError("Both results must be of the same items, and of one at least.")
    scorer = SCORERS[benchmark.scorer]
    old_values = [scorer.item_value(benchmark, row) for row in old_rows]
    new_values = [scorer.item_value(benchmark, row) for row in new_rows]
    old, new = _score(benchmark, old_rows), _score(benchmark, new_rows)
    around = (margin or margin_of(benchmark)).around(old)
    if all(map(is_right_or_wrong, old_values + new_values)):
        before, after = [value == 1.0 for value in old_values], [value == 1.0 for value in new_values]
        if math.isclose(old, sum(before) / len(ids)) and math.isclose(new, sum(after) / len(ids)):
            return _of_shares(old, new, around, before, after, old_rows)
        return _drawn(benchmark, old_rows, new_rows, old, new, around, flips=(before, after))
    texts = None
    if all(value is not None for value in old_values + new_values):
        texts = np.array(new_values, float) - np.array(old_values, float)
    return _drawn(benchmark, old_rows, new_rows, old, new, around, texts=texts)


def _of_shares(
    old: float, new: float, margin: float, before: list[bool], after: list[bool], rows: Sequence[Row]
) -> Paired:
    """Right and wrong: McNemar's exact test, and the score interval of the difference."""
    n, flips = len(rows), _flips(before, after, rows)
    better, worse = _count(flips)
    interval, p = intervals.paired_shares(worse, better, n), uncertainty.mcnemar(worse, better)
    decision = verdict(new - old, interval.low, interval.high, margin, p=p)
    return Paired(
        decision.verdict,
        decision.blocks,
        old,
        new,
        difference=new - old,
        low=interval.low,
        high=interval.high,
        p=p,
        margin=margin,
        method="exact McNemar; score interval",
        n=n,
        # How often versions disagree is not known from none that did: the formula would promise to see everything.
        smallest=uncertainty.smallest_difference(n, disagreement=len(flips) / n) if flips else None,
        better=better,
        worse=worse,
        flips=flips,
        slices=slices_of(rows, flips),
    )


def _drawn(
    benchmark: Benchmark,
    old_rows: Sequence[Row],
    new_rows: Sequence[Row],
    old: float,
    new: float,
    margin: float,
    *,
    flips: tuple[list[bool], list[bool]] | None = None,
    texts: uncertainty.FloatArray | None = None,
) -> Paired:
    """Every other metric: the same drawn items for both, the metric computed anew from each draw."""
    scorer, n = SCORERS[benchmark.scorer], len(old_rows)
    sign = 1.0 if benchmark.higher_is_better else -1.0
    found = _flips(*flips, old_rows) if flips else ()
    better, worse = _count(found)
    slices = slices_of(old_rows, found) if flips else ()
    if n < 2:
        interval, p, decision = None, None, None
    else:
        first, second = scorer.statistic(benchmark, old_rows), scorer.statistic(benchmark, new_rows)
        drawn = intervals.paired_bootstrap(
            lambda index: sign * first(index), lambda index: sign * second(index), n, seed=benchmark.seed
        )
        interval, p = drawn.interval, drawn.p
        decision = verdict(sign * (new - old), interval.low, interval.high, margin)
    return Paired(
        decision.verdict if decision else Verdict.INCONCLUSIVE,
        bool(decision and decision.blocks),
        old,
        new,
        difference=sign * (new - old),
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        p=p,
        margin=margin,
        method=interval.method if interval else "one item only",
        n=n,
        # The factor 2.8 times the standard deviation, which is the interval's width over 2 · 1.96.
        smallest=2.80 * (interval.high - interval.low) / (2 * uncertainty.Z_95) if interval else None,
        log_likelihood=_by_document(texts, seed=benchmark.seed),
        better=better,
        worse=worse,
        flips=found,
        slices=slices,
    )


def _by_document(differences: uncertainty.FloatArray | None, *, seed: int) -> tuple[float, float, float] | None:
    if differences is None or len(differences) < 2:
        return None
    found = intervals.paired_mean(differences, seed=seed)
    return float(differences.mean()), found.interval.low, found.interval.high


def _score(benchmark: Benchmark, rows: Sequence[Row]) -> float:
    """The main metric of stored rows, each item once."""
    everything = np.arange(len(rows))[np.newaxis, :]
    return float(SCORERS[benchmark.scorer].statistic(benchmark, rows)(everything)[0])


def _flips(before: list[bool], after: list[bool], rows: Sequence[Row]) -> tuple[Flip, ...]:
    return tuple(
        Flip(str(row["id"]), is_better=now, slice=slice_of(row))
        for row, was, now in zip(rows, before, after, strict=True)
        if was != now
    )


def _count(flips: Sequence[Flip]) -> tuple[int, int]:
    better = sum(flip.is_better for flip in flips)
    return better, len(flips) - better


def slice_of(row: Row) -> str:
    """The part of the set that an item belongs to: its declared slice, its group, or its true label; "" for none."""
    for name in ("slice", "group"):
        if row.get(name):
            return str(row[name])
    gold = row.get("gold")
    return gold if isinstance(gold, str) else ""


def slices_of(rows: Sequence[Row], flips: Sequence[Flip]) -> tuple[Slice, ...]:
    """Counts by slice, those with most flips first; nothing where the set has no slices."""
    sizes: dict[str, int] = {}
    for row in rows:
        sizes[slice_of(row)] = sizes.get(slice_of(row), 0) + 1
    counted: Mapping[str, list[int]] = {name: [0, 0] for name in sizes}
    for flip in flips:
        counted[flip.slice][0 if flip.is_better else 1] += 1
    found = [Slice(name, sizes[name], *counted[name]) for name in sizes if name]
    return tuple(sorted(found, key=lambda part: (-(part.better + part.worse), part.name)))
