"""Ranking one right candidate among several: R@k and the mean reciprocal rank."""

from __future__ import annotations

from collections.abc import Sequence


def rank(values: Sequence[float], right: int) -> int:
    """The rank from 1 of the right candidate, higher values first; of equal ones the first counts as ahead."""
    return 1 + sum(
        value > values[right] or (value == values[right] and place < right) for place, value in enumerate(values)
    )


def recall_at(ranks: Sequence[int], k: int) -> float:
    """The share of items whose right candidate is among the first k."""
    return sum(found <= k for found in ranks) / len(ranks)


def mean_reciprocal_rank(ranks: Sequence[int]) -> float:
    """The mean of 1/rank."""
    return sum(1 / found for found in ranks) / len(ranks)
