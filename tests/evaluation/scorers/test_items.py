"""What one item is worth, and what was said of it: the rows of every scorer, made by measuring."""

from __future__ import annotations

import math
from typing import Any

import pytest

from evaluation import engine
from evaluation.benchmarks import Benchmark, Dataset, Item
from evaluation.scorers import SCORERS, Row
from evaluation.scorers.base import is_right_or_wrong
from tests.evaluation.test_engine import PAIRS, TEXT, ToyModel, benchmark, items

CHOICE = {"scorer": "multiple_choice", "labels": [], "requires": ["log_likelihood"]}


def values(declared: Benchmark, rows: tuple[Row, ...]) -> list[float | None]:
    return [SCORERS[declared.scorer].item_value(declared, row) for row in rows]


def said(declared: Benchmark, rows: tuple[Row, ...]) -> list[str]:
    return [SCORERS[declared.scorer].prediction(row) for row in rows]


def test_a_text_is_worth_its_log_likelihood() -> None:
    declared = benchmark(**TEXT)
    model = ToyModel(log_prob=lambda text: -len(text.encode()) * math.log(16))

    rows = engine.measure(declared, items({"text": "abcd\n"}, {"text": "中"}), model).rows

    assert values(declared, rows) == pytest.approx([-5 * math.log(16), -3 * math.log(16)])
    assert said(declared, rows) == ["4.0000 bits per byte", "4.0000 bits per byte"]
    assert not is_right_or_wrong(values(declared, rows)[0])


def test_a_pair_is_right_or_wrong_and_says_by_how_much() -> None:
    declared = benchmark(**PAIRS)
    model = ToyModel(log_prob=lambda text: -float(len(text)))
    pairs = items({"good": "ab", "bad": "abcd", "g": "x"}, {"good": "abc", "bad": "a", "g": "x"})

    rows = engine.measure(declared, pairs, model).rows

    assert values(declared, rows) == [1.0, 0.0]
    assert said(declared, rows) == ["+2 nats for the good one", "-2 nats for the good one"]


@pytest.mark.parametrize(("metric", "expected"), [("accuracy", [0.0]), ("accuracy_normalised", [1.0])])
def test_a_choice_counts_by_the_main_metric(metric: str, expected: list[float]) -> None:
    """The short option is likelier, the long one likelier per character."""
    declared = benchmark(**CHOICE, main_metric=metric)
    logs = {"c": 0.0, "c no": -4.0, "c yes, indeed": -6.0}
    choice = items({"context": "c", "choices": ["no", "yes, indeed"], "gold": 1})

    rows = engine.measure(declared, choice, ToyModel(log_prob=logs.__getitem__)).rows

    assert values(declared, rows) == expected
    assert said(declared, rows) == ["1 (per character: 2)"]


@pytest.mark.parametrize(("metric", "expected"), [("accuracy", [1.0, 0.0]), ("target_perplexity", [-2.0, -2.0])])
def test_a_last_word_counts_by_the_main_metric(metric: str, expected: list[float]) -> None:
    declared = benchmark(scorer="last_word", labels=[], requires=["log_likelihood", "generate"], main_metric=metric)
    model = ToyModel(log_prob=lambda text: -float(len(text)), goes_on=lambda prompt: " b" if prompt == "a" else " z")
    passages = items({"context": "a", "continuation": "b"}, {"context": "aa", "continuation": "b"})

    rows = engine.measure(declared, passages, model).rows

    assert values(declared, rows) == expected
    assert said(declared, rows)[1].startswith("said something else")


def test_a_class_is_right_or_wrong_by_either_way_to_classify() -> None:
    texts = items({"text": "+", "label": "a"}, {"text": "-", "label": "a"})
    own_head = benchmark()
    head = ToyModel(classify=lambda text: (0.9, 0.1) if text == "+" else (0.2, 0.8))
    by_head = engine.measure(own_head, texts, head).rows

    files = [{"path": f"{name}.jsonl", "sha256": "0" * 64, "bytes": 1} for name in ("test", "train")]
    probe = benchmark(scorer="probe_classification", requires=["embed"], files=files)
    train = tuple(Item(f"t{label}", {"text": text, "label": label}) for text, label in (("+", "a"), ("-", "b")))
    vectors = ToyModel(embed=lambda text: [1.0 if text == "+" else -1.0])
    by_probe = engine.measure(probe, Dataset(items=texts.items, train=train), vectors).rows

    assert values(own_head, by_head) == values(probe, by_probe) == [1.0, 0.0]
    assert said(own_head, by_head) == said(probe, by_probe) == ["a", "b"]


def test_every_scorer_has_both() -> None:
    lacking: list[Any] = [
        name for name, scorer in SCORERS.items() if not (callable(scorer.item_value) and callable(scorer.prediction))
    ]
    assert SCORERS
    assert lacking == []
