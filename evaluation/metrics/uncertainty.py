"""Intervals and paired comparisons. Every random draw has a stored seed, so that each number can be made again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

Z_95 = 1.959964
DRAWS = 1000
# z of 97.5 % and of 80 % power together: the factor in the smallest effect that can be seen.
_POWER_FACTOR = 2.80
_DRAWS_AT_ONCE = 50


@dataclass(frozen=True)
class Interval:
    """An interval of `level` (0.95) by a named method."""

    low: float
    high: float
    method: str
    level: float = 0.95


def wilson(successes: int, n: int, *, z: float = Z_95) -> Interval:
    """Interval of a proportion.

    Raises:
        ValueError: `n` below 1, or more successes than trials.

    Source: Wilson (1927), Journal of the American Statistical Association 22.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"Need 0 ≤ successes ≤ n and n ≥ 1, got {successes} of {n}.")
    share, square = successes / n, z * z
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = z * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    # At the ends the formula gives the end itself, but for rounding.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Interval(low=low, high=high, method="wilson")


def bootstrap_ratio(
    numerators: Sequence[float], denominators: Sequence[float], *, seed: int, draws: int = DRAWS
) -> tuple[Interval, FloatArray]:
    """Percentile bootstrap of Σ numerator / Σ denominator over whole items (documents, articles, clips).

    This is the block bootstrap of corpus metrics: an item is the block, so dependence inside it is kept.

    Returns:
        The interval, and the replicates with shape (draws,).

    Raises:
        ValueError: fewer than two items, or different lengths.
    """
    top, bottom = np.asarray(numerators, float), np.asarray(denominators, float)
    if len(top) < 2 or len(top) != len(bottom):
        raise ValueError(f"Need two items or more, got {len(top)} and {len(bottom)}.")
    replicates = np.concatenate(
        [top[index].sum(1) / bottom[index].sum(1) for index in resamples(len(top), draws, seed)]
    )
    return percentile(replicates, method="bootstrap over items"), replicates


def bootstrap_statistic(
    n: int,
    statistic: Callable[[IntArray], FloatArray],
    *,
    seed: int,
    draws: int = DRAWS,
    method: str = "bootstrap over items",
) -> Interval:
    """Percentile bootstrap of any statistic.

    Args:
        n: number of items.
        statistic: takes drawn item numbers of shape (some draws, n) and gives one value per draw.
    """
    if n < 2:
        raise ValueError(f"Need two items or more, got {n}.")
    return percentile(np.concatenate([statistic(index) for index in resamples(n, draws, seed)]), method=method)


def cluster_bootstrap_mean(
    values: Sequence[float], clusters: Sequence[str], *, seed: int, draws: int = DRAWS
) -> Interval:
    """Interval of the mean over clusters of each cluster's mean, drawing whole clusters.

    For a claim about grammar in general: sentence pairs from one template are not independent of each other.
    """
    members: dict[str, list[float]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        members.setdefault(cluster, []).append(value)
    means = np.array([np.mean(group) for _, group in sorted(members.items())])
    return bootstrap_statistic(
        len(means), lambda index: means[index].mean(1), seed=seed, draws=draws, method="bootstrap over groups"
    )


def stratified_bootstrap_mean(
    values: Sequence[float], strata: Sequence[str], *, seed: int, draws: int = DRAWS
) -> Interval:
    """Interval of the mean over strata of each stratum's mean, drawing items inside each stratum.

    For a claim about this file when its groups have different sizes.
    """
    members: dict[str, list[float]] = {}
    for value, stratum in zip(values, strata, strict=True):
        members.setdefault(stratum, []).append(value)
    rng = np.random.default_rng(seed)
    totals = np.zeros(draws)
    for _, group in sorted(members.items()):
        array = np.array(group)
        totals += array[rng.integers(0, len(array), size=(draws, len(array)))].mean(1)
    return percentile(totals / len(members), method="bootstrap inside groups")


def mcnemar(only_first_right: int, only_second_right: int) -> float:
    """Exact two-sided p of McNemar's test on the discordant pairs (binomial with p = ½); 1 without any.

    Source: McNemar (1947), Psychometrika 12; exact form.
    """
    n, smaller = only_first_right + only_second_right, min(only_first_right, only_second_right)
    tail = sum(math.comb(n, k) for k in range(smaller + 1))
    return min(1.0, float(2 * tail / 2**n)) if n < 1000 else min(1.0, _large_binomial_tail(smaller, n))


def paired_bootstrap_ratio(
    first: Sequence[float], second: Sequence[float], weights: Sequence[float], *, seed: int, draws: int = DRAWS
) -> Interval:
    """Interval of Σ second / Σ weight − Σ first / Σ weight, drawing the same items for both.

    Args:
        first, second: per-item sums, such as log-likelihoods or rights, of the two versions in the same order.
        weights: per-item denominators, such as bytes; all 1 for a mean.
    """
    difference = np.asarray(second, float) - np.asarray(first, float)
    interval, _ = bootstrap_ratio(list(difference), weights, seed=seed, draws=draws)
    return Interval(interval.low, interval.high, "paired bootstrap over items")


def smallest_difference(n: int, *, disagreement: float | None = None) -> float:
    """The smallest true difference of shares that n items show with 80 % power at 5 % two-sided, as a fraction.

    Args:
        disagreement: share of items on which two versions differ (paired); None for two unpaired models at p = ½.
    """
    if n < 1:
        raise ValueError("Need at least one item.")
    return _POWER_FACTOR * math.sqrt((0.5 if disagreement is None else disagreement) / n)


def percentile(replicates: FloatArray, *, method: str, level: float = 0.95) -> Interval:
    """The middle `level` of bootstrap replicates.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(replicates, [tail, 100 - tail])
    return Interval(low=float(low), high=float(high), method=method, level=level)


def resamples(n: int, draws: int, seed: int) -> list[IntArray]:
    """Item numbers drawn with replacement: arrays of shape (at most 50, n), `draws` rows in all."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, n, size=(min(_DRAWS_AT_ONCE, draws - at), n)) for at in range(0, draws, _DRAWS_AT_ONCE)]


def _large_binomial_tail(smaller: int, n: int) -> float:
    """Twice the lower tail in logarithms, where the exact integers would not fit a float."""
    logs = np.array([math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(smaller + 1)])
    peak = logs.max()
    return float(2 * np.exp(peak - n * math.log(2)) * np.exp(logs - peak).sum())
