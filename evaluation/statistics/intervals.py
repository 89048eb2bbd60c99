"""Intervals of a difference between two results on the same items."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evaluation.metrics.uncertainty import DRAWS, Z_95, FloatArray, IntArray, Interval, percentile, resamples

Statistic = Callable[[IntArray], FloatArray]
_STEPS = 60


@dataclass(frozen=True)
class Difference:
    """Second − first with its interval and two-sided p."""

    interval: Interval
    p: float


def paired_shares(only_first: int, only_second: int, n: int, *, z: float = Z_95) -> Interval:
    """Interval of the difference of two shares on the same n items, second − first.

    It comes from the items on which the two disagree, and stays honest where they never do: ten items without any
    disagreement do not show that two models are the same.

    Source: Tango (1998), Statistics in Medicine 17: the score interval.
    """
    if n < 1 or min(only_first, only_second) < 0 or only_first + only_second > n:
        raise ValueError(f"Need 0 ≤ disagreements ≤ n and n ≥ 1, got {only_first} and {only_second} of {n}.")
    return Interval(
        low=_where(only_second, only_first, n, z), high=-_where(only_first, only_second, n, z), method="paired score"
    )


def _where(up: int, down: int, n: int, z: float) -> float:
    """The lower end: the difference at which the score statistic is z. It falls as the difference grows."""
    low, high = -1.0, (up - down) / n
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _score(up, down, n, middle) > z:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _score(up: int, down: int, n: int, difference: float) -> float:
    """Tango's statistic; the share of items that only go down is its likeliest value given the difference."""
    a = 2 * n
    b = -up - down + (2 * n - up + down) * difference
    c = -down * difference * (1 - difference)
    share = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    variance = n * (2 * share + difference * (1 - difference))
    distance = up - down - n * difference
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def paired_bootstrap(first: Statistic, second: Statistic, n: int, *, seed: int, draws: int = DRAWS) -> Difference:
    """Second − first of any metric, the same items being drawn for both.

    Args:
        first, second: take drawn item numbers of shape (some draws, n) and give one value per draw.
    """
    if n < 2:
        raise ValueError(f"Need two items or more, got {n}.")
    parts = [second(drawn) - first(drawn) for drawn in resamples(n, draws, seed)]
    replicates = np.concatenate(parts)
    return Difference(percentile(replicates, method="paired bootstrap over items"), two_sided(replicates))


def paired_mean(differences: FloatArray, *, seed: int, draws: int = DRAWS) -> Difference:
    """The mean difference per document (block, article), drawing documents: for log-likelihoods."""
    if len(differences) < 2:
        raise ValueError(f"Need two documents or more, got {len(differences)}.")
    replicates = np.concatenate([differences[drawn].mean(axis=1) for drawn in resamples(len(differences), draws, seed)])
    return Difference(percentile(replicates, method="paired bootstrap over documents"), two_sided(replicates))


def two_sided(replicates: FloatArray) -> float:
    """Twice the smaller share of replicates on one side of zero; never 0, for there are only so many draws.

    Source: Davison & Hinkley, Bootstrap Methods and their Application (1997), chapter 4.
    """
    smaller = min(int((replicates <= 0).sum()), int((replicates >= 0).sum()))
    return min(1.0, 2 * (smaller + 1) / (len(replicates) + 1))
