"""Overlap with training data against a search by hand; stress that is the same each time."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation import engine
from evaluation.statistics import stress
from evaluation.statistics.contamination import N, Overlap, tokens
from tests.evaluation.test_engine import ToyModel, benchmark, items

words = st.lists(st.sampled_from("a b c d".split()), min_size=0, max_size=30)


@settings(max_examples=150)
@given(st.lists(words, min_size=1, max_size=4), st.lists(words, max_size=4))
def test_an_item_is_seen_exactly_when_a_run_of_its_words_is_in_a_text(
    tests: list[list[str]], texts: list[list[str]]
) -> None:
    overlap = Overlap({str(number): [" ".join(words)] for number, words in enumerate(tests)})
    for text in texts:
        overlap.feed(" ".join(text).upper() + ".")

    def runs(sequence: list[str], size: int) -> set[tuple[str, ...]]:
        return {tuple(sequence[start : start + size]) for start in range(len(sequence) - size + 1)}

    expected = {
        str(number)
        for number, test in enumerate(tests)
        if len(test) >= 5 and any(runs(test, min(N, len(test))) & runs(text, min(N, len(test))) for text in texts)
    }
    assert overlap.seen == expected
    assert overlap.too_short == {str(number) for number, test in enumerate(tests) if len(test) < 5}


def test_chinese_is_compared_by_characters_and_marks_count_for_nothing() -> None:
    assert tokens("The tide, 我们 turns!") == ["the", "tide", "我", "们", "turns"]
    overlap = Overlap({"1": ["我们今天去海边看潮水上涨的时候"], "2": ["他们从来没有见过大海的样子"]})
    overlap.feed("昨天:我们今天去海边，看潮水上涨的时候。")
    assert overlap.seen == {"1"}


def classifier(text: str) -> tuple[float, float]:
    """Says a of whatever begins with a capital letter, and b of the rest."""
    return (0.9, 0.1) if text[:1].isupper() else (0.2, 0.8)


def stressed(texts: list[str], **changes: Any) -> dict[str, Any]:
    declared = benchmark(**changes)
    data = items(*({"text": text, "label": "a" if text[:1].isupper() else "b"} for text in texts))
    model = ToyModel(classify=classifier)
    rows = engine.measure(declared, data, model).rows
    return stress.stress(declared, data, model, rows)


def test_stress_says_what_stays_and_what_is_still_right() -> None:
    found = stressed(["Some little sentences here", "other little sentences there"])

    assert found["case"] == {"n": 2, "same": 0.5, "value": 0.5, "plain": 1.0}
    assert found["length"] == {"n": 2, "same": 1.0, "value": 1.0, "plain": 1.0}
    assert found["negation"] == {"n": 2, "same": 0.5}  # The true label may be another one now, so nothing is right.
    assert found["empty"] == {"n": 2, "same": 0.5, "says": "b"}
    assert set(found) <= {"version", *stress.TRANSFORMATIONS}


def test_stress_asks_a_bounded_number_and_the_same_each_time() -> None:
    texts = [f"Sentence number {'x' * (number % 7)} about something" for number in range(150)]
    first, second = stressed(texts), stressed(texts)

    assert first == second
    assert max(part["n"] for part in first.values() if isinstance(part, dict)) == stress.MOST_ITEMS


def test_a_text_that_does_not_change_is_not_asked_again() -> None:
    assert "case" not in stressed(["ALL OF IT", "AND THIS"])
    chinese = stressed(["我们今天去海边看潮水上涨的时候", "他们从来没有见过大海的样子"], language=["zh"])
    assert "case" not in chinese
    assert chinese["typos"]["n"] == 2


def test_of_a_slice_that_changes_hardly_any_text_no_share_is_told() -> None:
    texts = [f"SHOUTED TEXT NUMBER {number}" for number in range(30)] + ["Spoken text"]
    found = stressed(texts)
    assert "case" not in found
    assert found["length"]["n"] == 31


@pytest.mark.parametrize(
    ("changes", "expected"), [({}, True), ({"language": ["de"]}, False), ({"scorer": "probe_classification"}, False)]
)
def test_stress_is_for_classifiers_in_known_languages(changes: dict[str, Any], expected: bool) -> None:
    files = [{"path": f"{name}.jsonl", "sha256": "0" * 64, "bytes": 1} for name in ("test", "train")]
    assert stress.applies_to(benchmark(files=files, **changes)) is expected


def test_typing_errors_keep_the_letters() -> None:
    text = "Considering wonderful mornings"
    found = stress.TRANSFORMATIONS["typos"](text, stress._rng(benchmark(), "typos", items({"text": text}).items[0]))
    assert sorted(found) == sorted(text)
    assert math.isclose(len(found), len(text))
