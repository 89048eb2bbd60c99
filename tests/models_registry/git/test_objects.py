"""Our objects are Git's: git itself is the judge."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.git import objects
from models_registry.types import Entry
from tests.requirements import require

SHA = "a" * 64


def git(folder: Path, *arguments: str, data: bytes | None = None) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, input=data, capture_output=True, check=True)
    return done.stdout.decode().strip()


def test_blobs_trees_and_commits_have_the_ids_that_git_gives(tmp_path: Path) -> None:
    require("git")
    git(tmp_path, "init", "-q")
    files = {"a.txt": b"a\n", "d/b.txt": b"b\n", "d/e/c": b"", "d.txt": "é\n".encode()}
    for path, body in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(body)
    (tmp_path / "d/b.txt").chmod(0o755)
    git(tmp_path, "add", "-A")
    tree = git(tmp_path, "write-tree")

    root, folders, trees = objects.build_trees(
        Entry(path, objects.blob_oid(body), len(body), "", executable=path == "d/b.txt") for path, body in files.items()
    )

    assert root == tree
    assert folders["d/e"] == git(tmp_path, "rev-parse", f"{tree}:d/e")
    assert len(trees) == 3
    made = objects.build_commit(
        tree=root,
        parents=[],
        author="ada",
        email="a@b",
        title="Title",
        body="Body.",
        at=datetime(2024, 1, 2, tzinfo=UTC),
    )
    assert git(tmp_path, "hash-object", "-t", "commit", "-w", "--stdin", data=made.as_raw_string()) == made.id.decode()


def test_names_cannot_break_out_of_a_commits_author_line() -> None:
    made = objects.build_commit(
        tree="1" * 40,
        parents=[],
        author="a <evil>\nx",
        email="b>\n",
        title="t",
        body="",
        at=datetime(2024, 1, 2, tzinfo=UTC),
    )
    assert made.author.count(b"<") == made.author.count(b">") == 1
    assert b"\n" not in made.author


@given(st.integers(0, 10**15))
def test_a_pointer_is_read_back(size: int) -> None:
    pointer = objects.Pointer(sha256=SHA, size=size)
    assert objects.read_pointer(pointer.text()) == pointer


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:../../x\nsize 1\n",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"A" * 64 + b"\nsize 1\n",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize -1\n",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 1\n" + b"x" * 2000,
    ],
)
def test_what_is_no_pointer_is_ordinary_content(text: bytes) -> None:
    assert objects.read_pointer(text) is None
