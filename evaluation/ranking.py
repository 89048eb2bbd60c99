"""Ranks that intervals allow, fronts, and means over a suite. Pure functions over plain numbers; more is better."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Rank:
    """The places that a model may hold: behind those surely better, before those surely worse."""

    best: int
    worst: int

    @property
    def is_shared(self) -> bool:
        return self.best != self.worst

    def __str__(self) -> str:
        return f"{self.best}–{self.worst}" if self.is_shared else str(self.best)


def ranks(intervals: Mapping[Key, tuple[float, float]]) -> dict[Key, Rank]:
    """The rank of each by its interval (low, high): what overlaps is not told apart, and shares places."""
    lows = sorted(low for low, _ in intervals.values())
    highs = sorted(high for _, high in intervals.values())
    count = len(intervals)
    return {
        key: Rank(best=1 + count - bisect_right(lows, high), worst=count - bisect_left(highs, low))
        for key, (low, high) in intervals.items()
    }


def front(points: Iterable[tuple[Key, float, float]]) -> list[Key]:
    """Those that nothing beats in both ways, the cheapest first. A point is (key, cost, merit).

    Of equals in both the first given stays.
    """
    found: list[Key] = []
    best = -math.inf
    for key, _, merit in sorted(points, key=lambda point: (point[1], -point[2])):
        if merit > best:
            found.append(key)
            best = merit
    return found


@dataclass(frozen=True)
class Mean:
    """A mean over several benchmarks, with the interval that independent parts give it."""

    value: float
    low: float
    high: float


def mean(parts: Sequence[tuple[float, float, float]]) -> Mean:
    """The mean of (value, low, high); the half widths add up as those of independent measurements do."""
    count = len(parts)
    value = math.fsum(part[0] for part in parts) / count
    below = math.sqrt(math.fsum((part[0] - part[1]) ** 2 for part in parts)) / count
    above = math.sqrt(math.fsum((part[2] - part[0]) ** 2 for part in parts)) / count
    return Mean(value, value - below, value + above)
