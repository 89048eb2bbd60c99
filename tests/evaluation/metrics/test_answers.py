"""Answers are compared as SQuAD does in English, and by characters in Chinese."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.metrics import answers


@pytest.mark.parametrize(
    ("predicted", "reference", "exact", "f1"),
    [
        ("The Denver Broncos!", "Denver Broncos", 1, 1),
        ("Broncos of Denver", "Denver Broncos", 0, 0.8),
        ("", "x", 0, 0),
        ("a the an", "the", 1, 1),
    ],
)
def test_the_fixed_vectors(predicted: str, reference: str, exact: float, f1: float) -> None:
    assert answers.exact(predicted, [reference]) == exact
    assert answers.f1(predicted, [reference]) == pytest.approx(f1)


def test_the_best_of_several_references_counts() -> None:
    assert answers.f1("Broncos", ["Carolina", "Denver Broncos", "the Broncos"]) == 1
    assert answers.exact("Broncos", ["Carolina", "Denver Broncos"]) == 0


def test_chinese_is_compared_by_characters_and_runs_of_latin() -> None:
    assert answers.characters("《战国无双3》，ω-force 2014年") == [*"战国无双", "3", "ω", "force2014", "年"]
    assert answers.exact("“光荣” 。", ["光荣"], answers.normalised_by_characters) == 1
    assert answers.f1("光荣公司", ["光荣"], answers.characters) == pytest.approx(2 / 3)


def test_the_chinese_script_of_the_set_takes_the_longest_common_run() -> None:
    assert answers.f1("荣光", ["光荣"], answers.characters) == 1
    assert answers.f1_cmrc("荣光", ["光荣"]) == 0.5
    assert answers.f1_cmrc("", ["光荣"]) == 0


@given(st.text(max_size=20), st.text(max_size=20))
def test_scores_are_shares_and_equality_is_one(first: str, second: str) -> None:
    for tokens in (answers.words, answers.characters):
        assert 0 <= answers.f1(first, [second], tokens) <= 1
        assert answers.f1(first, [first], tokens) == 1
    assert answers.f1_cmrc(first, [second]) <= answers.f1(first, [second], answers.characters) + 1e-12
