"""Training data are read line by line, and refused by line."""

from pathlib import Path

import pytest

from tests.training.corpus import COMMIT, written
from training.exceptions import BadTrainingData
from training.recipes.data import Example, PinnedFile, Source, hold_out, read_examples, read_texts


def test_texts_and_labels_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, [{"text": "one", "label": "a"}, {"text": "two", "label": "b"}])

    assert read_texts(file) == ["one", "two"]
    assert read_examples(file) == [Example("one", "a"), Example("two", "b")]


def test_a_text_may_hold_separators_that_are_no_line_feed(tmp_path: Path) -> None:
    file = written(tmp_path, [{"text": "one\u2028two\x0bthree"}, {"text": "four"}])

    assert read_texts(file) == ["one\u2028two\x0bthree", "four"]


@pytest.mark.parametrize("line", ["", "{", "[1]", '{"text": 3}', '{"text": ""}', '{"label": "a"}', '"text"'])
def test_a_line_without_a_text_is_named(tmp_path: Path, line: str) -> None:
    local = tmp_path / "train.jsonl"
    local.write_text('{"text": "fine"}\n' + line + '\n{"text": "fine"}\n')
    file = PinnedFile.of(Source("tests/rows"), commit=COMMIT, local=local)

    with pytest.raises(BadTrainingData) as caught:
        read_texts(file)

    assert caught.value.details["line"] == 2


def test_every_nth_item_is_held_out_and_none_is_lost() -> None:
    learnt, held_out = hold_out(list(range(10)), every=4)

    assert held_out == [0, 4, 8]
    assert learnt == [1, 2, 3, 5, 6, 7, 9]
