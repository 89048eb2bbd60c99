import pytest

from models_registry.merging import MAX_LINES, merge_listings, merge_texts
from models_registry.types import Entry

TEXT = "one\ntwo\nthree\nfour\nfive\n"


@pytest.mark.parametrize(
    ("ours", "theirs", "merged"),
    [
        (TEXT, TEXT.replace("two", "2"), TEXT.replace("two", "2")),
        (TEXT.replace("five", "5"), TEXT.replace("one", "1"), "1\ntwo\nthree\nfour\n5\n"),
        (TEXT.replace("two", "2"), TEXT.replace("two", "2"), TEXT.replace("two", "2")),
        (TEXT + "six\n", TEXT.replace("one\n", ""), "two\nthree\nfour\nfive\nsix\n"),
        ("zero\n" + TEXT, TEXT + "six\n", "zero\n" + TEXT + "six\n"),
        (TEXT.replace("four\n", ""), TEXT.replace("one", "1"), "1\ntwo\nthree\nfive\n"),
        (TEXT, TEXT.rstrip("\n"), TEXT.rstrip("\n")),
    ],
)
def test_changes_of_different_places_are_put_together(ours: str, theirs: str, merged: str):
    assert merge_texts(TEXT, ours, theirs) == merged
    assert merge_texts(TEXT, theirs, ours) == merged


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (TEXT.replace("two", "2"), TEXT.replace("two", "II")),
        (TEXT.replace("two", "2"), TEXT.replace("three", "3")),
        (TEXT + "six\n", TEXT + "seven\n"),
        ("zero\n" + TEXT, "null\n" + TEXT),
        (TEXT.replace("two\nthree\n", ""), TEXT.replace("three", "3")),
        (TEXT.replace("two\n", ""), TEXT.replace("two\n", "two\nand a half\n")),
    ],
)
def test_changes_of_the_same_place_or_of_neighbours_conflict(ours: str, theirs: str):
    assert merge_texts(TEXT, ours, theirs) is None
    assert merge_texts(TEXT, theirs, ours) is None


def test_long_texts_are_not_matched():
    long = "line\n" * (MAX_LINES + 1)

    assert merge_texts(long, long + "a\n", "b\n" + long) is None


def entry(path: str, body: str, **more: object) -> Entry:
    return Entry(path=path, oid=body, size=len(body), sha256="", **more)


def files(**bodies: str) -> dict[str, Entry]:
    return {path: entry(path, body) for path, body in bodies.items()}


def test_each_path_takes_the_side_that_changed_it():
    base = files(kept="a", ours="a", theirs="a", both="a", ours_gone="a", theirs_gone="a", gone="a")
    ours = files(kept="a", ours="b", theirs="a", both="c", theirs_gone="a", ours_new="n")
    theirs = files(kept="a", ours="a", theirs="b", both="c", ours_gone="a", theirs_new="n")

    merged = merge_listings(base, ours, theirs, lambda _: None)

    assert merged.conflicts == []
    assert {path: found.oid for path, found in merged.files.items()} == {
        "kept": "a",
        "ours": "b",
        "theirs": "b",
        "both": "c",
        "ours_new": "n",
        "theirs_new": "n",
    }


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        ({"x": "a"}, {"x": "b"}, {"x": "c"}),
        ({"x": "a"}, {}, {"x": "c"}),
        ({"x": "a"}, {"x": "b"}, {}),
        ({}, {"x": "b"}, {"x": "c"}),
    ],
)
def test_a_path_that_both_changed_otherwise_conflicts(base: dict, ours: dict, theirs: dict):
    merged = merge_listings(files(**base), files(**ours), files(**theirs), lambda _: None)

    assert merged.conflicts == ["x"]


def test_texts_are_merged_where_both_sides_can_be_read():
    texts = {"a": "one\ntwo\nthree\n", "b": "1\ntwo\nthree\n", "c": "one\ntwo\n3\n"}

    merged = merge_listings(files(x="a"), files(x="b"), files(x="c"), lambda found: texts[found.oid])

    assert (merged.texts, merged.conflicts) == ({"x": "1\ntwo\n3\n"}, [])


def test_a_changed_mode_is_a_change():
    base = files(run="a")
    theirs = {"run": entry("run", "a", executable=True)}

    assert merge_listings(base, dict(base), theirs, lambda _: None).files["run"].executable
