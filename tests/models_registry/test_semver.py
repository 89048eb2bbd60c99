import itertools
from functools import cmp_to_key

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry import semver

numbers = st.integers(0, 10**12)
words = st.one_of(
    numbers.map(str),
    st.from_regex(r"[a-zA-Z-][0-9a-zA-Z-]{0,6}", fullmatch=True),
    st.from_regex(r"[0-9]{1,3}[a-zA-Z-]", fullmatch=True),
)
versions = st.tuples(numbers, numbers, numbers, st.lists(words, max_size=4))


def name(version: tuple) -> str:
    major, minor, patch, pre = version
    return f"v{major}.{minor}.{patch}" + (f"-{'.'.join(pre)}" if pre else "")


def compare(left: tuple, right: tuple) -> int:
    """The rules of semver.org, item by item, written anew."""
    if left[:3] != right[:3]:
        return -1 if left[:3] < right[:3] else 1
    a, b = left[3], right[3]
    if not a or not b:
        return (not a) - (not b)
    for x, y in itertools.zip_longest(a, b):
        if x == y:
            continue
        if x is None or y is None:
            return -1 if x is None else 1
        if x.isdigit() and y.isdigit():
            return -1 if int(x) < int(y) else 1
        if x.isdigit() != y.isdigit():
            return -1 if x.isdigit() else 1
        return -1 if x < y else 1
    return 0


@given(st.lists(versions, min_size=2, max_size=8))
def test_keys_sort_as_the_standard_says(found: list[tuple]) -> None:
    expected = sorted(found, key=cmp_to_key(compare))
    assert sorted(found, key=lambda version: semver.precedence(name(version))) == expected


@given(versions)
def test_a_version_is_read_back_as_it_was_written(version: tuple) -> None:
    parsed = semver.parse(name(version))
    assert parsed is not None
    assert f"v{parsed}" == name(version)
    assert parsed.is_prerelease == bool(version[3])


def test_the_example_of_the_standard() -> None:
    order = ["alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1"]
    keys = [semver.precedence(f"1.0.0-{pre}") for pre in order] + [semver.precedence("1.0.0")]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    assert semver.precedence("1.0.0+build.5") == semver.precedence("v1.0.0")


@pytest.mark.parametrize(
    "free", ["", "1", "1.2", "v1.2", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3.4", "winter", "V1.0.0"]
)
def test_other_names_are_free(free: str) -> None:
    assert semver.parse(free) is None
    assert semver.precedence(free) == ""


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], "v1.0.0"),
        (["winter"], "v1.0.0"),
        (["v1.2.3", "v1.10.0"], "v1.11.0"),
        (["0.1.0"], "0.2.0"),
        (["v2.0.0-rc.1", "v1.0.0"], "v2.0.0"),
    ],
)
def test_the_next_version_is_suggested_in_the_same_spelling(names: list[str], expected: str) -> None:
    assert semver.suggest(names) == expected
