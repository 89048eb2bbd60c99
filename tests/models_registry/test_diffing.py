import itertools
import subprocess
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.diffing import CONTEXT, Hunk, changes, hunks, matches, split_lines, unified
from models_registry.types import Entry, Listing

lines = st.lists(st.sampled_from([b"a", b"b", b"c", b"", b"d\r"]), max_size=14)
texts = lines.map(b"\n".join)


def applied(before: bytes, found: list[Hunk]) -> bytes:
    """What a patch makes of a text: every kept and removed line must be where the hunk says."""
    source, result, position = split_lines(before), [], 0
    for hunk in found:
        kept = [line for line in hunk.lines if line.old is not None]
        until = hunk.old_start - 1 if kept else position + hunk.new_start - 1 - len(result)
        result += source[position:until]
        position = until
        for line in hunk.lines:
            if line.sign != "+":
                assert line.old == position + 1
                assert source[position] == line.text
                position += 1
            if line.sign != "-":
                result.append(line.text)
                assert line.new == len(result)
    return b"".join(result + source[position:])


@given(texts, texts)
def test_a_diff_makes_the_new_text_of_the_old(before: bytes, after: bytes) -> None:
    assert applied(before, hunks(before, after)) == after
    assert applied(after, hunks(after, before)) == before


@given(texts, texts)
def test_equal_texts_have_no_diff_and_others_do(before: bytes, after: bytes) -> None:
    assert (hunks(before, after) == []) == (before == after)


@given(lines, lines)
def test_matches_are_equal_lines_in_order(a: list[bytes], b: list[bytes]) -> None:
    found = matches(a, b)
    assert all(a[i] == b[j] for i, j in found)
    assert all(x < i and y < j for (x, y), (i, j) in itertools.pairwise(found))


@settings(max_examples=25, deadline=None)
@given(texts, texts)
def test_git_takes_our_patches(tmp_path_factory, before: bytes, after: bytes) -> None:
    folder: Path = tmp_path_factory.mktemp("patch")
    (folder / "a.txt").write_bytes(before)
    found = hunks(before, after)
    if not found or not before or not after:
        return
    patch = b"--- a/a.txt\n+++ b/a.txt\n" + b"".join(unified(found))
    subprocess.run(["git", "apply", "--unidiff-zero", "-"], input=patch, cwd=folder, check=True, capture_output=True)
    assert (folder / "a.txt").read_bytes() == after


def test_a_long_text_shows_what_is_near_the_changes() -> None:
    before = b"".join(b"%d\n" % number for number in range(1000))
    after = before.replace(b"\n500\n", b"\nfive hundred\n").replace(b"\n900\n", b"\n")
    first, second = hunks(before, after)
    assert first.header == "@@ -498,7 +498,7 @@"
    assert second.header == "@@ -898,7 +898,6 @@"
    assert len(first.lines) == 2 * CONTEXT + 2


def test_hostile_texts_cost_no_more_than_the_budget() -> None:
    import random
    import time

    chance = random.Random(7)
    a, b = (b"".join(chance.choice([b"x\n", b"y\n"]) for _ in range(20_000)) for _ in range(2))
    start = time.process_time()
    assert applied(a, hunks(a, b)) == b
    assert time.process_time() - start < 10


def listing(**files: str) -> Listing:
    return Listing(files={path: Entry(path=path, oid=oid, size=len(oid), sha256=oid) for path, oid in files.items()})


def test_paths_are_added_removed_changed_and_renamed() -> None:
    found = changes(listing(a="1", b="2", c="3", e="4"), listing(a="1", b="9", d="3", f="5"))
    assert [(change.way, change.old_path, change.path) for change in found] == [
        ("changed", "b", "b"),
        ("renamed", "c", "d"),
        ("removed", "e", "e"),
        ("added", "f", "f"),
    ]


def test_each_lost_file_is_the_source_of_one_new_one_and_empty_files_of_none() -> None:
    found = changes(listing(a="1", x=""), listing(b="1", c="1", y=""))
    assert [(change.way, change.path) for change in found] == [
        ("renamed", "b"),
        ("added", "c"),
        ("removed", "x"),
        ("added", "y"),
    ]


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "2", "3"])),
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "2", "3"])),
)
def test_changes_turn_one_listing_into_the_other(old: dict[str, str], new: dict[str, str]) -> None:
    result = dict(old)
    found = changes(listing(**old), listing(**new))
    for change in found:
        if change.before is not None:
            assert result.pop(change.old_path) == change.before.oid
    for change in found:
        if change.after is not None:
            result[change.path] = change.after.oid
    assert result == new
