"""Sentence pairs: the good one must be strictly more likely than the bad one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PairScores:
    """`accuracy` is the mean over groups of each group's share of right pairs; `by_group` holds those shares."""

    accuracy: float
    share_right: float
    ties: int
    by_group: Mapping[str, float]
    has_equal_groups: bool


def is_right(good: float, bad: float) -> bool:
    """Strictly greater: a tie is wrong."""
    return good > bad


def score(right: Sequence[bool], ties: Sequence[bool], groups: Sequence[str]) -> PairScores:
    """Aggregate pairs.

    Args:
        right, ties, groups: one entry per pair, in the same order. Without groups, give the same name to all.

    Raises:
        ValueError: no pair at all.
    """
    if not right:
        raise ValueError("There is no pair to score.")
    members: dict[str, list[bool]] = {}
    for group, is_good in zip(groups, right, strict=True):
        members.setdefault(group, []).append(is_good)
    by_group = {group: sum(values) / len(values) for group, values in sorted(members.items())}
    return PairScores(
        accuracy=sum(by_group.values()) / len(by_group),
        share_right=sum(right) / len(right),
        ties=sum(ties),
        by_group=by_group,
        has_equal_groups=len({len(values) for values in members.values()}) == 1,
    )
