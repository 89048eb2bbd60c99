"""Generated programs: the unbiased pass@k, and where a completion ends."""

from __future__ import annotations

import math
from collections.abc import Sequence

# What begins something new after a function's body.
HUMANEVAL_STOPS = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")


def pass_at_k(n: int, right: int, k: int) -> float:
    """The chance that at least one of k programs, drawn from n of which some are right, is right.

    Raises:
        ValueError: not 0 ≤ right ≤ n, or not 1 ≤ k ≤ n.

    Source: Chen et al., Evaluating Large Language Models Trained on Code (2021).
    """
    if not 0 <= right <= n or not 1 <= k <= n:
        raise ValueError(f"Need 0 ≤ right ≤ n and 1 ≤ k ≤ n, got {right}, {n} and {k}.")
    return 1 - math.comb(n - right, k) / math.comb(n, k)


def cut(completion: str, stops: Sequence[str]) -> str:
    """A completion up to the first of the stops."""
    ends = [place for stop in stops if (place := completion.find(stop)) >= 0]
    return completion[: min(ends)] if ends else completion
