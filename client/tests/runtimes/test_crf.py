"""Conditional random fields: exact against all sequences, gradients against differences, trained on real sentences."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from smallhub.runtimes import UnsupportedModel, load, recognise
from smallhub.runtimes.crf import CrfModel, WordFeatures, features_of, shape_of
from smallhub.runtimes.crf_training import gradients, train

SENTENCES = [
    "Anna lives in Berlin".split(),
    "He saw Anna Meyer today".split(),
    "Berlin is near Potsdam".split(),
    "today Meyer lives in Potsdam".split(),
    "Run".split(),
]
LABELS = [
    ["B-PER", "O", "O", "B-LOC"],
    ["O", "O", "B-PER", "I-PER", "O"],
    ["B-LOC", "O", "O", "B-LOC"],
    ["O", "B-PER", "O", "O", "B-LOC"],
    ["O"],
]


@pytest.fixture(scope="module")
def model():
    return train(SENTENCES, LABELS, min_count=1)


def random_weights(features, labels, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {"emissions": (features, labels), "transitions": (labels, labels), "start": (labels,), "end": (labels,)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def score(weights, emissions, path):
    total = weights["start"][path[0]] + weights["end"][path[-1]] + sum(emissions[t, y] for t, y in enumerate(path))
    return total + sum(weights["transitions"][a, b] for a, b in itertools.pairwise(path))


def test_viterbi_finds_the_best_of_all_sequences():
    features = WordFeatures.learn(SENTENCES, min_count=1, templates=("word", "suffix"))
    for seed in range(5):
        weights = random_weights(features.size, 3, seed)
        model = CrfModel(features, ("O", "B-X", "I-X"), {k: v.astype(np.float32) for k, v in weights.items()})
        for words in SENTENCES:
            emissions = model.emissions(words)
            paths = itertools.product(range(3), repeat=len(words))
            best = max(paths, key=lambda path: score(model.arrays, emissions, path))
            assert model.tag([words]) == [tuple(model.labels[number] for number in best)]


def test_the_likelihood_and_its_gradient_are_exact():
    weights = random_weights(4, 3)
    rng = np.random.default_rng(1)
    emissions, mask = rng.normal(size=(3, 4, 3)), np.array([[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0, 0]], dtype=bool)
    gold = [np.array([0, 2, 1, 1]), np.array([2]), np.array([1, 0])]

    loss, grads = gradients(emissions, mask, gold, weights)

    by_hand = 0.0
    for row, labels in enumerate(gold):
        paths = itertools.product(range(3), repeat=len(labels))
        scores = [score(weights, emissions[row], path) for path in paths]
        by_hand += np.log(np.exp(scores).sum()) - score(weights, emissions[row], labels)
    assert loss == pytest.approx(by_hand)
    tables = weights | {"emissions": emissions}
    for name, table in tables.items():
        for place in np.ndindex(table.shape):
            moved = table.copy()
            moved[place] += 1e-6
            after = {**tables, name: moved}
            changed, _ = gradients(after["emissions"], mask, gold, after)
            assert (changed - loss) / 1e-6 == pytest.approx(grads[name][place], abs=1e-4), (name, place)


def test_a_trained_tagger_comes_back_from_its_files(model, tmp_path):
    model.save(tmp_path)
    loaded = load(tmp_path)

    assert loaded.tag(SENTENCES) == [tuple(row) for row in LABELS]
    assert loaded.tag([[], ["Zürich"]])[0] == ()
    found = recognise(tmp_path)
    assert (found.runtime, found.task, found.capabilities) == ("crf", "token-classification", {"tag"})
    json.dumps(loaded.description())


def test_equal_training_gives_equal_weights(model):
    again = train(SENTENCES, LABELS, min_count=1)

    assert all(np.array_equal(array, again.arrays[name]) for name, array in model.arrays.items())


def test_contributions_sum_to_the_emission(model):
    words = ["Anna", "is", "near", "Zürich"]
    for place in range(4):
        for number, label in enumerate(model.labels):
            parts = model.contributions(words, place, label)
            assert sum(parts.values()) == pytest.approx(model.emissions(words)[place, number], abs=1e-5)


def test_features_of_words():
    assert [shape_of(word) for word in ("Berlin", "EU", "1990", "@x9", "北京", "")] == ["Xx", "X", "d", "@xd", "x", ""]
    found = list(features_of(["In", "EU"], 1, ("word", "previous", "next", "pair", "edges")))
    assert found == "bias|word=EU|previous=in|previous_shape=Xx|next=</s>|next_shape=</s>|pair=in eu|last".split("|")


@pytest.mark.parametrize(
    "change", [{"templates": ["__class__"]}, {"templates": "word"}, {"hash_bits": 99}, {"id2label": {"0": "O"}}]
)
def test_a_configuration_that_does_not_fit_is_refused(model, tmp_path, change):
    model.save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))

    with pytest.raises(UnsupportedModel):
        load(tmp_path)
