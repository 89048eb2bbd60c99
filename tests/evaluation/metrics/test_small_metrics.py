"""Ranking, speech and code: the fixed vectors and the corners."""

from __future__ import annotations

import pytest

from evaluation.metrics import code, ranking, speech


def test_ranks_of_the_right_candidate() -> None:
    ranks = [
        ranking.rank([0.1, 0.4, 0.2], 1),
        ranking.rank([3, 1, 2], 1),
        ranking.rank([5, 5], 1),
        ranking.rank([5, 5], 0),
    ]

    assert ranks == [1, 3, 2, 1]
    assert ranking.recall_at(ranks, 1) == 0.5
    assert ranking.recall_at(ranks, 2) == 0.75
    assert ranking.mean_reciprocal_rank(ranks) == pytest.approx((1 + 1 / 3 + 1 / 2 + 1) / 4)


def test_error_rates_are_those_of_the_corpus() -> None:
    clips = [("the cat sat", "the cat sit down"), ("hello world", "hello")]
    words = [speech.word_errors(*clip) for clip in clips]
    letters = [speech.character_errors(*clip) for clip in clips]

    assert sum(row[0] for row in words) / sum(row[1] for row in words) == pytest.approx(0.6)
    assert sum(row[0] for row in letters) / sum(row[1] for row in letters) == pytest.approx(0.545455, abs=5e-7)


def test_both_sides_are_normalised_alike() -> None:
    assert speech.normalised("  “Don’t” — well-known…  ’tis ＡＢＣ $5!") == "don't well known tis abc 5"
    assert speech.normalised("7 and 12") == "7 and 12"
    assert speech.normalised("7 and 12", digits_to_words=True) == "seven and 12"


def test_edits_of_nothing() -> None:
    assert speech.edits("", "abc") == 3
    assert speech.edits("abc", "") == 3
    assert speech.edits("kitten", "sitting") == 3


def test_the_chance_that_one_of_k_programs_is_right() -> None:
    assert code.pass_at_k(10, 3, 1) == pytest.approx(0.3)
    assert code.pass_at_k(10, 3, 5) == pytest.approx(0.916667, abs=5e-7)
    assert code.pass_at_k(20, 1, 10) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="Need"):
        code.pass_at_k(3, 4, 1)


def test_a_completion_ends_where_something_new_begins() -> None:
    assert code.cut("    return 1\n\ndef f():\n    pass", code.HUMANEVAL_STOPS) == "    return 1\n"
    assert code.cut("    # a comment\n    return 1\n#", code.HUMANEVAL_STOPS) == "    # a comment\n    return 1"
    assert code.cut("    return 1\n", code.HUMANEVAL_STOPS) == "    return 1\n"
