"""BLEU and chrF equal sacreBLEU's numbers: its vectors, and a whole system's output to the last digit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.metrics import bleu, chrf
from tests.requirements import SHARED, require


def bleu_of(hypothesis: str, *references: str, tokenizer: str = "13a") -> float:
    return float(bleu.bleu(bleu.statistics(hypothesis, references, tokenizer=tokenizer)))


def test_the_fixed_vectors() -> None:
    assert bleu_of("The cat sat on mat.", "The cat sat on the mat.") == pytest.approx(51.150781, abs=5e-7)
    found = chrf.chrf(chrf.statistics("The cat sat on mat.", ["The cat sat on the mat."]))
    assert float(found) == pytest.approx(66.678069, abs=5e-7)
    assert bleu_of("我喜欢吃苹果。", "我爱吃苹果。", tokenizer="zh") == pytest.approx(43.472087, abs=5e-7)
    assert bleu_of("我喜欢吃苹果。", "我爱吃苹果。") == 0


def test_a_whole_systems_output_scores_what_the_organisers_published() -> None:
    require("benchmark data")
    folder = SHARED / "benchmarks/wmt23_enzh"
    said, wanted = (
        (folder / name).read_text(encoding="utf-8").split("\n")[:-1]
        for name in ("fixture.NLLB_Greedy.zh", "generaltest2023.en-zh.ref.refA.zh")
    )
    pairs = list(zip(said, wanted, strict=True))

    def corpus(tokenizer: str) -> float:
        rows = [bleu.statistics(hypothesis, [reference], tokenizer=tokenizer) for hypothesis, reference in pairs]
        return float(bleu.bleu(np.sum(rows, axis=0)))

    assert corpus("zh") == pytest.approx(27.41383649817818, abs=1e-10)
    # The classic error, and what it costs.
    assert corpus("13a") == pytest.approx(2.28, abs=5e-3)
    assert corpus("char") == pytest.approx(27.64, abs=5e-3)
    rows = [chrf.statistics(hypothesis, [reference]) for hypothesis, reference in pairs]
    assert float(chrf.chrf(np.sum(rows, axis=0))) == pytest.approx(26.26021054878282, abs=1e-10)


def test_an_empty_hypothesis_counts_as_an_empty_line() -> None:
    rows = [bleu.statistics(text, ["one two three four five"], tokenizer="13a") for text in ("", "one two three four")]

    assert float(bleu.bleu(rows[0])) == 0
    assert float(bleu.bleu(np.sum(rows, axis=0))) < float(bleu.bleu(rows[1]))


def test_the_reference_nearest_in_length_counts_and_the_best_of_characters() -> None:
    row = bleu.statistics("a b c", ["a b c d e f", "a b x y"], tokenizer="13a")

    assert list(row[-2:]) == [3, 4]
    best = chrf.chrf(chrf.statistics("abc", ["xyz", "abc"]))
    assert float(best) == 100


def test_many_sums_are_scored_at_once() -> None:
    rows = np.array([bleu.statistics("a b c d", ["a b c d"], tokenizer="13a"), np.zeros(bleu.COLUMNS, int)])

    assert list(bleu.bleu(rows)) == pytest.approx([100, 0])
    assert chrf.chrf(np.zeros((2, 3, chrf.ORDER))).tolist() == [0, 0]


def test_tokenizers_part_what_they_should() -> None:
    assert bleu.tokens_13a("It's 3.5 &amp; up-to-date, 10-year (old).") == [
        *["It's", "3.5", "&", "up-to-date", ",", "10", "-", "year", "(", "old", ")", "."]
    ]
    assert bleu.tokens_zh("我在NASA，3.5年") == ["我", "在", "NASA", "，", "3.5", "年"]
    assert bleu.tokens_char("我 a\n") == ["我", "a"]


def test_a_signature_says_how_the_number_was_made() -> None:
    assert bleu.signature(references=1, tokenizer="zh").startswith(
        "nrefs:1|case:mixed|eff:no|tok:zh|smooth:exp|version:"
    )
    assert chrf.signature(references=2).startswith("nrefs:2|case:mixed|eff:yes|nc:6|nw:0|space:no|version:")


def test_a_sentence_without_a_reference_is_an_error() -> None:
    with pytest.raises(ValueError, match="reference"):
        bleu.statistics("a", [], tokenizer="13a")


@given(st.text("ab 。我.", max_size=15), st.text("ab 。我.", min_size=1, max_size=15))
def test_scores_stay_between_nothing_and_everything(hypothesis: str, reference: str) -> None:
    for tokenizer in bleu.TOKENIZERS:
        assert 0 <= bleu_of(hypothesis, reference, tokenizer=tokenizer) <= 100 + 1e-9
    assert 0 <= float(chrf.chrf(chrf.statistics(hypothesis, [reference]))) <= 100 + 1e-9
