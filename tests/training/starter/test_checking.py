"""A trained model is asked before it is published."""

import json
from pathlib import Path

import pytest
from smallhub import UnsupportedModel

from tests.training.corpus import prose, written
from training.recipes.ngram import NgramRecipe
from training.starter.checking import check_answers


def test_a_model_that_answers_passes(tmp_path: Path) -> None:
    file = written(tmp_path, prose())
    NgramRecipe((file.source,), order=2).train([file], tmp_path, say=str)

    assert check_answers(tmp_path).runtime == "ngram"


def test_a_folder_whose_files_contradict_each_other_does_not(tmp_path: Path) -> None:
    file = written(tmp_path, prose())
    NgramRecipe((file.source,), order=2).train([file], tmp_path, say=str)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"order": 3}))

    with pytest.raises(UnsupportedModel):
        check_answers(tmp_path)
