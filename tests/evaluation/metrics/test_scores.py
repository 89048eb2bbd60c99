"""Language, pair and class metrics, and the probe's regression."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, precision_recall_fscore_support
from sklearn.preprocessing import StandardScaler

from evaluation.metrics import classification, language, logistic, pairs


def test_a_uniform_model_of_bytes_has_eight_bits_per_byte() -> None:
    counts = language.count("héllo 中文\n")

    assert counts == language.TextCounts(bytes=14, characters=9, words=3)
    assert language.bits_per_byte(language.uniform_byte_log_prob(counts), counts) == pytest.approx(8)
    assert language.perplexity(language.uniform_byte_log_prob(counts), counts.bytes) == pytest.approx(256)


def test_words_are_counted_with_the_ends_of_lines() -> None:
    assert language.count("a b\nc\n").words == 5
    assert language.count("a b\nc").words == 5
    assert language.count("\n\n").words == 2


def test_a_perplexity_past_all_floats_is_infinite() -> None:
    assert language.perplexity(-1e6, 1) == math.inf


def test_the_unigram_baseline_knows_letter_frequencies() -> None:
    assert language.unigram_bits_per_byte(b"ab" * 100_000, b"abab") == pytest.approx(1, abs=0.01)


def test_a_tie_is_wrong() -> None:
    assert pairs.is_right(-1.0, -2.0)
    assert not pairs.is_right(-1.0, -1.0)
    assert not pairs.is_right(math.nan, -1.0)


def test_pair_accuracy_is_the_mean_over_groups() -> None:
    scores = pairs.score([True, True, True, False], [False] * 4, ["a", "a", "a", "b"])

    assert scores.accuracy == 0.5
    assert scores.share_right == 0.75
    assert not scores.has_equal_groups


labels = st.sampled_from("abc")


@given(st.lists(st.tuples(labels, labels), min_size=1, max_size=60))
def test_class_metrics_agree_with_scikit_learn(rows: list[tuple[str, str]]) -> None:
    gold, predicted = [row[0] for row in rows], [row[1] for row in rows]
    scores = classification.score(gold, predicted, "abc")

    expected = precision_recall_fscore_support(gold, predicted, labels=list("abc"), zero_division=0)
    assert scores.precision == pytest.approx(expected[0])
    assert scores.recall == pytest.approx(expected[1])
    assert scores.f1 == pytest.approx(expected[2])
    wanted = f1_score(gold, predicted, labels=list("abc"), average="macro", zero_division=0)
    assert scores.macro_f1 == pytest.approx(wanted)
    table = np.array([scores.confusion])
    assert classification.macro_f1_of_tables(table)[0] == pytest.approx(wanted)
    assert scores.accuracy == sum(a == b for a, b in rows) / len(rows)


def test_a_constant_classifier_is_given_away_by_its_majority_and_macro_f1() -> None:
    scores = classification.score(["ham"] * 9 + ["spam"], ["ham"] * 10, ["ham", "spam"])

    assert scores.accuracy == scores.majority == 0.9
    assert scores.macro_f1 < 0.5
    assert scores.confusion == ((9, 0), (1, 0))


def test_a_label_outside_the_definition_is_an_error_not_a_wrong_answer() -> None:
    with pytest.raises(ValueError, match="outside the definition"):
        classification.score(["a"], ["z"], ["a", "b"])


@pytest.mark.parametrize("classes", [2, 4])
def test_the_probe_finds_the_same_optimum_as_scikit_learn(classes: int) -> None:
    rng = np.random.default_rng(classes)
    truth = rng.integers(0, classes, size=300)
    vectors = rng.normal(size=(300, 20)) + 0.7 * np.eye(classes, 20)[truth]

    ours = logistic.fit(vectors, truth, number_of_classes=classes)

    scaled = StandardScaler().fit_transform(vectors)
    theirs = LogisticRegression(C=1.0, tol=1e-8, max_iter=5000).fit(scaled, truth)
    agreement = np.mean(ours.predict(vectors) == theirs.predict(scaled))
    assert ours.converged
    # With two classes theirs has one weight vector and half the penalty's effect, so the odd border item may differ.
    assert agreement >= (1.0 if classes > 2 else 0.98)


def test_the_probe_survives_constant_features_and_refuses_nan() -> None:
    vectors = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 0.1], [1.0, 0.9]])

    assert list(logistic.fit(vectors, np.array([0, 1, 0, 1]), number_of_classes=2).predict(vectors)) == [0, 1, 0, 1]
    vectors[0, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        logistic.fit(vectors, np.array([0, 1, 0, 1]), number_of_classes=2)
