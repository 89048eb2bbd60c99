"""ARPA files: back-off by hand, the same numbers as the model they were written from, and no file that lies."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smallhub.runtimes import UnsupportedModel, load, recognise
from smallhub.runtimes._arpa import BadArpa, read, read_counts
from smallhub.runtimes.arpa import write_arpa
from smallhub.runtimes.ngram import train

SENTENCES = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog met", "the mat was flat", "a b c"]
SMALL = """
\\data\\
ngram 1=5
ngram 2=3

\\1-grams:
-99\t<s>\t-0.5
-0.7\t</s>
-1.0\t<unk>
-0.6\ta\t-0.2
-0.9\tb

\\2-grams:
-0.3\t<s> a
-0.4\ta b
-0.1\tb </s>

\\end\\
"""


@pytest.fixture
def small(tmp_path):
    (tmp_path / "small.arpa").write_text(SMALL, encoding="utf-8")
    return load(tmp_path)


@pytest.fixture(scope="module")
def native():
    return train(SENTENCES, unit="word", order=3)


@pytest.fixture(scope="module")
def written(native, tmp_path_factory):
    folder = tmp_path_factory.mktemp("arpa")
    write_arpa(native, folder / "lm.arpa")
    return folder


def test_back_off_by_hand(small):
    cases = {
        "a b": [-0.3, -0.4, -0.1],
        "b a": [-0.5 - 0.9, -0.6, -0.2 - 0.7],  # <s> b is not there; b has no back-off weight, so it counts as 1.
        "a x": [-0.3, -0.2 - 1.0, -0.7],  # x is <unk>, and ends as a single word does.
        "": [-0.5 - 0.7],
    }
    for text, logs in cases.items():
        (found,) = small.log_likelihood([text])
        assert found.log_prob == pytest.approx(math.log(10) * sum(logs), abs=1e-5), text
        assert found.tokens == len(logs)
    assert small.log_likelihood(["a x x"])[0].unknown == 2


def test_every_line_is_a_sentence_of_its_own(small):
    both, first, second = small.log_likelihood(["a b\nb a\n", "a b", "b a"])

    assert both.log_prob == pytest.approx(first.log_prob + second.log_prob)
    assert both.tokens == 6
    assert np.allclose(small.next_log_probs(["b a\na"]), small.next_log_probs(["a"]))


def test_a_continuation_follows_the_last_line_of_its_context(small):
    first, second, third = small.continuation_log_likelihood(["a", "b b\na", "b\n"], continuations=[" b", " b", "a"])

    assert first.log_prob == second.log_prob == pytest.approx(math.log(10) * -0.4, abs=1e-5)
    assert third.log_prob == pytest.approx(math.log(10) * -0.3, abs=1e-5)


def test_a_written_model_scores_as_the_one_it_came_from(native, written):
    model = load(written)
    texts = [*SENTENCES, "the cat met a zebra", "", "log the on"]

    for ours, theirs in zip(model.log_likelihood(texts), native.log_likelihood(texts), strict=True):
        assert ours.log_prob == pytest.approx(theirs.log_prob, abs=1e-4)
        assert (ours.tokens, ours.unknown) == (theirs.tokens, theirs.unknown)
    ours, theirs = (np.exp(each.next_log_probs(["the", "a cat"])) for each in (model, native))
    assert np.allclose(ours, theirs, atol=1e-6)


def test_the_next_words_probabilities_sum_to_one(written):
    rows = load(written).next_log_probs(["", "the", "the cat", "a dog", "never seen before"])

    assert np.exp(rows.astype(float)).sum(axis=1) == pytest.approx(1, abs=1e-3)


def test_generation_ends_by_itself_and_never_says_unknown(written):
    model = load(written)
    answer = model.generate("the cat", max_new_tokens=20)

    assert answer.text.split()[:1] == ["sat"]
    assert answer == model.generate("the cat", max_new_tokens=20, use_cache=False)
    assert "<unk>" not in model.generate("zebra", max_new_tokens=20, temperature=1.0, seed=3).text


def test_recognised_from_the_file_alone_and_described(written):
    found = recognise(written)

    assert (found.runtime, found.task) == ("arpa", "text-generation")
    assert found.facts["weight_bytes"] == (written / "lm.arpa").stat().st_size
    description = load(written).description()
    assert (description["order"], description["grams"][0]) == (3, description["vocabulary_size"])
    json.dumps(description)
    assert list(read_counts(written / "lm.arpa")) == description["grams"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ngram 2=3", "ngram 2=4", "the section ends before"),
        ("ngram 2=3", "ngram 2=2", "more than its 2 2-grams"),
        ("ngram 1=5", "ngram 1=999999999", "can hold"),
        ("-0.6\ta\t-0.2", "0.6\ta\t-0.2", "no log-probability"),
        ("-0.6\ta\t-0.2", "nan\ta\t-0.2", "no log-probability"),
        ("-0.6\ta\t-0.2", "-0.6\ta\tinf", "no log-probability"),
        ("-0.6\ta\t-0.2", "x\ta\t-0.2", "no number"),
        ("-0.9\tb", "-0.9\ta", "stands twice"),
        ("-0.4\ta b", "-0.4\ta c", "not among the single words"),
        ("-0.4\ta b", "-0.3\t<s> a", "stands twice"),
        ("-0.4\ta b", "-0.4\ta b\t-0.1", "fields do not make"),
        ("-1.0\t<unk>", "-1.0\tc", "no <unk>"),
        ("</s>\n-1.0", "e\n-1.0", "no </s>"),
        ("\\end\\", "", "ends too early"),
        ("\\2-grams:", "\\3-grams:", "expected"),
        ("\\data\\", "data", "begins with"),
        ("\ta\t", "\t" + "a" * 20_000 + "\t", "longer than"),
    ],
)
def test_a_file_that_breaks_the_format_is_refused_with_the_place(tmp_path, old, new, message):
    assert old in SMALL
    (tmp_path / "small.arpa").write_text(SMALL.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(UnsupportedModel, match=message) as caught:
        load(tmp_path)

    assert caught.value.code == "broken_model"


def test_a_gram_without_its_history_is_refused(tmp_path):
    text = SMALL.replace("ngram 2=3", "ngram 2=3\nngram 3=1").replace("\\end\\", "\\3-grams:\n-0.1\tb b b\n\n\\end\\")
    (tmp_path / "x.arpa").write_text(text, encoding="utf-8")

    with pytest.raises(UnsupportedModel, match="history"):
        load(tmp_path)


def test_two_models_in_one_folder_are_refused(written, tmp_path):
    for name in ("a.arpa", "b.arpa"):
        (tmp_path / name).write_text(SMALL, encoding="utf-8")

    with pytest.raises(UnsupportedModel) as caught:
        recognise(tmp_path)
    assert caught.value.code == "several_models"


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_damage_raises_anything_but_the_refusal(tmp_path_factory, data):
    raw = bytearray(SMALL.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    path = tmp_path_factory.getbasetemp() / "damaged.arpa"
    path.write_bytes(bytes(raw))

    try:
        tables = read(path)
    except BadArpa:
        return
    assert all(np.isfinite(level.log_prob).all() and (level.log_prob <= 0).all() for level in tables.levels)
