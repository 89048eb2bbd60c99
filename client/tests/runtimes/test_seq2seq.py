"""Small encoder-decoders: exact against one step at a time, batches, greedy writing, refused when broken."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")

from smallhub.runtimes import UnsupportedModel, load, recognise  # noqa: E402  # They come after the check for torch.
from smallhub.runtimes._units import BEGIN, END  # noqa: E402
from smallhub.runtimes.seq2seq import train  # noqa: E402

WORDS = {"one": "ein", "two": "zwei", "dog": "Hund", "cat": "Katze", "sees": "sieht", "a": "eine"}
PAIRS = [(f"{a} {b}", f"{WORDS[a]} {WORDS[b]}") for a in WORDS for b in WORDS]
SMALL = {"unit": "word", "width": 32, "heads": 2, "layers": 1, "context": 12, "threads": 1, "min_unit_count": 1}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seq2seq")
    train([a for a, _ in PAIRS], [b for _, b in PAIRS], max_steps=250, **SMALL).save(folder)
    return load(folder)


def chain_rule(model, source, target):
    total, given = 0.0, [BEGIN]
    with torch.no_grad():
        read, present = model._read([[*model.encode(source), END]])
        for number in [*model.encode(target), END]:
            logits = model.network(torch.tensor([given]), read, present)[0, -1]
            total += float(torch.log_softmax(logits.double(), dim=-1)[number])
            given.append(number)
    return total


def test_conditional_likelihood_equals_the_chain_rule_in_any_batch(model):
    sources, targets = ["one dog", "cat", "", "two cat sees a dog"], ["ein Hund", "Katze Katze", "ein", ""]

    found = model.conditional_log_likelihood(sources, targets=targets)

    for source, target, each in zip(sources, targets, found, strict=True):
        assert each.log_prob == pytest.approx(chain_rule(model, source, target), abs=1e-4)
        assert each.tokens == len(target.split()) + 1
        (alone,) = model.conditional_log_likelihood([source], targets=[target])
        assert alone.log_prob == pytest.approx(each.log_prob, abs=1e-4)


def test_it_has_learnt_to_translate(model):
    right = sum(
        found == target for found, (_, target) in zip(model.translate([a for a, _ in PAIRS]), PAIRS, strict=True)
    )

    assert right > 0.9 * len(PAIRS)
    assert model.translate(["one dog", "cat sees"]) == [model.translate([text])[0] for text in ("one dog", "cat sees")]


def test_writing_with_the_cache_takes_the_likeliest_unit_each_time(model):
    for source in ("two dog", "cat cat sees"):
        given = [BEGIN]
        with torch.no_grad():
            read, present = model._read([[*model.encode(source), END]])
            while len(given) <= 12:
                scores = model.network(torch.tensor([given]), read, present)[0, -1]
                scores[[0, BEGIN]] = -torch.inf
                given.append(int(scores.argmax()))
                if given[-1] == END:
                    break
        assert model.translate([source]) == [model.decode(given)]


def test_the_limit_and_long_sources_hold(model):
    assert len(model.translate(["one dog"], max_new_tokens=1)[0].split()) <= 1
    assert model.translate(["one dog"], max_new_tokens=0) == [""]
    assert model.translate(["one " * 500])  # Cut at the context's end.
    assert model.translate([]) == []


def test_recognised_described_and_for_one_purpose(model, tmp_path):
    model.save(tmp_path)
    found = recognise(tmp_path)

    assert (found.runtime, found.task) == ("seq2seq", "text2text-generation")
    assert found.capabilities == model.capabilities == {"translate", "conditional_log_likelihood", "tokenize"}
    json.dumps(model.description())
    with pytest.raises(UnsupportedModel, match="summarize"):
        model.summarize(["one dog"])


@pytest.mark.parametrize("change", [{"purpose": "run"}, {"width": 64}, {"heads": 5}, {"vocabulary_size": 3}])
def test_a_configuration_that_does_not_fit_is_refused(model, tmp_path, change):
    model.save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))

    with pytest.raises(UnsupportedModel):
        load(tmp_path)
