"""Word vectors: three layouts with the same numbers, unknown words, and no file that lies."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from smallhub.runtimes import UnsupportedModel, load, recognise

WORDS = {"the": [1.0, 0.0, 0.5], "Cat": [0.0, 2.0, -0.25], "北京": [0.5, 0.5, 3.0], "大学": [-1.0, 0.25, 0.0]}


def text(words=WORDS, *, header=True) -> bytes:
    first = f"{len(words)} 3\n" if header else ""
    return (first + "".join(f"{word} {' '.join(map(str, row))}\n" for word, row in words.items())).encode()


def binary(words=WORDS, *, breaks=True) -> bytes:
    rows = [word.encode() + b" " + struct.pack("<3f", *row) + b"\n" * breaks for word, row in words.items()]
    return f"{len(words)} 3\n".encode() + b"".join(rows)


LAYOUTS = {
    "word2vec.txt": text(),
    "cc.en.vec": text(),
    "glove.6B.txt": text(header=False),
    "vectors.bin": binary(),
    "my-w2v.bin": binary(breaks=False),
}


def folder_with(tmp_path, name: str, content: bytes):
    (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize("name", LAYOUTS)
def test_all_layouts_give_the_mean_of_the_words(tmp_path, name):
    model = load(folder_with(tmp_path, name, LAYOUTS[name]))

    found = model.embed(["the Cat", "The", "the zebra", "北京大学"])

    assert found == pytest.approx(np.array([[0.5, 1.0, 0.125], WORDS["the"], WORDS["the"], [-0.25, 0.375, 1.5]]))
    assert found.dtype == np.float32
    description = model.description()
    json.dumps(description)
    assert (description["dimension"], description["vocabulary_size"], description["parameters"]) == (3, 5, 12)
    assert (recognise(tmp_path).runtime, recognise(tmp_path).task) == ("vectors", "sentence-similarity")


def test_ids_name_words_and_zero_the_unknown_ones(tmp_path):
    model = load(folder_with(tmp_path, "glove.txt", text(header=False)))

    assert model.encode("the zebra Cat!") == [1, 0, 2, 0]
    assert model.decode([1, 0, 2]) == "the <unk> Cat"


@pytest.mark.parametrize("content", [text(), binary()], ids=["text", "binary"])
def test_a_text_of_unknown_words_gets_the_mean_of_all_vectors(tmp_path, content):
    model = load(folder_with(tmp_path, "vectors.bin", content))

    mean = np.mean(list(WORDS.values()), axis=0)
    assert model.embed(["zebra", ""]) == pytest.approx(np.array([mean, mean]))
    assert model.embed([]).shape == (0, 3)


def test_the_files_own_vector_of_unknown_words_is_taken(tmp_path):
    model = load(folder_with(tmp_path, "a.vec", text({**WORDS, "<unk>": [9.0, 9.0, 9.0]})))

    assert model.embed(["zebra"]) == pytest.approx(np.array([[9.0, 9.0, 9.0]]))
    assert model.description()["unknown_words"] == "own vector"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.vec", b"5 3\n" + text(header=False), "declares 5 words"),
        ("a.vec", b"2 3\n" + text(header=False), "more words than declared"),
        ("a.vec", b"999999999 3\n" + text(header=False), "can hold"),
        ("a.vec", b"4 99999\n" + text(header=False), "its header declares"),
        ("a.vec", text().replace(b"2.0", b"nan"), "NaN"),
        ("a.vec", text().replace(b"2.0", b"two"), "line 3"),
        ("a.vec", text().replace(b"2.0 ", b""), "line 3"),
        ("glove.txt", text(header=False).replace(b"2.0 ", b""), "line 2"),
        ("glove.txt", b"word\n", "line 1"),
        ("glove.txt", b"", "line 1"),
        ("w2v.bin", binary()[:-6], "ends within"),
        ("w2v.bin", binary() + b"tail", "follow its last word"),
        ("w2v.bin", b"9" + binary(), "more than"),
    ],
)
def test_a_file_that_breaks_its_layout_is_refused(tmp_path, name, content, message):
    with pytest.raises(UnsupportedModel, match=message) as caught:
        load(folder_with(tmp_path, name, content))

    assert caught.value.code == "broken_model"


def test_a_broken_row_of_a_mapped_file_is_told_when_it_is_read(tmp_path):
    model = load(folder_with(tmp_path, "w2v.bin", binary({"the": [1.0, 2.0, 3.0], "cat": [float("nan"), 0.0, 0.0]})))

    assert model.embed(["the"]).tolist() == [[1.0, 2.0, 3.0]]
    with pytest.raises(UnsupportedModel, match="NaN"):
        model.embed(["cat"])
