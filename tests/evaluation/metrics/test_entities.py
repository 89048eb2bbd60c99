"""Entity F1 equals seqeval's, on its own vectors and on a shared task's real output."""

from __future__ import annotations

import itertools
from functools import reduce
from operator import add

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.metrics.entities import Counts, Mode, count, entities, is_label
from tests.requirements import SHARED, require

NOTHING = Counts(0, 0, 0)
tags = st.sampled_from(["O", *(f"{prefix}-{kind}" for prefix in "BIES" for kind in ("PER", "LOC"))])


def scored(gold: str, predicted: str, mode: Mode = "default") -> tuple[float, float, float]:
    found = reduce(add, count(gold.split(), predicted.split(), mode=mode).values(), NOTHING)
    return found.precision, found.recall, found.f1


@pytest.mark.parametrize(
    ("gold", "predicted", "mode", "expected"),
    [
        ("B-PER I-PER O B-LOC", "B-PER O O B-LOC", "default", (0.5, 0.5, 0.5)),
        ("B-PER I-PER O B-LOC", "I-PER I-PER O B-LOC", "default", (1, 1, 1)),
        ("B-PER I-PER O B-LOC", "I-PER I-PER O B-LOC", "strict", (1, 0.5, 0.6667)),
        ("B-PER B-PER O", "B-PER I-PER O", "default", (0, 0, 0)),
        ("O O", "O O", "default", (0, 0, 0)),
    ],
)
def test_the_fixed_vectors(gold: str, predicted: str, mode: Mode, expected: tuple[float, float, float]) -> None:
    assert scored(gold, predicted, mode) == pytest.approx(expected, abs=5e-5)


def test_entities_are_found_in_every_scheme() -> None:
    assert entities("B-PER I-PER O B-LOC".split()) == [("PER", 0, 1), ("LOC", 3, 3)]
    assert entities("B-PER E-PER S-LOC S-LOC O".split()) == [("PER", 0, 1), ("LOC", 2, 2), ("LOC", 3, 3)]
    assert entities("B-PER L-PER U-LOC I-PER".split()) == [("PER", 0, 1), ("LOC", 2, 2), ("PER", 3, 3)]
    assert entities("B-PER I-LOC I-LOC".split()) == [("PER", 0, 0), ("LOC", 1, 2)]
    assert entities("B-PER I-LOC I-LOC".split(), mode="strict") == [("PER", 0, 0)]


def test_a_type_may_hold_a_hyphen() -> None:
    assert entities(["B-creative-work", "I-creative-work"]) == [("creative-work", 0, 1)]


@given(st.lists(tags, min_size=1, max_size=9))
def test_entities_lie_apart_in_order_and_agree_with_themselves(labels: list[str]) -> None:
    found = entities(labels)

    assert all(first[2] < second[1] for first, second in itertools.pairwise(found))
    assert {place for _, start, end in found for place in range(start, end + 1)} == {
        place for place, label in enumerate(labels) if label != "O"
    }
    assert reduce(add, count(labels, labels).values(), NOTHING).f1 == float(bool(found))


def test_lengths_that_differ_are_an_error() -> None:
    with pytest.raises(ValueError, match="1 labels for 2 words"):
        count(["O", "O"], ["O"])


@pytest.mark.parametrize(
    ("label", "fits"), [("O", True), ("B-PER", True), ("S-x", True), ("PER", False), ("B-", False), ("LABEL_1", False)]
)
def test_what_a_label_looks_like(label: str, fits: bool) -> None:
    assert is_label(label) is fits


def test_the_winner_of_the_shared_task_scores_what_was_published() -> None:
    require("benchmark data")
    gold, predicted = (sentences(name) for name in ("wnut17/emerging.test.annotated", "wnut17/fixture.uh_ritual.conll"))
    each = [counts for pair in zip(gold, predicted, strict=True) for counts in count(*pair).values()]
    total = reduce(add, each, NOTHING)

    assert len(gold) == 1287
    assert total.gold == 1079
    assert (total.precision, total.recall, total.f1) == pytest.approx((0.575365, 0.329008, 0.418632), abs=5e-7)


def sentences(name: str) -> list[list[str]]:
    text = (SHARED / "benchmarks" / name).read_text(encoding="utf-8").replace("\r", "")
    blocks = [[line.split("\t")[1] for line in block.split("\n") if line] for block in text.split("\n\n")]
    return [block for block in blocks if block]
