"""ROUGE equals rouge-score's, stems included; Chinese goes by characters."""

from __future__ import annotations

import json

import pytest

from evaluation.metrics import rouge
from evaluation.metrics.porter import stem
from tests.requirements import SHARED, require


def test_a_real_systems_summaries_score_what_was_recorded() -> None:
    require("benchmark data")
    folder = SHARED / "benchmarks/dialogsum"
    said = (folder / "fixture.bart_large.txt").read_text(encoding="utf-8").split("\n")[:500]
    rows = [json.loads(line) for line in (folder / "dialogsum.test.jsonl").read_text(encoding="utf-8").splitlines()]
    references = [[row[f"summary{number}"] for number in (1, 2, 3)] for row in rows]

    first = [rouge.scores(text, wanted[0]) for text, wanted in zip(said, references, strict=True)]
    best = [rouge.best(text, wanted) for text, wanted in zip(said, references, strict=True)]

    means = [sum(row[name] for row in first) / 500 for name in rouge.NAMES]
    assert means == pytest.approx([0.459089, 0.213200, 0.387098], abs=5e-7)
    means = [sum(row[name] for row in best) / 500 for name in rouge.NAMES]
    # The recorded maxima have six digits, the last of them rounded down.
    assert means == pytest.approx([0.536521, 0.300705, 0.470841], abs=1.1e-6)


def test_chinese_has_no_score_without_characters() -> None:
    assert rouge.scores("我爱北京", "我爱上海")["rouge1"] == 0
    assert rouge.scores("我爱北京", "我爱上海", tokenizer="char") == {
        "rouge1": 0.5,
        "rouge2": pytest.approx(1 / 3),
        "rougeL": 0.5,
    }


def test_characters_leave_words_of_other_scripts_whole() -> None:
    assert rouge.tokens_char("活性艳蓝GN，25%的应用") == [*"活性艳蓝", "gn", "25", *"的应用"]


def test_short_words_are_not_stemmed() -> None:
    assert rouge.tokens_en("The DOGS ran, was running: 3.5 flies") == [
        "the",
        "dog",
        "ran",
        "was",
        "run",
        "3",
        "5",
        "fli",
    ]


@pytest.mark.parametrize(
    ("word", "stemmed"),
    [
        *[("caresses", "caress"), ("ponies", "poni"), ("ties", "tie"), ("agreed", "agre"), ("feed", "feed")],
        *[
            ("plastered", "plaster"),
            ("sing", "sing"),
            ("conflated", "conflat"),
            ("hopping", "hop"),
            ("falling", "fall"),
        ],
        *[
            ("filing", "file"),
            ("happy", "happi"),
            ("enjoy", "enjoy"),
            ("relational", "relat"),
            ("rationally", "ration"),
        ],
        *[("triplicate", "triplic"), ("adoption", "adopt"), ("controlling", "control"), ("rate", "rate")],
        *[
            ("dying", "die"),
            ("news", "news"),
            ("succeed", "succeed"),
            ("geologi", "geolog"),
            ("is", "is"),
            ("died", "die"),
        ],
    ],
)
def test_stems(word: str, stemmed: str) -> None:
    assert stem(word) == stemmed
