"""Recurrent recipes: the same bytes for the same seed, and a model that has learnt something."""

import dataclasses
from pathlib import Path

from smallhub.runtimes import load

from tests.requirements import require
from tests.training.corpus import prose, written
from training.recipes.data import PinnedFile
from training.recipes.recurrent import RecurrentRecipe


def small(file: PinnedFile, **settings: int) -> RecurrentRecipe:
    recipe = RecurrentRecipe((file.source,), embedding_size=8, hidden_size=16, batch_size=4, window=16, steps=20)
    return dataclasses.replace(recipe, **settings)


def train(recipe: RecurrentRecipe, file: PinnedFile, folder: Path) -> float:
    folder.mkdir()
    return recipe.train([file], folder, say=str).figures["held_out_bits_per_byte"]


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    require("torch")
    file = written(tmp_path, prose())

    train(small(file), file, tmp_path / "first")
    train(small(file), file, tmp_path / "second")
    train(small(file, seed=2), file, tmp_path / "other")

    first, second, other = (tmp_path / name / "model.safetensors" for name in ("first", "second", "other"))
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes() != other.read_bytes()


def test_more_steps_predict_better_and_the_model_loads(tmp_path: Path) -> None:
    require("torch")
    file = written(tmp_path, prose())

    early = train(small(file, steps=1), file, tmp_path / "early")
    late = train(small(file, steps=60), file, tmp_path / "late")

    assert late < early - 1
    assert load(tmp_path / "late").runtime == "recurrent"
