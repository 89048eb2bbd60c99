import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_registry.paths import clash, path_fault


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        ".gitattributes",
        "a/b/c.txt",
        "模型/说明.md",
        "model-00001-of-00002.safetensors",
        "a b.txt",
        "1_Pooling/config.json",
    ],
)
def test_ordinary_paths_are_allowed(path: str) -> None:
    assert path_fault(path) is None


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/etc/passwd", "a//b", "a/", "../x", "a/../b", "a/..", ".", "./a", "a/./b", "..", "a\\b", "..\\x",
        "C:/x", "c:x", "\\\\host\\share", ".smallhub/manifest.json", ".SmallHub", ".git", ".git/config",
        "a/.git/hooks/x", ".GIT/x", "git~1/x", ".git./x",
        ".git /x", ".git::$INDEX_ALLOCATION/x", "\uff0egit/x", "a\x00b", "a\nb",
        "a\x1bb", "a\u200bb", "a\u202eb", ".g\u200cit/x", "con", "NUL.txt",
        "a/aux.json", "COM1", "a.", "a ", " a", "a/b ", "a<b",
        "a|b", "a?b", "a*b", 'a"b', "a:b", "x" * 256, "a/" * 40 + "b",
        "é" * 600, "\ud800",
    ],
)  # fmt: skip
def test_what_any_file_system_reads_otherwise_is_refused(path: str) -> None:
    assert path_fault(path)


@given(st.text(max_size=60))
def test_an_allowed_path_stays_inside_its_folder(path: str) -> None:
    import posixpath

    if path_fault(path) is None:
        joined = posixpath.normpath(posixpath.join("/root", path))
        assert joined.startswith("/root/")
        assert not joined.startswith("/root/.git/")


@pytest.mark.parametrize(
    "paths",
    [
        ["README.md", "readme.md"],
        ["stra\u00dfe", "STRASSE"],
        ["caf\u00e9", "cafe\u0301"],
        ["a", "a/b"],
        ["A/x", "a/y"],
        ["ﬁle", "file"],
    ],
)
def test_paths_that_some_file_system_takes_for_one_clash(paths: list[str]) -> None:
    assert clash(paths) is not None


def test_paths_that_differ_do_not_clash() -> None:
    assert clash(["a/b", "a/c", "b", "d/a/b"]) is None
