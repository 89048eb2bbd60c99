"""Classifier recipes: the same bytes for the same seed, labels in their order, and something learnt."""

import dataclasses
import json
from pathlib import Path

import pytest
from smallhub.runtimes import load

from tests.requirements import require
from tests.training.corpus import remarks, written
from training.exceptions import BadRecipe
from training.recipes.classifier import ClassifierRecipe
from training.recipes.data import Outcome, PinnedFile

LABELS = ("negative", "positive")


def small(file: PinnedFile, **settings: float) -> ClassifierRecipe:
    recipe = ClassifierRecipe(
        (file.source,), LABELS, vocabulary_size=200, hidden_size=16, layers=1, heads=2, context=16, epochs=2
    )
    return dataclasses.replace(recipe, **settings)


def train(recipe: ClassifierRecipe, file: PinnedFile, folder: Path) -> Outcome:
    folder.mkdir()
    return recipe.train([file], folder, say=str)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    require("torch", "transformers")
    file = written(tmp_path, remarks())

    train(small(file), file, tmp_path / "first")
    train(small(file), file, tmp_path / "second")

    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("first", "second")
    )
    assert first == second
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(first)


def test_it_learns_the_word_that_decides_and_says_so_through_the_loader(tmp_path: Path) -> None:
    require("torch", "transformers")
    file = written(tmp_path, remarks())
    outcome = train(small(file, epochs=30, learning_rate=5e-3, drop_words=0.0), file, tmp_path / "model")

    model = load(tmp_path / "model")
    answers = model.classify(["the lovely boat number 3 was seen again", "the awful boat number 4 was seen again"])

    assert [answer.label for answer in answers] == ["positive", "negative"]
    assert answers[0].labels == LABELS
    assert json.loads((tmp_path / "model" / "config.json").read_text())["id2label"] == {
        "0": "negative",
        "1": "positive",
    }
    assert outcome.figures == {"held_out_accuracy": 1.0, "held_out_texts": 8}
    assert outcome.parameters == model.description()["parameters"]


def test_long_texts_are_cut_and_not_refused(tmp_path: Path) -> None:
    require("torch", "transformers")
    file = written(tmp_path, [*remarks(), {"text": "lovely " * 100, "label": "positive"}])
    train(small(file), file, tmp_path / "model")

    assert load(tmp_path / "model").classify(["awful " * 100])[0].label in LABELS


def test_a_label_that_the_recipe_does_not_name_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, [*remarks(), {"text": "so so", "label": "neutral"}])

    with pytest.raises(BadRecipe, match="neutral"):
        train(small(file), file, tmp_path / "model")
