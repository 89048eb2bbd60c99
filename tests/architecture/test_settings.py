"""Every variable that the product reads is documented with its true default, and nothing else is."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.tree import parsed, product, text, tracked

PAGE = Path("docs/operations.md")
READERS = {"env_str", "env_bool", "env_int", "env_bytes", "env_list", "database_from_url"}
# Read by what we run rather than by us, and worth a line on the page all the same.
READ_BY_OTHERS = {"DJANGO_SETTINGS_MODULE", "HF_ENDPOINT", "HF_TOKEN", "PIP_EXTRA_INDEX_URL"}
# Set for a child process, or by the system; nobody chooses them.
NOT_SETTINGS = {
    "HOME",
    "PATH",
    "LANG",
    "LC_ALL",
    "TERM",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "PYTHONUNBUFFERED",
    "NO_COLOR",
    "COLUMNS",
}
NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")


@dataclass(frozen=True)
class Read:
    """One place where a variable is read; `default` is a literal, or None if it is computed."""

    name: str
    default: object
    path: Path


def reads() -> list[Read]:
    found = []
    for path in [path for path in product() if path != Path("hub/settings/test.py")]:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call):
                found += read_by_call(node, path)
            elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
                found += [Read(name, None, path) for name in constant(node.slice)]
    scripts = [path for path in tracked() if path.parts[0] == "scripts" or path.name == "Makefile"]
    for path in scripts:
        for name in re.findall(r"\$\{(SMALLHUB_[A-Z_]+)", text(path)):
            found.append(Read(name, None, path))
    return found


def read_by_call(node: ast.Call, path: Path) -> list[Read]:
    called = ast.unparse(node.func)
    by_reader = called.rsplit(".", 1)[-1] in READERS
    by_hand = called in {"os.environ.get", "os.getenv", "os.environ.setdefault", "os.environ.pop"}
    if not node.args or not (by_reader or by_hand):
        return []
    default = constant(node.args[1]) if len(node.args) > 1 else []
    if len(node.args) == 1 and called.endswith("env_str"):
        default = [""]
    return [
        Read(name, default[0] if default else None, path)
        for name in constant(node.args[0])
        if NAME.fullmatch(str(name))
    ]


def constant(node: ast.expr) -> list:
    return [node.value] if isinstance(node, ast.Constant) else []


def read_names() -> set[str]:
    return {str(read.name) for read in reads()} - NOT_SETTINGS


def rows() -> dict[str, list[str]]:
    """The tables of the page: name → cells."""
    found = {}
    for line in text(PAGE).splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        match = re.fullmatch(r"`([A-Z][A-Z0-9_]+)`", cells[0]) if line.startswith("|") else None
        if match:
            assert match[1] not in found, f"{match[1]} is documented twice."
            found[match[1]] = cells
    return found


def test_the_reader_of_this_test_finds_settings():
    names = read_names()
    assert {"SMALLHUB_DATA", "DATABASE_URL", "CELERY_BROKER_URL", "SMALLHUB_ENDPOINT", "SMALLHUB_TEST_WORKERS"} <= names


def test_every_setting_is_documented():
    missing = read_names() - set(rows())
    assert not missing, f"Write a row in {PAGE} for: {', '.join(sorted(missing))}"


def test_nothing_is_documented_that_does_not_exist():
    extra = set(rows()) - read_names() - READ_BY_OTHERS
    assert not extra, f"Nothing reads: {', '.join(sorted(extra))}"


def test_rows_say_type_default_and_meaning():
    short = [name for name, cells in rows().items() if len(cells) != 4 or not all(cells)]
    assert not short


@pytest.mark.parametrize(
    "read",
    [read for read in reads() if isinstance(read.default, str | int | bool) and read.default != ""],
    ids=lambda read: read.name,
)
def test_documented_defaults_are_true(read: Read):
    if read.name in NOT_SETTINGS:
        return
    default = str(int(read.default)) if isinstance(read.default, bool) else str(read.default)
    written = rows()[read.name][2].replace("`", "").replace("\u00a0", " ")
    assert default in written, f"{read.name} defaults to {default} ({read.path}), the page says {written}"


def test_other_pages_name_only_variables_that_exist():
    of_tests = {f"SMALLHUB_{name}" for name in ("REQUIRE_ALL", "ONLY_SERVERS", "KILLS", "POISON_JOBS")}
    known = read_names() | set(rows()) | NOT_SETTINGS | of_tests
    wrong = []
    for path in tracked():
        if path.suffix == ".md" and (path.parts[0] in {"docs", "client", "deploy"} or len(path.parts) == 1):
            names = set(re.findall(r"\b(?:SMALLHUB|CELERY|DATABASE)_[A-Z_]+\b", text(path)))
            wrong += [f"{path}: {name}" for name in sorted(names - known)]
    assert not wrong, "\n".join(wrong)
