"""N-gram recipes: the same bytes each time, and a model that beats counting single bytes."""

from pathlib import Path

from smallhub.runtimes import load

from tests.training.corpus import SUITE, prose, shipped, written
from training.recipes.data import PinnedFile, Source, read_texts
from training.recipes.measures import bits_per_byte
from training.recipes.ngram import NgramRecipe

UNIGRAM_BITS_PER_BYTE = 4.3221  # The baseline that the set declares for its test split.


def quiet(line: str) -> None:
    assert line


def test_the_same_recipe_gives_the_same_bytes(tmp_path: Path) -> None:
    file = written(tmp_path, prose())
    recipe = NgramRecipe((file.source,), order=3)

    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        recipe.train([file], tmp_path / name, say=quiet)

    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("first", "second")
    )
    assert first == second
    assert set(first) == {"config.json", "vocab.json", "model.safetensors"}


def test_the_starter_n_gram_beats_the_unigram_on_texts_it_never_saw(tmp_path: Path) -> None:
    file = shipped("core-text-en")
    outcome = NgramRecipe((file.source,)).train([file], tmp_path, say=quiet)
    test = PinnedFile.of(Source("tests/test"), commit="", local=SUITE / "core-text-en" / "data" / "test.jsonl")

    assert bits_per_byte(load(tmp_path), read_texts(test)) < UNIGRAM_BITS_PER_BYTE / 1.8
    assert outcome.figures["held_out_bits_per_byte"] < UNIGRAM_BITS_PER_BYTE / 1.8


def test_the_figure_is_of_texts_that_were_not_counted(tmp_path: Path) -> None:
    rows = [{"text": f"text {n} " + chr(97 + n) * 50} for n in range(16)]  # Each text has a letter of its own.
    file = written(tmp_path, rows)
    outcome = NgramRecipe((file.source,), order=3).train([file], tmp_path, say=quiet)

    assert outcome.figures["held_out_bits_per_byte"] > bits_per_byte(load(tmp_path), read_texts(file)) + 1
