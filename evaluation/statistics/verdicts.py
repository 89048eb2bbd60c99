"""The rule that turns an interval of a difference into a word."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a comparison says. `inconclusive` never stands for "no regression"."""

    IMPROVED = "improved"
    REGRESSED = "regressed"
    EQUIVALENT = "equivalent"
    INCONCLUSIVE = "inconclusive"
    NOT_COMPARABLE = "not_comparable"


@dataclass(frozen=True)
class Decision:
    """`blocks`: it regressed by the margin or more."""

    verdict: Verdict
    blocks: bool


LEVEL = 0.05


def verdict(difference: float, low: float, high: float, margin: float, *, p: float | None = None) -> Decision:
    """Decide from the 95 % interval of new − old, signed so that up is better.

    Args:
        p: of an exact test beside the interval. Where it is over 5 %, the interval alone claims no difference.
    """
    told = p is None or p <= LEVEL
    if low > 0 and told:
        return Decision(Verdict.IMPROVED, blocks=False)
    if high < 0 and told:
        return Decision(Verdict.REGRESSED, blocks=-difference >= margin)
    if -margin < low and high < margin:
        return Decision(Verdict.EQUIVALENT, blocks=False)
    return Decision(Verdict.INCONCLUSIVE, blocks=False)
