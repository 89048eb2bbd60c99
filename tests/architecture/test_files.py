"""The shape of the tree: sizes, mirrors, what Git must not take, and that the project speaks of itself alone."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.tree import BINARY, CLIENT, ROOT, SERVER, parsed, product, text, tracked

MAX_LINES = 500
# A longer file needs its reason here.
LONG_FILES = {
    "evaluation/suites/pairs_en_words.py": "word lists of the grammar pairs, data rather than code",
    "evaluation/suites/pairs_zh_words.py": "word lists of the grammar pairs, data rather than code",
}
CODE = {".py", ".html", ".css", ".js"}


def test_files_have_one_subject():
    lengths = {path.as_posix(): len(text(path).splitlines()) for path in tracked() if path.suffix in CODE}
    long = {name: length for name, length in lengths.items() if length > MAX_LINES and name not in LONG_FILES}
    assert not long, "Ask what the second subject is and give it its own file, or list the reason."
    stale = [name for name in LONG_FILES if lengths.get(name, 0) <= MAX_LINES]
    assert not stale, "These are short enough now; take them off the list."


def test_no_file_is_a_drawer():
    drawers = {"utils.py", "helpers.py", "misc.py", "common.py", "tools.py"}
    assert not [path for path in tracked() if path.name in drawers]


def test_functions_are_short():
    """Fifty lines make one ask for the second subject; eighty make the build ask."""
    long = [
        f"{path}:{node.lineno} {node.name} has {length} lines"
        for path in product()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef) and (length := (node.end_lineno or 0) - node.lineno + 1) > 80
    ]
    assert not long, "\n".join(long)


# Folders of tests that have no code of the same path, each with what they are for.
TESTS_WITHOUT_CODE = {
    "access": "who may do what, at every address",
    "architecture": "rules over the whole tree",
    "contracts": "other people's clients against this hub",
    "data": "cases kept as files",
    "deploy": "the shipped configuration files",
    "factories": "objects for tests",
    "hostile": "names, claims and bytes of strangers, the same at every door",
    "functional": "stories through the browser and the command line",
    "pages": "every page in a real browser",
    "scripts": "the developer's scripts",
    "templates": "rendered pages",
    "redteam": "programs that try to break out of the sandbox",
}


def test_tests_mirror_the_code():
    wrong = []
    for path in tracked():
        if path.parts[0] != "tests" or path.suffix != ".py" or len(path.parts) < 3:
            continue
        if set(path.parts) & set(TESTS_WITHOUT_CODE):
            continue
        folder = Path(*path.parts[1:-1])
        if not ((ROOT / folder).is_dir() or (ROOT / folder.with_suffix(".py")).is_file()):
            wrong.append(f"{path}: there is no {folder}")
    assert not wrong, "\n".join(wrong)


def test_every_test_file_holds_a_test():
    empty = [path for path in tracked() if path.name.startswith("test_") and not re.search(r"def test_", text(path))]
    assert not empty


IGNORED = """
.venv/bin/python data/hub.sqlite3 data/blobs/ab/cd data/secret_key staticfiles/app.css
hub/__pycache__/urls.cpython-311.pyc
client/src/smallhub.egg-info/PKG-INFO client/build/lib/x.py client/dist/smallhub-0.1.0.whl .mypy_cache/x .ruff_cache/x
.pytest_cache/x .hypothesis/x .coverage htmlcov/index.html test-results/shot.png locale/zh_Hans/LC_MESSAGES/django.mo
hub.sqlite3 hub.sqlite3-wal worker.log web.pid .env model.safetensors weights/model.gguf model.onnx a.pt a.pth
pytorch_model.bin a.h5 a.keras a.pkl a.joblib a.npz a.npy
""".split()


@pytest.mark.parametrize("path", IGNORED)
def test_git_takes_no_data_weights_or_caches(path: str):
    answer = subprocess.run(["git", "check-ignore", "-q", "--no-index", path], cwd=ROOT, check=False)
    assert answer.returncode == 0, f"{path} would be taken"


@pytest.mark.parametrize("path", ["hub/urls.py", "evaluation/suites/core/core-text-en/data/test.jsonl", "docs/api.md"])
def test_git_takes_the_source(path: str):
    answer = subprocess.run(["git", "check-ignore", "-q", "--no-index", path], cwd=ROOT, check=False)
    assert answer.returncode == 1, f"{path} is ignored"


def test_no_weights_and_nothing_large_is_kept():
    large = [f"{path} ({size} bytes)" for path in tracked() if (size := (ROOT / path).stat().st_size) > 2 * 2**20]
    assert not large


# The project speaks of itself alone: no place, tool or host of whoever wrote it. Put together from pieces, so that this
# file passes its own test.
ELSEWHERE = re.compile(
    "|".join(
        (
            "/wo" + "rk/",
            "/tmp/" + "build",
            "/opt/py" + "pi",
            "/ho" + r"me/(?!runner\b)[a-z]+/",
            r"\bchat" + "gpt",
            r"\bcla" + "ude",
            r"\banth" + "ropic",
            r"\bcopi" + r"lot\b",
            r"\blanguage-model " + "agent",
            r"co-authored" + "-by",
        )
    ),
    re.IGNORECASE,
)


def test_the_project_speaks_of_itself_alone():
    wrong = []
    for path in tracked():
        if path.suffix in BINARY or path.suffix == ".jsonl":
            continue
        for number, line in enumerate(text(path).splitlines(), 1):
            if ELSEWHERE.search(line):
                wrong.append(f"{path}:{number} {line.strip()[:100]}")
    assert not wrong, "\n".join(wrong)


def test_every_module_says_what_it_is_for():
    mute = [
        path
        for path in product()
        if path.name not in {"__init__.py", "apps.py"} and not ast.get_docstring(parsed(path))
    ]
    assert not mute


def test_code_prints_nothing():
    """Programs speak through their command's output or the log."""
    loud = [
        f"{path}:{node.lineno}"
        for path in product()
        if path.parts[0] in SERVER
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    ]
    assert not loud


def test_the_clients_version_is_the_same_in_both_places():
    """The package must know its version without being installed; the build reads its own file."""
    places = (Path("client/pyproject.toml"), Path(CLIENT) / "__init__.py")
    versions = [re.search(r'^(?:version|__version__) = "(\d+\.\d+\.\d+)"', text(path), re.MULTILINE) for path in places]
    assert [found[1] for found in versions if found] == [versions[0][1]] * 2
