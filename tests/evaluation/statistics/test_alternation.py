"""Times taken by turns: the interval keeps its level, and nothing is called quicker that nobody would notice."""

import math
import random

import pytest

from evaluation.statistics.alternation import LEVEL, MIN_PAIRS, told


def ratios(*values: float) -> tuple[list[float], list[float]]:
    return [1.0] * len(values), list(values)


def test_medians_and_the_ratio_are_those_of_the_pairs():
    found = told("x", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5])

    assert (found.old, found.new, found.ratio, found.pairs) == (4.0, 2.0, 0.5, 7)


@pytest.mark.parametrize(("pairs", "left_out"), [(6, 0), (8, 0), (9, 1), (11, 1), (12, 2), (20, 5)])
def test_so_many_are_left_out_at_each_end(pairs: int, left_out: int):
    """The classic table of the sign test's intervals."""
    values = [1 + number / 100 for number in range(pairs)]

    found = told("x", *ratios(*values))

    assert (found.low, found.high) == (values[left_out], values[-1 - left_out])
    inside = 1 - 2 * sum(math.comb(pairs, k) for k in range(left_out + 1)) / 2**pairs
    assert inside >= LEVEL


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([0.7] * 9, "better"),
        ([1.4] * 9, "worse"),
        ([1.0] * 9, "same"),
        ([0.97] * 9, "same"),  # Surely quicker, and not so that it matters.
        ([0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.3, 1.4], "unclear"),
        ([0.7] * 8 + [50.0], "better"),  # One turn met something else at work.
    ],
)
def test_words(values: list[float], word: str):
    assert told("x", *ratios(*values)).word == word


def test_two_that_are_alike_are_seldom_told_apart():
    draw = random.Random(4)
    apart = 0
    for _ in range(400):
        old, new = ([draw.lognormvariate(0, 0.3) for _ in range(9)] for _ in range(2))
        found = told("x", old, new)
        apart += not found.low <= 1 <= found.high

    assert apart / 400 <= 0.07


def test_too_few_pairs_tell_nothing():
    with pytest.raises(ValueError, match="pairs"):
        told("x", *ratios(*[1.0] * (MIN_PAIRS - 1)))
    with pytest.raises(ValueError, match="pairs"):
        told("x", [1.0] * 9, [1.0] * 8)
