"""Two versions' answers to the fixed prompts."""

from __future__ import annotations

from typing import Any

from evaluation.steps.fingerprints import Comparison, compare

MINE: dict[str, Any] = {"prompts_sha256": "p", "fingerprint": "f", "likely": [{"1": -0.5, "2": -1.5}, {"3": -0.1}]}


def test_a_copy_is_the_same_and_a_conversion_is_off_by_so_much() -> None:
    converted = MINE | {"likely": [{"1": -0.52, "9": -3.0}, {"3": -0.1}]}

    assert compare(MINE, MINE) == Comparison(True, 0.0, 3)
    assert compare(MINE, converted) == Comparison(True, 0.02, 2)
    assert compare(MINE, converted | {"fingerprint": "g", "likely": []}) == Comparison(False, None, 0)


def test_answers_to_other_prompts_are_not_compared() -> None:
    assert compare(MINE, MINE | {"prompts_sha256": "q"}) is None
    assert compare(MINE, MINE | {"fingerprint": ""}) is None
