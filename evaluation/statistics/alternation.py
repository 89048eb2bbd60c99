"""Two versions timed in turns, A B A B: medians, and how many times as long the new one takes, with an interval.

Turns in one session meet the same machine, so what else it does falls on both. The interval is exact and knows no
distribution: the order statistics of the ratios of pairs that hold their median in at least 95 % of all samples.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

LEVEL = 0.95
MIN_PAIRS = 6  # Fewer have no interval of this level.
MARGIN = 0.05  # What nobody would notice.

Word = Literal["better", "worse", "same", "unclear"]


@dataclass(frozen=True)
class Alternated:
    """`old` and `new` are median seconds; `ratio` is the median of new over old by pair. Below 1 is quicker."""

    name: str
    pairs: int
    old: float
    new: float
    ratio: float
    low: float
    high: float
    word: Word

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def told(name: str, old: Sequence[float], new: Sequence[float]) -> Alternated:
    """What pairs of times say.

    Args:
        old, new: seconds, one of each for every pair, in the order in which they were taken.

    Raises:
        ValueError: too few pairs, or not as many of one as of the other.
    """
    if len(old) != len(new) or len(old) < MIN_PAIRS:
        raise ValueError(f"Needs {MIN_PAIRS} pairs, got {len(old)} and {len(new)} times.")
    ratios = sorted(after / max(before, 1e-9) for before, after in zip(old, new, strict=True))
    place = _place(len(ratios))
    low, high, ratio = ratios[place], ratios[-1 - place], statistics.median(ratios)
    return Alternated(
        name, len(ratios), statistics.median(old), statistics.median(new), ratio, low, high, _word(ratio, low, high)
    )


def _word(ratio: float, low: float, high: float) -> Word:
    """Quicker or slower only if the interval leaves out 1 and the difference is one that can be noticed."""
    if high < 1 and ratio <= 1 / (1 + MARGIN):
        return "better"
    if low > 1 and ratio >= 1 + MARGIN:
        return "worse"
    return "same" if low > 1 / (1 + MARGIN) and high < 1 + MARGIN else "unclear"


def _place(number: int) -> int:
    """How many ratios may be left out at each end so that the interval keeps its level."""
    left, place = 0.0, 0
    while True:
        left += math.comb(number, place) / 2**number
        if 2 * left > 1 - LEVEL:
            return place - 1
        place += 1
