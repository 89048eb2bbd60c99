"""Explanations: exact ones sum to what they explain, gradients so within a tolerance; occlusion is what it says."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import pytest
import smallhub
from smallhub.runtimes import Classification, UnsupportedModel, _explain, ngram
from smallhub.runtimes._types import CLASSIFIER, Model

TEXTS = ["the cat sat on the mat", "a dog sat on a log", "the dog met the cat", "good cats and bad dogs"] * 3


class Counting(Model):
    """Finds a text the better the more of its words are good, and says how often it was asked."""

    runtime: ClassVar = "linear"

    def __init__(self):
        self.task, self.capabilities = "text-classification", CLASSIFIER
        self.asked = 0

    def description(self):
        return {}

    def encode(self, text):
        return []

    def decode(self, ids):
        return ""

    def classify(self, texts):
        self.asked += len(texts)
        shares = [min(1.0, text.split().count("good") / 4) for text in texts]
        return [Classification(("good", "bad"), (share, 1 - share)) for share in shares]


def test_occlusion_takes_each_word_away():
    text = "a good day, good 好天 indeed"

    found = Counting().explain(text, target="good")

    assert found.units == ("a", "good", "day,", "good", "好", "天", "indeed")
    assert [text[start:end] for start, end in found.spans] == list(found.units)
    assert found.scores == (0, 0.25, 0, 0.25, 0, 0, 0)
    assert (found.total, found.baseline, found.measure) == (0.5, 0.0, "probability")
    assert (found.method, found.target) == ("occlusion", "good")


def test_a_long_text_is_explained_in_stretches_of_bounded_number():
    model = Counting()
    text = "very " * 999 + "good"

    found = model.explain(text, target="good")

    assert len(found.units) <= _explain.MAX_PARTS
    assert model.asked <= _explain.MAX_PARTS + 3
    assert found.scores[-1] == 0.25
    assert sum(found.scores) == 0.25


@pytest.mark.parametrize(
    ("value", "arguments", "code"),
    [
        (["a", "b"], {}, "invalid_input"),
        ("x", {"target": "unheard of"}, "unknown_label"),
        ("x", {"method": "guessing"}, "invalid_setting"),
    ],
)
def test_what_makes_no_sense_is_refused(value, arguments, code):
    with pytest.raises(smallhub.Invalid) as caught:
        Counting().explain(value, **arguments)
    assert caught.value.code == code


def test_a_method_that_the_model_lacks_is_refused():
    with pytest.raises(UnsupportedModel) as caught:
        Counting().explain("x", method="integrated_gradients")
    assert caught.value.code == "not_explainable"


@pytest.mark.parametrize(("unit", "order"), [("byte", 4), ("char", 3), ("word", 3)])
def test_an_ngram_model_accounts_for_each_unit_exactly(unit, order):
    model = ngram.train(TEXTS, unit=unit, order=order)
    text = "the cat met 我 good dogs"

    found = model.explain(text)
    behind = model.explain("the cat", target=" sat on")

    assert found.method == "exact"
    assert found.total == pytest.approx(model.log_likelihood([text])[0].log_prob, abs=1e-5)
    assert found.gap == pytest.approx(0, abs=1e-9)
    assert "".join(dict(zip(found.spans, found.units, strict=True)).values()).replace("</s>", "") == (
        text.replace(" ", "") if unit == "word" else text
    )
    assert any("backed off" in note for note in found.notes)
    assert found.notes[0].startswith(f"{2 if order > 1 else 1}-gram")
    assert behind.total == pytest.approx(
        model.continuation_log_likelihood(["the cat"], continuations=[" sat on"])[0].log_prob, abs=1e-5
    )
    assert all(start >= len("the cat") for start, _ in behind.spans)


def test_an_arpa_model_accounts_for_each_sentence(tmp_path):
    from smallhub.runtimes import arpa, load

    arpa.write_arpa(ngram.train([text + "" for text in TEXTS], unit="word", order=3), tmp_path / "model.arpa")
    model = load(tmp_path)
    text = "the cat sat\na dog met"

    found = model.explain(text)

    assert found.total == pytest.approx(model.log_likelihood([text])[0].log_prob, abs=1e-5)
    assert found.units == ("the", "cat", "sat", "</s>", "a", "dog", "met", "</s>")


def test_linear_models_and_trees_and_crfs_explain_exactly():
    from smallhub.runtimes import crf_training, linear, tree

    labels = ["cat" if "cat" in text.split() else "dog" for text in TEXTS]
    for model in (linear.train(TEXTS, labels), tree.train(TEXTS, labels)):
        found = model.explain(TEXTS[0])
        assert (found.method, found.target) == ("exact", model.classify([TEXTS[0]])[0].label)
        assert found.gap == pytest.approx(0, abs=1e-6)
        assert any(score for score in found.scores)
        assert all(span is None or TEXTS[0][span[0] : span[1]] for span in found.spans)
    sentences = [text.split() for text in TEXTS]
    tags = [["B-X" if word in ("cat", "dog") else "O" for word in words] for words in sentences]
    model = crf_training.train(sentences, tags)
    found = model.explain(sentences[0])
    assert found.target == "B-X"
    assert found.spans[0] == (4, 7)
    assert found.gap == pytest.approx(0, abs=1e-6)


def test_a_recurrent_model_explains_by_gradients_and_by_occlusion():
    pytest.importorskip("torch")
    from smallhub.runtimes import recurrent

    model = recurrent.train(
        TEXTS * 20, unit="char", embedding_size=8, hidden_size=16, window=16, batch_size=4, max_steps=30, threads=1,
        min_unit_count=1,
    )  # fmt: skip

    found = model.explain("the cat sat", target=" on")
    occluded = model.explain("the cat sat", target=" on", method="occlusion")

    expected = model.continuation_log_likelihood(["the cat sat"], continuations=[" on"])[0].log_prob
    assert (found.method, found.units) == ("integrated_gradients", ("the", "cat", "sat"))
    assert found.total == pytest.approx(expected, abs=1e-3)
    assert occluded.total == pytest.approx(expected, abs=1e-6)
    assert abs(found.gap) < 0.01
    assert model.explain("the cat sat").target


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Makes tiny transformers of random weights for a task."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from smallhub.runtimes import load
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    def make(kind, config, **settings):
        folder = tmp_path_factory.mktemp("tiny")
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        letters = [*"abcdefghijklmnopqrstuvwxyz", *(f"##{one}" for one in "abcdefghijklmnopqrstuvwxyz")]
        vocab = {name: number for number, name in enumerate([*special, "the", "cat", "?", *letters])}
        core = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
        core.normalizer, core.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
        core.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
        if kind.startswith("GPT2"):
            core.post_processor = processors.TemplateProcessing(single="[CLS] $A", special_tokens=[("[CLS]", 2)])
            named = {"bos_token": "[CLS]", "eos_token": "[SEP]", "unk_token": "[UNK]", "pad_token": "[PAD]"}
            transformers.PreTrainedTokenizerFast(tokenizer_object=core, **named).save_pretrained(folder)
        else:
            transformers.BertTokenizerFast(tokenizer_object=core, model_max_length=48).save_pretrained(folder)
        torch.manual_seed(0)
        sizes = {"vocab_size": len(vocab), "initializer_range": 0.5, "pad_token_id": 0}
        getattr(transformers, kind)(getattr(transformers, config)(**sizes, **settings)).save_pretrained(folder)
        return load(folder)

    return make


BERT = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
    "max_position_embeddings": 48,
}  # fmt: skip
LABELS = {"id2label": {0: "O", 1: "B-X", 2: "B-Y"}, "label2id": {"O": 0, "B-X": 1, "B-Y": 2}}


def test_a_classifier_explains_by_gradients(tiny):
    model = tiny("BertForSequenceClassification", "BertConfig", **BERT, **LABELS)
    text = "The cat is a catastrophe"

    found = model.explain(text)

    (answer,) = model.classify([text])
    assert (found.method, found.target) == ("integrated_gradients", answer.label)
    assert found.units == ("The", "cat", "is", "a", "catastrophe")
    assert found.total == pytest.approx(math.log(max(answer.probabilities)), abs=1e-3)
    assert abs(found.gap) < 0.02
    assert any(abs(score) > 0.01 for score in found.scores)
    other = model.explain(text, target="B-Y", method="occlusion")
    assert other.total == pytest.approx(answer.probabilities[2], abs=1e-6)


def test_a_tagger_explains_one_word_by_gradients(tiny):
    model = tiny("BertForTokenClassification", "BertConfig", **BERT, **LABELS)
    words = ["the", "cat", "is", "here"]

    found = model.explain(words, target=3)

    (labels,) = model.tag([words])
    assert (found.method, found.target, found.units) == ("integrated_gradients", labels[3], tuple(words))
    assert found.spans[3] == (11, 15)
    assert abs(found.gap) < 0.02
    assert model.explain(words, target=0, method="occlusion").total == 1.0
    for target in (4, "cat", -1):
        with pytest.raises(smallhub.Invalid):
            model.explain(words, target=target)


def test_a_reader_explains_its_best_span_by_gradients(tiny):
    model = tiny("BertForQuestionAnswering", "BertConfig", **BERT)
    value = {"question": "who is it?", "context": "the cat is it " * 8}

    found = model.explain(value)

    (answer,) = model.answer([value["question"]], contexts=[value["context"]])
    text = f"{value['question']}\n{value['context']}"
    assert (found.method, found.target) == ("integrated_gradients", answer.text)
    assert found.total == pytest.approx(answer.score, abs=1e-3)
    assert abs(found.gap) < 0.05
    assert [text[start:end] for start, end in found.spans] == list(found.units)
    occluded = model.explain(value, method="occlusion")
    assert (occluded.total, occluded.measure) == (1.0, "same_answer")
    assert occluded.spans == found.spans


def test_a_causal_model_explains_its_next_token_by_gradients(tiny):
    sizes = {"n_positions": 48, "n_embd": 16, "n_layer": 1, "n_head": 2, "bos_token_id": 2, "eos_token_id": 3}
    model = tiny("GPT2LMHeadModel", "GPT2Config", **sizes)

    found = model.explain("the cat is", target=" here")

    expected = model.continuation_log_likelihood(["the cat is"], continuations=[" here"])[0].log_prob
    assert (found.method, found.units) == ("integrated_gradients", ("the", "cat", "is"))
    assert found.total == pytest.approx(expected, abs=1e-3)
    assert abs(found.gap) < 0.02 * max(1, abs(found.total - found.baseline))
    occluded = model.explain("the cat is", target=" here", method="occlusion")
    assert occluded.total == pytest.approx(expected, abs=1e-4)
    assert occluded.scores[1] == pytest.approx(
        expected - model.continuation_log_likelihood(["the is"], continuations=[" here"])[0].log_prob, abs=1e-4
    )


def test_a_sentence_encoder_tells_what_brings_two_texts_near(tiny):
    model = tiny("BertModel", "BertConfig", **BERT)

    found = model.explain({"first": "the cat", "second": "the dog is"})

    one, other, rest = model.embed(["the cat", "the dog is", "cat"])
    near, left = (a @ b / np.sqrt((a @ a) * (b @ b)) for a, b in ((one, other), (rest, other)))
    assert found.units == ("the", "cat", "the", "dog", "is")
    assert ["the cat\nthe dog is"[start:end] for start, end in found.spans] == list(found.units)
    assert (found.total, found.baseline, found.measure) == (pytest.approx(near, abs=1e-5), 0.0, "cosine")
    assert found.scores[0] == pytest.approx(near - left, abs=1e-5)
    for value, arguments in (("the cat", {}), ({"first": "a", "second": "b"}, {"target": "x"})):
        with pytest.raises(smallhub.Invalid):
            model.explain(value, **arguments)


def test_models_of_other_tasks_say_so():
    model = Counting()
    model.task, model.capabilities = "translation", frozenset({"translate"})

    with pytest.raises(UnsupportedModel) as caught:
        model.explain("the cat")

    assert caught.value.code == "not_explainable"
