"""`recipe.json`: what it says is enough to make the same weights again."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.training.corpus import prose, written
from training.exceptions import BadRecipe
from training.recipes.classifier import ClassifierRecipe
from training.recipes.data import Source
from training.recipes.ngram import NgramRecipe
from training.recipes.record import fingerprint, recipe_of, record, write
from training.recipes.recurrent import RecurrentRecipe


def recorded(folder: Path) -> dict[str, Any]:
    """Train a small model into a folder; its record, as read back from the file."""
    folder.mkdir()
    file = written(folder.parent, prose())
    recipe = NgramRecipe((file.source,), order=2)
    outcome = recipe.train([file], folder, say=str)
    write(folder, record(recipe, [file], outcome, mark=fingerprint(recipe, [file], card=""), folder=folder))
    return dict(json.loads((folder / "recipe.json").read_text(encoding="utf-8")))


def test_the_recipe_of_a_record_makes_the_weights_that_the_record_names(tmp_path: Path) -> None:
    content = recorded(tmp_path / "model")
    again = tmp_path / "again"
    again.mkdir()

    recipe_of(content).train([written(tmp_path, prose())], again, say=str)

    weights = hashlib.sha256((again / "model.safetensors").read_bytes()).hexdigest()
    assert weights == content["outcome"]["weights_sha256"]


@pytest.mark.parametrize(
    "recipe",
    [
        NgramRecipe((Source("a/b"), Source("a/c", "x.jsonl")), order=4),
        RecurrentRecipe((Source("a/b"),), cell="lstm", seed=7),
        ClassifierRecipe((Source("a/b"),), labels=("x", "y"), dropout=0.3),
    ],
)
def test_a_recipe_survives_the_way_through_json(recipe: NgramRecipe, tmp_path: Path) -> None:
    content = recorded(tmp_path / "model")
    settings = {key: value for key, value in dataclasses.asdict(recipe).items() if key != "sources"}
    content |= {"kind": recipe.kind, "settings": settings, "data": [dataclasses.asdict(row) for row in recipe.sources]}

    assert recipe_of(json.loads(json.dumps(content))) == recipe


@pytest.mark.parametrize("change", [{"kind": "magic"}, {"settings": {"size": 3}}, {"revision": 99}, {"data": None}])
def test_a_record_that_no_recipe_fits_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    content = recorded(tmp_path / "model") | change

    with pytest.raises(BadRecipe):
        recipe_of(content)


def test_the_fingerprint_follows_settings_data_and_card_and_nothing_else(tmp_path: Path) -> None:
    file = written(tmp_path, prose())
    recipe = NgramRecipe((file.source,))
    mark = fingerprint(recipe, [file], card="card")

    assert fingerprint(recipe, [dataclasses.replace(file, commit="2" * 40)], card="card") == mark
    changed = [
        fingerprint(dataclasses.replace(recipe, order=5), [file], card="card"),
        fingerprint(recipe, [dataclasses.replace(file, sha256="0" * 64)], card="card"),
        fingerprint(recipe, [file], card="another card"),
    ]
    assert len({mark, *changed}) == 4
