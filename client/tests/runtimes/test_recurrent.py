"""GRU and LSTM models: exact against one step at a time, trained, saved, refused when broken."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from smallhub.runtimes import UnsupportedModel, load, recognise  # noqa: E402  # They come after the check for torch.
from smallhub.runtimes import recurrent as recurrent_module  # noqa: E402
from smallhub.runtimes._units import BEGIN  # noqa: E402
from smallhub.runtimes.recurrent import train  # noqa: E402

TEXTS = ["the cat sat on the mat. the dog sat on the log. " * 10, "a cat and a dog met on a mat. " * 10]
SMALL = {"embedding_size": 8, "hidden_size": 24, "batch_size": 4, "window": 16, "max_steps": 60, "threads": 1}


@pytest.fixture(scope="module", params=["rnn", "gru", "lstm"])
def model(request):
    return train(TEXTS, cell=request.param, layers=2, **SMALL)


def step_by_step(model, text: str) -> float:
    """The chain rule taken at its word: one id after the other, the state in hand."""
    state, previous, total = None, BEGIN, 0.0
    with torch.no_grad():
        for number in model.encode(text):
            logits, state = model.network(torch.tensor([[previous]]), state)
            total += float(torch.log_softmax(logits[0, 0].double(), dim=-1)[number])
            previous = number
    return total


def test_log_likelihood_equals_one_step_at_a_time(model):
    for text in ("the cat", "a dog sat on the log.", "qqq"):
        found = model.log_likelihood([text])[0]
        assert found.log_prob == pytest.approx(step_by_step(model, text), abs=1e-4)
        assert found.tokens == len(text)


def test_the_state_is_carried_through_long_texts(model, monkeypatch):
    text = TEXTS[0][:300]
    whole = model.log_likelihood([text])[0].log_prob

    monkeypatch.setattr(recurrent_module, "_CHUNK_UNITS", 7)

    assert model.log_likelihood([text])[0].log_prob == pytest.approx(whole, abs=1e-3)
    assert whole == pytest.approx(step_by_step(model, text), abs=1e-3)


def test_a_padded_batch_equals_each_text_alone(model):
    texts = ["", "the cat", "a", "the dog sat on the log. a cat", "zebra"]

    together = model.log_likelihood(texts)
    rows = model.next_log_probs(texts)

    for number, text in enumerate(texts):
        assert together[number].log_prob == pytest.approx(model.log_likelihood([text])[0].log_prob, abs=1e-4)
        assert np.abs(rows[number] - model.next_log_probs([text])[0]).max() < 1e-4
    assert np.exp(rows).sum(axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-5)


def test_unknown_characters_are_counted(model):
    assert model.log_likelihood(["caté"])[0].unknown == 1


def test_generation_with_and_without_state_is_the_same_and_repeatable(model):
    cached = model.generate("the ", max_new_tokens=30)

    assert cached == model.generate("the ", max_new_tokens=30, use_cache=False)
    assert len(cached.token_ids) == 30
    assert model.generate("a", temperature=1.0, seed=4) == model.generate("a", temperature=1.0, seed=4)


def test_a_saved_model_is_recognised_and_loads_the_same(model, tmp_path):
    model.save(tmp_path)

    loaded = load(tmp_path)

    assert recognise(tmp_path).architecture == f"smallhub-{model.shape.cell}"
    assert loaded.log_likelihood(TEXTS) == model.log_likelihood(TEXTS)
    assert loaded.description() == model.description()
    json.dumps(loaded.description())


def test_training_learns_and_is_repeatable(tmp_path):
    seen = []
    first = train(TEXTS, on_progress=seen.append, **SMALL)
    second = train(TEXTS, **SMALL)
    untrained = train(TEXTS, **(SMALL | {"max_steps": 0}))

    bits = [model.log_likelihood([TEXTS[1]])[0].bits_per_byte(TEXTS[1]) for model in (first, untrained)]
    assert bits[0] < bits[1] - 1
    assert first.log_likelihood(TEXTS) == second.log_likelihood(TEXTS)
    assert [progress.step for progress in seen] == [25, 50, 60]
    assert seen[-1].loss < seen[0].loss


def test_training_ends_when_its_time_is_up_and_leaves_the_callers_draws_alone():
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)

    model = train(TEXTS, max_seconds=0.0, **SMALL)

    assert model.description()["training"]["steps"] == 0
    assert torch.rand(1) == expected


def test_bytes_work_as_units():
    model = train([text * 2 for text in ["猫坐在垫子上。" * 20]], unit="byte", **SMALL)

    assert model.log_likelihood(["猫"])[0].tokens == 3
    assert model.decode(model.encode("猫坐")) == "猫坐"


def test_too_little_text_is_told():
    with pytest.raises(ValueError, match="too few"):
        train(["abc"], **SMALL)


@pytest.mark.parametrize("change", [{"hidden_size": 25}, {"hidden_size": 10**9}, {"layers": 0}, {"vocabulary_size": 5}])
def test_a_config_that_does_not_fit_the_weights_is_refused(model, tmp_path, change):
    model.save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))

    with pytest.raises(UnsupportedModel):
        load(tmp_path)


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    model = train(TEXTS, **(SMALL | {"max_steps": 1}))
    with torch.no_grad():
        model.network.output.bias[0] = float("nan")
    model.save(tmp_path)

    with pytest.raises(UnsupportedModel, match="NaN"):
        load(tmp_path)
