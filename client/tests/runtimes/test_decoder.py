"""Small decoder Transformers: exact against one step at a time, blocks, caches, refused when broken."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from smallhub import Invalid  # noqa: E402  # They come after the check for torch.
from smallhub.runtimes import UnsupportedModel, load, recognise  # noqa: E402
from smallhub.runtimes._units import BEGIN  # noqa: E402
from smallhub.runtimes.decoder import train  # noqa: E402

TEXTS = ["the cat sat on the mat. the dog sat on the log. " * 4, "a cat and a dog met on a mat. " * 4]
SMALL = {"width": 16, "heads": 2, "layers": 2, "context": 48, "batch_size": 8, "max_steps": 120, "threads": 1}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("decoder")
    train(TEXTS, **SMALL).save(folder)
    return load(folder)


def chain_rule(model, ids):
    total, given = 0.0, [BEGIN]
    with torch.no_grad():
        for number in ids:
            total += float(torch.log_softmax(model.network(torch.tensor([given]))[0, -1].double(), dim=-1)[number])
            given.append(number)
    return total


def test_log_likelihood_equals_the_chain_rule(model):
    texts = ["the cat", "a dog sat on the log.", "qqq", ""]
    for text, found in zip(texts, model.log_likelihood(texts), strict=True):
        assert found.log_prob == pytest.approx(chain_rule(model, model.encode(text)), abs=1e-4)
        assert found.tokens == len(text)
    assert model.log_likelihood(["qqq"])[0].unknown == 3


def test_long_texts_are_cut_into_blocks_each_behind_the_begin(model):
    text = TEXTS[0][:130]
    ids = model.encode(text)

    (found,) = model.log_likelihood([text])

    parts = [chain_rule(model, ids[start : start + 48]) for start in range(0, 130, 48)]
    assert found.log_prob == pytest.approx(sum(parts), abs=1e-3)
    assert (found.tokens, model.block_tokens) == (130, 48)


def test_it_has_learnt(model):
    (found,) = model.log_likelihood(["the cat sat on the mat."])

    assert found.bits_per_byte("the cat sat on the mat.") < 2.5


def test_a_padded_batch_equals_each_text_alone(model):
    texts = ["", "the cat", "a", "the dog sat on the log. a cat", "zebra"]
    rows = model.next_log_probs(texts)

    for number, text in enumerate(texts):
        assert np.allclose(rows[number], model.next_log_probs([text])[0], atol=1e-4)
    assert np.exp(rows.astype(float)).sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert model.next_log_probs([]).shape == (0, model.vocabulary.size)


def test_generation_with_and_without_cache_is_the_same(model):
    for prompt in ("", "the cat", "a dog"):
        assert model.generate(prompt) == model.generate(prompt, use_cache=False)
    drawn = [model.generate("the", temperature=1.0, seed=4, use_cache=cached).token_ids for cached in (True, False)]
    assert drawn[0] == drawn[1]


def test_the_same_call_twice_gives_the_same_bits(model):
    assert model.next_log_probs(TEXTS[:1][0][:20]).tobytes() == model.next_log_probs(TEXTS[:1][0][:20]).tobytes()


def test_generation_ends_with_the_context_and_too_long_a_prompt_is_told(model):
    answer = model.generate("the cat sat on the mat. the cat sat", max_new_tokens=200)

    assert answer.prompt_tokens + len(answer.token_ids) < 48
    with pytest.raises(Invalid) as caught:
        model.generate("a" * 48)
    assert caught.value.code == "prompt_too_long"


def test_of_many_prompts_one_that_leaves_no_room_loses_its_beginning(model):
    text = "the cat sat on the mat. " * 4

    short, long = model.continue_greedily(["the", text], max_new_tokens=4)

    assert (short.cut_tokens, long.cut_tokens, long.prompt_tokens) == (0, len(text) - 36, 36)
    assert replace(long, cut_tokens=0) == model.generate(text[-36:], max_new_tokens=4)


def test_equal_training_gives_equal_bytes(tmp_path):
    for name in ("a", "b"):
        train(TEXTS, **SMALL | {"max_steps": 5}).save(tmp_path / name)

    files = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("a", "b")]
    assert files[0] == files[1]


def test_recognised_and_described(model, tmp_path):
    model.save(tmp_path)

    found = recognise(tmp_path)
    assert (found.runtime, found.task, found.facts) == ("decoder", "text-generation", {"context_length": 48})
    description = model.description()
    json.dumps(description)
    assert (description["context_length"], description["width"], description["unit"]) == (48, 16, "char")


@pytest.mark.parametrize(
    "change",
    [
        {"width": 32},
        {"width": 4096, "layers": 256},  # Far more than the weights hold: refused without taking the memory.
        {"heads": 3},
        {"layers": 3},
        {"context": 64},
        {"context": "48"},
        {"format_version": 2},
        {"vocabulary_size": 7},
        {"unit": "byte"},
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(model, tmp_path, change):
    model.save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))

    with pytest.raises(UnsupportedModel):
        load(tmp_path)
