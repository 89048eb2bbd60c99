"""ONNX models in the layout of exports: the numbers that numpy says, and nothing opened outside the folder."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")

from smallhub import Invalid  # noqa: E402  # They come after the checks.
from smallhub.runtimes import UnsupportedModel, load, recognise  # noqa: E402

from tests.factories import onnx_graphs  # noqa: E402
from tests.factories.onnx_graphs import LABELS, TAGS, WIDTH, WORDS  # noqa: E402

TEXTS = ["the cat sat", "a dog", "the film met a great dull log on the mat", "zebra", ""]


def ids_of(text):
    return [WORDS.index(word) if word in WORDS else 0 for word in text.split()]


def logits_after(ids):
    return np.cumsum(onnx_graphs.vectors()[ids].astype(float), axis=0) @ onnx_graphs.head(len(WORDS))


def log_softmax(rows):
    rows = rows - rows.max(axis=-1, keepdims=True)
    return rows - np.log(np.exp(rows).sum(axis=-1, keepdims=True))


@pytest.fixture(scope="module", params=["plain", "with a past"])
def language(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lm")
    onnx_graphs.make_language_model(folder, has_past=request.param != "plain")
    return load(folder, threads=1)


def test_log_likelihood_is_the_graphs_own(language):
    for text, found in zip(TEXTS, language.log_likelihood(TEXTS), strict=True):
        ids = ids_of(text)
        wanted = log_softmax(logits_after([1, *ids[:-1]]))[np.arange(len(ids)), ids].sum() if ids else 0.0
        assert found.log_prob == pytest.approx(wanted, abs=1e-4)
        assert found.tokens == len(ids)
    assert language.description()["prefix_token"] == {"text": "<|endoftext|>", "id": 1, "rule": "document_separator"}


def test_long_texts_are_cut_into_blocks(language):
    ids = ids_of("the cat sat on a mat " * 8)

    (found,) = language.log_likelihood(["the cat sat on a mat " * 8])

    parts = [ids[at : at + 32] for at in range(0, len(ids), 32)]
    values = [log_softmax(logits_after([1, *part[:-1]]))[np.arange(len(part)), part].sum() for part in parts]
    assert found.log_prob == pytest.approx(sum(values), abs=1e-3)


def test_generation_with_and_without_cache_is_the_same_and_greedy(language):
    for prompt in TEXTS[:3]:
        answer = language.generate(prompt, max_new_tokens=6)
        assert answer == language.generate(prompt, max_new_tokens=6, use_cache=False)
        ids = ids_of(prompt)
        for number in answer.token_ids:
            assert number == int(np.argmax(logits_after(ids)[-1]))
            ids.append(number)
    with pytest.raises(Invalid, match="context holds 32"):
        language.generate("cat " * 40)


def test_of_many_prompts_one_that_leaves_no_room_loses_its_beginning(language):
    short, long = language.continue_greedily(["cat", "the " * 20 + "cat " * 24], max_new_tokens=4)

    assert (short.cut_tokens, long.cut_tokens, long.prompt_tokens) == (0, 20, 24)
    assert replace(long, cut_tokens=0) == language.generate("cat " * 24, max_new_tokens=4)


def test_a_padded_batch_equals_each_text_alone(language):
    rows = language.next_log_probs(TEXTS[:4])

    for row, text in zip(rows, TEXTS[:4], strict=True):
        assert np.allclose(row, log_softmax(logits_after(ids_of(text))[-1]), atol=1e-4)


def test_classification_and_tags_and_vectors(tmp_path):
    table = onnx_graphs.vectors().astype(float)
    classifier = load(onnx_graphs.make_classifier(tmp_path / "classifier"))
    for text, found in zip(TEXTS[:4], classifier.classify(TEXTS[:4]), strict=True):
        wanted = np.exp(log_softmax(table[ids_of(text)].mean(axis=0) @ onnx_graphs.head(2)))
        assert found.labels == LABELS
        assert found.probabilities == pytest.approx(tuple(wanted), abs=1e-5)

    tagger = load(onnx_graphs.make_tagger(tmp_path / "tagger"))
    sentences = [text.split() for text in TEXTS]
    wanted = [tuple(TAGS[n] for n in np.argmax(table[ids_of(t)] @ onnx_graphs.head(3), axis=1)) for t in TEXTS[:4]]
    assert tagger.tag(sentences) == [*wanted, ()]

    encoder = load(onnx_graphs.make_encoder(tmp_path / "encoder"))
    hidden = [table[ids_of(text)] @ onnx_graphs.head(WIDTH) for text in TEXTS[:4]]
    assert encoder.embed(TEXTS[:4]) == pytest.approx(np.array([rows.mean(axis=0) for rows in hidden]), abs=1e-5)
    for model in (classifier, tagger, encoder):
        json.dumps(model.description())


def test_pooling_follows_the_models_own_files(tmp_path):
    folder = onnx_graphs.make_encoder(tmp_path)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    modules = [{"type": f"sentence_transformers.models.{name}"} for name in ("Transformer", "Pooling", "Normalize")]
    (folder / "modules.json").write_text(json.dumps(modules))

    (found,) = load(folder).embed(["cat the the"])

    first = onnx_graphs.vectors()[ids_of("cat")[0]] @ onnx_graphs.head(WIDTH)
    assert found == pytest.approx(first / np.linalg.norm(first), abs=1e-5)


def test_weights_beside_the_file_and_in_the_folder_onnx(tmp_path):
    folder = onnx_graphs.make_language_model(tmp_path / "onnx", beside="model.onnx_data")
    for name in ("config.json", "tokenizer.json"):
        (folder / name).rename(tmp_path / name)

    found = recognise(tmp_path)

    assert (found.runtime, found.task) == ("onnx", "text-generation")
    assert found.facts["parameters_by_dtype"] == {"F32": len(WORDS) * WIDTH * 2}
    assert found.facts["weight_bytes"] > (folder / "model.onnx_data").stat().st_size
    assert load(tmp_path).log_likelihood(["the cat"])[0].tokens == 2


def change(folder, edit):
    model = onnx.load(str(folder / "model.onnx"), load_external_data=False)
    edit(model)
    (folder / "model.onnx").write_bytes(model.SerializeToString())


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "a/b", "..", "C:x", ""])
def test_weights_outside_the_folder_are_refused(tmp_path, location):
    folder = onnx_graphs.make_language_model(tmp_path / "model", beside="model.onnx_data")
    (tmp_path / "secret").write_bytes(b"\0" * 4096)
    change(folder, lambda model: setattr(model.graph.initializer[0].external_data[0], "value", location))

    with pytest.raises(UnsupportedModel) as caught:
        recognise(folder)
    assert caught.value.code == "external_data"


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    folder = onnx_graphs.make_language_model(tmp_path / "model", beside="model.onnx_data")
    (folder / "model.onnx_data").rename(tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", folder / "model.onnx_data")

    with pytest.raises(UnsupportedModel, match="not there"):
        recognise(folder)


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda model: setattr(model.graph.node[0], "domain", "evil.ops"), "custom_operators"),
        (lambda model: model.functions.add(name="f", domain="x"), "custom_operators"),
        (lambda model: setattr(model.opset_import[0], "version", 99), "opset"),
        (lambda model: setattr(model.graph.input[1], "name", "pixel_values"), "unknown_input"),
        (lambda model: setattr(model.graph.node[-1], "op_type", "NoSuchOperator"), "broken_model"),
        (lambda model: model.ClearField("graph"), "broken_model"),
    ],
)
def test_what_a_plain_runtime_lacks_is_refused(tmp_path, edit, code):
    folder = onnx_graphs.make_language_model(tmp_path)
    change(folder, edit)

    with pytest.raises(UnsupportedModel) as caught:
        load(folder)
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_a_missing_piece_is_named(tmp_path, name):
    folder = onnx_graphs.make_language_model(tmp_path)
    (folder / name).unlink()

    with pytest.raises(UnsupportedModel, match=name):
        recognise(folder)


def test_no_cut_or_changed_byte_raises_anything_but_the_refusal(tmp_path):
    folder = onnx_graphs.make_classifier(tmp_path)
    whole = (folder / "model.onnx").read_bytes()
    rng = np.random.default_rng(0)
    for number in range(60):
        raw = bytearray(whole[: rng.integers(1, len(whole))] if number % 2 else whole)
        for place in rng.integers(0, len(raw), 3):
            raw[place] = rng.integers(0, 256)
        (folder / "model.onnx").write_bytes(bytes(raw))
        with suppress(UnsupportedModel):
            recognise(folder)
