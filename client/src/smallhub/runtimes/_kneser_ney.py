"""Interpolated modified Kneser-Ney smoothing, counted, estimated and looked up with whole arrays.

An n-gram of length k is one 64-bit key: the row of its first k−1 units among the (k−1)-grams, times the size of the
vocabulary, plus its last unit. Rows are positions in the sorted keys. So a table is a few sorted arrays, a look-up of a
whole text is one binary search per length, and the continuations of a history lie side by side.

With a(hw) the count of an n-gram (the raw count for the longest, and for those that begin a document; else the number
of different units seen before it), D the discount for that count, and h′ the history without its first unit:

    p(w|h) = (a(hw) − D(a(hw))) / Σ_v a(hv)  +  γ(h) · p(w|h′),   γ(h) = Σ_v D(a(hv)) / Σ_v a(hv)

and below single units the uniform distribution. γ is what the discounts took away, so Σ_w p(w|h) = 1 for every h.

Source: S. F. Chen and J. Goodman, An Empirical Study of Smoothing Techniques for Language Modeling, TR-10-98 (1998),
section 3; for documents' begins, K. Heafield et al., Scalable Modified Kneser-Ney Language Model Estimation (2013).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smallhub.runtimes._units import BEGIN, Ids

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_USUAL_DISCOUNTS = (0.5, 1.0, 1.5)  # Where counts of counts are too few to estimate from, as KenLM has it.


@dataclass(frozen=True, slots=True)
class Level:
    """All n-grams of one length.

    Attributes:
        keys: int64, sorted, shape (grams,). For length 1 these are simply 0, 1, 2 …
        log_prob: float32, natural logarithm of the interpolated p(w|h).
        log_backoff: float32, logarithm of γ for this n-gram as a history; 0 where nothing was seen after it.
    """

    keys: Ids
    log_prob: Floats
    log_backoff: Floats


@dataclass(frozen=True, slots=True)
class _Counted:
    """The n-grams of one length as found in the text, before smoothing."""

    keys: Ids
    raw: Ids  # How often each occurs.
    suffix: Ids  # Row, one level down, of the n-gram without its first unit.
    begins: Flags  # Whether it starts with the begin of a document.
    rows: Ids  # For each position of the text: the row of the n-gram that ends there, or -1.


class Table:
    """A smoothed model over ids. `predictable` marks the ids that can follow at all; the begin mark never can."""

    def __init__(self, levels: Sequence[Level], *, size: int) -> None:
        self.levels = tuple(levels)
        self.size = size

    @property
    def order(self) -> int:
        """Length of the longest n-grams."""
        return len(self.levels)

    def score(self, texts: Sequence[Ids]) -> list[Doubles]:
        """Log-probabilities of each id of each text, given what precedes it, from the begin of a document on.

        All texts are looked up together.
        """
        stream, starts = join(texts)
        rows = stream.copy()
        log_prob = self.levels[0].log_prob[stream].astype(np.float64)
        for below, level in zip(self.levels, self.levels[1:], strict=False):
            history = np.full_like(rows, -1)
            history[1:] = rows[:-1]
            history[starts] = -1
            rows = self._find(level, history, stream)
            # With no n-gram of a length at all, row 0 does not exist; nothing is found then either.
            weights = below.log_backoff[np.maximum(history, 0)] if len(below.keys) else np.zeros_like(log_prob)
            backed_off = log_prob + np.where(history >= 0, weights, 0.0)
            seen = level.log_prob[np.maximum(rows, 0)] if len(level.keys) else backed_off
            log_prob = np.where(rows >= 0, seen, backed_off)
        bounds = [*starts.tolist(), len(stream)]
        return [log_prob[start + 1 : stop] for start, stop in itertools.pairwise(bounds)]

    def account(self, ids: Ids) -> list[tuple[float, int, float]]:
        """Where the log-probability of each id of a text comes from.

        Returns:
            For each id: the log-probability of the n-gram that was found, its length, and the sum of the back-off
            weights that came on top. The first and the last sum to the log-probability.
        """
        stream = np.concatenate([[BEGIN], ids])
        found = []
        for place in range(1, len(stream)):
            longest = min(self.order, place + 1)
            for length in range(longest, 0, -1):
                row = self._row(stream[place - length + 1 : place + 1])
                if row is not None:
                    break
            histories = [self._row(stream[place - size : place]) for size in range(length, longest)]
            backed_off = [
                float(self.levels[size - 1].log_backoff[history])
                for size, history in zip(range(length, longest), histories, strict=True)
                if history is not None
            ]
            found.append((float(self.levels[length - 1].log_prob[row or 0]), length, sum(backed_off)))
        return found

    def next_log_probs(self, history: Ids) -> Doubles:
        """Log-probabilities of all ids after a history that begins with a document. Shape (vocabulary,)."""
        context = history[-(self.order - 1) :] if self.order > 1 else history[:0]
        log_probs = self.levels[0].log_prob.astype(np.float64)
        for length in range(1, len(context) + 1):
            row = self._row(context[-length:])
            if row is None:
                continue  # A history never seen: its γ is 1.
            log_probs += self.levels[length - 1].log_backoff[row]
            level = self.levels[length]
            start, stop = np.searchsorted(level.keys, [row * self.size, (row + 1) * self.size])
            log_probs[level.keys[start:stop] - row * self.size] = level.log_prob[start:stop]
        return log_probs

    def _row(self, gram: Ids) -> int | None:
        row = int(gram[0])
        for level, unit in zip(self.levels[1:], gram[1:].tolist(), strict=False):
            key = row * self.size + unit
            row = int(np.searchsorted(level.keys, key))
            if row == len(level.keys) or level.keys[row] != key:
                return None
        return row

    def _find(self, level: Level, history: Ids, units: Ids) -> Ids:
        if not len(level.keys):
            return np.full_like(units, -1)
        keys = history * self.size + units
        rows = np.minimum(np.searchsorted(level.keys, keys), len(level.keys) - 1)
        return np.where((history >= 0) & (level.keys[rows] == keys), rows, -1)


def join(texts: Sequence[Ids]) -> tuple[Ids, Ids]:
    """Put texts one after the other, each behind a begin mark. Returns the stream and where each text starts."""
    starts = np.cumsum([0, *(len(text) + 1 for text in texts)])[:-1].astype(np.int64)
    stream = np.full(sum(map(len, texts)) + len(texts), BEGIN, dtype=np.int64)
    for start, text in zip(starts.tolist(), texts, strict=True):
        stream[start + 1 : start + 1 + len(text)] = text
    return stream, starts


def estimate(
    texts: Sequence[Ids], *, order: int, predictable: Flags, min_counts: Sequence[int] | None = None
) -> tuple[Table, list[list[float]]]:
    """Count and smooth.

    Args:
        texts: one array of ids per document, without begin marks, with end marks if those are to be predicted.
        predictable: shape (vocabulary,), the ids among which probability is shared out.
        min_counts: for each length, how often an n-gram must occur to be kept; non-decreasing, 1 for single units.

    Returns:
        The table, and the three discounts of each length.
    """
    size = len(predictable)
    wanted = list(min_counts or [1] * order)
    if order < 1 or len(wanted) != order or wanted[0] != 1 or wanted != sorted(wanted):
        raise ValueError(f"min_counts {wanted} do not fit order {order}: one each, the first 1, never decreasing.")
    counted = _count(texts, order=order, size=size)
    levels: list[Level] = []
    discounts: list[list[float]] = []
    below = predictable / predictable.sum()  # Interpolated probabilities one level down; at first the uniform ones.
    kept_below = np.arange(size)
    for length, grams in enumerate(counted, start=1):
        above = counted[length] if length < order else None
        counts = _adjusted(grams, above)
        if length == 1:
            counts[BEGIN] = 0  # A begin is never predicted.
        parents = np.zeros(size, dtype=np.int64) if length == 1 else grams.keys // size
        lower = below if length == 1 else below[grams.suffix]
        kept = grams.raw >= wanted[length - 1] if length > 1 else np.ones(size, dtype=np.bool_)
        steps = _discounts(counts)
        history_size = 1 if length == 1 else len(counted[length - 2].keys)
        probabilities, gamma = _interpolate(counts, parents, lower, kept, steps, history_size)
        if length > 1:
            levels[-1] = _with_backoff(levels[-1], gamma, kept_below)
        keys = np.arange(size) if length == 1 else _renumber(grams.keys, kept, kept_below, size)
        with np.errstate(divide="ignore"):
            log_prob = np.log(probabilities[kept]).astype(np.float32)
        levels.append(Level(keys, log_prob, np.zeros(len(keys), dtype=np.float32)))
        discounts.append([float(step) for step in steps])
        below, kept_below = probabilities, np.flatnonzero(kept)
    return Table(levels, size=size), discounts


def _count(texts: Sequence[Ids], *, order: int, size: int) -> list[_Counted]:
    stream, starts = join(texts)
    raw = np.bincount(stream, minlength=size).astype(np.int64)
    everything = np.arange(size)
    levels = [_Counted(everything, raw, np.zeros(size, dtype=np.int64), everything == BEGIN, stream)]
    # How many units of the same document precede each position.
    depth = np.arange(len(stream)) - np.repeat(starts, np.diff([*starts.tolist(), len(stream)]))
    for length in range(2, order + 1):
        rows_below = levels[-1].rows
        ends = np.flatnonzero(depth >= length - 1)
        keys, first, inverse, counts = np.unique(
            rows_below[ends - 1] * size + stream[ends], return_index=True, return_inverse=True, return_counts=True
        )
        rows = np.full_like(stream, -1)
        rows[ends] = inverse
        places = ends[first]
        levels.append(
            _Counted(keys, counts.astype(np.int64), rows_below[places], stream[places - length + 1] == BEGIN, rows)
        )
    return levels


def _adjusted(grams: _Counted, above: _Counted | None) -> Ids:
    """The count that smoothing works with: raw for the longest, else in how many ways it goes on to the left."""
    counts = grams.raw if above is None else np.bincount(above.suffix, minlength=len(grams.keys)).astype(np.int64)
    return np.where(grams.begins, grams.raw, counts)


def _discounts(counts: Ids) -> Doubles:
    """D₁, D₂ and D₃₊ from how many n-grams were counted once, twice, three and four times."""
    n1, n2, n3, n4 = (int(np.count_nonzero(counts == number)) for number in (1, 2, 3, 4))
    steps = list(_USUAL_DISCOUNTS)
    if n1 and n2:
        y = n1 / (n1 + 2 * n2)
        raw = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3 if n3 else _USUAL_DISCOUNTS[2]]
        # An estimate outside its range would take away more than there is, or give to what was seen.
        steps = [step if 0 < step < number else steps[number - 1] for number, step in enumerate(raw, start=1)]
    return np.array(steps)


def _interpolate(
    counts: Ids, parents: Ids, lower: Doubles, kept: Flags, steps: Doubles, history_size: int
) -> tuple[Doubles, Doubles]:
    """Probabilities of all n-grams, and γ of all histories. What is not kept gives its whole count to γ."""
    totals = np.bincount(parents, weights=counts, minlength=history_size)
    taken = np.where(kept, np.where(counts > 0, steps[np.clip(counts, 1, 3) - 1], 0.0), counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        gamma = np.where(totals > 0, np.bincount(parents, weights=taken, minlength=history_size) / totals, 1.0)
        own = np.where(totals[parents] > 0, (counts - taken) / totals[parents], 0.0)
    return own + gamma[parents] * lower, gamma


def _with_backoff(level: Level, gamma: Doubles, kept: Ids) -> Level:
    return Level(level.keys, level.log_prob, np.log(gamma[kept]).astype(np.float32))


def _renumber(keys: Ids, kept: Flags, kept_below: Ids, size: int) -> Ids:
    """Keys of the kept n-grams, with their histories' rows among the kept histories. The order stays."""
    parents = np.searchsorted(kept_below, keys[kept] // size)
    return np.asarray(parents * size + keys[kept] % size, dtype=np.int64)
