"""Names, paths, errors and exports."""

from __future__ import annotations

import pickle

import pytest
import smallhub
from hypothesis import given
from hypothesis import strategies as st
from smallhub._exceptions import SmallhubError, UnsafePath
from smallhub._names import Reference, check_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ada/tiny", ("ada", "tiny", "model", None)),
        ("ada/tiny@v1.0", ("ada", "tiny", "model", "v1.0")),
        ("datasets/ada/news@refs/pr/1", ("ada", "news", "dataset", "refs/pr/1")),
        ("apps/ada/chat", ("ada", "chat", "app", None)),
    ],
)
def test_names_are_read(text, expected):
    reference = Reference.parse(text)

    assert (reference.namespace, reference.name, reference.kind, reference.revision) == expected
    assert str(reference) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tiny",
        "a/b/c",
        "a/..",
        "../b",
        "a/b@",
        "a/b@..",
        "a/b@x..y",
        "a/b@/x",
        "a/-b",
        "a/b.git",
        "a/b c",
        "a/b--c",
        "a/b@x y",
    ],
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(smallhub.Invalid):
        Reference.parse(text)


@given(st.text(max_size=40))
def test_an_accepted_path_stays_inside_its_folder(tmp_path_factory, text):
    folder = tmp_path_factory.getbasetemp()
    try:
        check_path(text)
    except UnsafePath:
        return
    target = (folder / text).resolve()
    assert target.is_relative_to(folder.resolve())
    assert target != folder.resolve()


@pytest.mark.parametrize(
    "path", ["config.json", "a/b/c.bin", "模型/权重.bin", ".gitattributes", "a b/c.txt", "console.txt", "..a"]
)
def test_usual_paths_are_accepted(path):
    assert check_path(path) == path


def test_errors_survive_the_way_between_processes():
    for error in (
        smallhub.IntegrityError("x: wrong", path="x"),
        smallhub.UnsupportedModel("pickle_weights", "No pickles.", file="x"),
        smallhub.NotFound("No.", code="not_cached"),
    ):
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), copy.code, copy.message, copy.details) == (
            type(error),
            error.code,
            error.message,
            error.details,
        )


def test_every_export_exists_and_every_error_is_exported():
    for name in smallhub.__all__:
        assert getattr(smallhub, name) is not None
    kinds, found = [SmallhubError], set()
    while kinds:
        kind = kinds.pop()
        found.add(kind.__name__)
        kinds += kind.__subclasses__()
    assert found <= set(smallhub.__all__)
