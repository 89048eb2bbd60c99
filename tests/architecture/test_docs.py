"""Documentation is kept true: links lead somewhere, commands exist, the wire's table covers every entry."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from tests.architecture.tree import ROOT, text, tracked

PAGES = [
    path for path in tracked() if path.suffix == ".md" and path.parts[0] not in {"evaluation", "tests", "training"}
]
SCHEMES = ("http://", "https://", "mailto:", "#")


def without_code(body: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", body, flags=re.DOTALL)


def shell_blocks(body: str) -> str:
    """What readers are told to type."""
    return "\n".join(re.findall(r"```sh\n(.*?)```", body, flags=re.DOTALL))


def headings(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", without_code(text(path)), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_there_is_documentation():
    assert {"README.md", "docs/operations.md", "docs/architecture.md", "docs/api.md"} <= {str(path) for path in PAGES}


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_relative_links_lead_somewhere(path: Path):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text(path))):
        if target.startswith(SCHEMES):
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name).as_posix()
        if not (ROOT / found).exists() or (anchor and anchor not in headings(Path(found))):
            broken.append(target)
    assert not broken


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", text(Path("Makefile")), flags=re.MULTILINE))


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_make_targets_exist(path: Path):
    named = re.findall(
        r"(?:^|`|\s)make ([a-z-]+)", shell_blocks(text(path)) + "\n".join(re.findall(r"`[^`\n]+`", text(path)))
    )
    assert not set(named) - targets()


def commands() -> Iterator[tuple[Path, str, str]]:
    """(page, command, arguments) of each `manage.py …` on a page."""
    for path in PAGES:
        for name, rest in re.findall(r"manage\.py ([a-z_]+)([^`\n|]*)", text(path)):
            yield path, name, rest


def test_manage_commands_and_their_options_exist():
    wrong = []
    known = get_commands()
    for path, name, rest in commands():
        if name not in known:
            wrong.append(f"{path}: manage.py {name}")
            continue
        command = load_command_class(known[name], name) if isinstance(known[name], str) else known[name]
        options = set(command.create_parser("manage.py", name)._option_string_actions)
        given = re.findall(r"(--[a-z][a-z-]*)", rest)
        wrong += [f"{path}: manage.py {name} {option}" for option in given if option not in options]
    assert not wrong


def test_our_own_commands_are_documented():
    ours = {
        name
        for name, app in get_commands().items()
        if isinstance(app, str) and not app.startswith(("django", "drf", "rest"))
    }
    documented = {name for path, name, _ in commands() if str(path) == "docs/operations.md"}
    assert not ours - documented


def test_options_of_the_client_exist():
    """`smallhub …` in a page names commands and options of the command line as it is."""
    from smallhub.cli import _parser

    parser = _parser()
    (subparsers,) = (
        action for action in parser._actions if hasattr(action, "choices") and isinstance(action.choices, dict)
    )
    wrong = []
    for path in PAGES:
        for name, rest in re.findall(r"(?:^|`|/bin/)smallhub ([a-z]+)([^`\n|#]*)", text(path), flags=re.MULTILINE):
            if name not in subparsers.choices:
                wrong.append(f"{path}: smallhub {name}")
                continue
            options = set(subparsers.choices[name]._option_string_actions)
            given = re.findall(r"(?:^|\s)(--?[a-z][a-z-]*)", rest)
            wrong += [f"{path}: smallhub {name} {option}" for option in given if option not in options]
    assert not wrong


def test_files_named_in_pages_exist():
    """A path in backticks that looks like one of ours is one of ours."""
    roots = {path.parts[0] for path in tracked() if len(path.parts) > 1}
    wrong = []
    for path in PAGES:
        if path.parts[0] == "client":
            continue
        names = [name for name in re.findall(r"`([\w./-]+)`", text(path)) if "/" in name]
        ours = [name for name in names if name.split("/")[0] in roots - {"data"}]
        wrong += [f"{path}: {name}" for name in ours if not (ROOT / name).exists()]
    assert not wrong


def test_addresses_named_in_the_api_page_exist():
    from django.urls import Resolver404, resolve

    page = text(Path("docs/api.md"))
    wrong = []
    for address in re.findall(r"`GET (/api/v1/[^`]*)`", page):
        for kind in ("models", "apps"):
            tried = (
                address.replace("{models,datasets,apps}", kind).replace("{kind}", kind).replace("{sha256}", "0" * 64)
            )
            tried = re.sub(r"\{\w+\}", "x", tried)
            try:
                resolve(tried)
            except Resolver404:
                wrong.append(address)
    assert "/api/v1/benchmarks" in page
    assert not wrong


def wire_rows() -> dict[str, list[str]]:
    rows = [
        line.strip().strip("|").split("|") for line in text(Path("docs/api.md")).splitlines() if line.startswith("| E")
    ]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in rows}


def test_every_entry_of_the_wire_has_a_row_once():
    rows = [line for line in text(Path("docs/api.md")).splitlines() if re.match(r"\| E\d\d ", line)]
    assert [row[2:5] for row in rows] == [f"E{number:02d}" for number in range(1, 81)]


def test_entries_that_code_serves_are_said_to_be_here_and_the_others_not():
    """Doors name their entry in the first words of their docstring: `E38. …`, or `(E34 to E36, E66)` for a module."""
    said = set()
    for path in tracked():
        if path.suffix == ".py" and "api" in path.parts and path.parts[0] in {"accounts", "models_registry"}:
            said |= set(re.findall(r'"""(E\d\d)[.,]', text(path)))
            said |= set(re.findall(r'""" ?E\d\d, (E\d\d)\.', text(path)))
    here = {entry for entry, cells in wire_rows().items() if cells[1].startswith("here")}
    assert said - here - {"E60"} == set(), "served, but not said to be here"
    grouped = {"E13", "E14", "E15", "E24", "E26", "E44", "E61"}  # One view serves several, or names them in its module.
    assert here - said - grouped == set(), "said to be here, but no code says that it serves them"


def test_tests_named_in_the_wires_table_exist_and_are_given_for_all_that_is_here():
    wrong = []
    for entry, (_, state, test) in wire_rows().items():
        named = re.fullmatch(r"`([^`]+)`", test)
        if state.startswith("here") and (named is None or not (ROOT / named[1]).is_file()):
            wrong.append(entry)
    assert not wrong


def test_every_signal_is_listed():
    listed = text(Path("docs/architecture.md"))
    missing = []
    for path in tracked():
        if path.name == "signals.py" and path.parts[0] != "tests":
            names = re.findall(r"^(\w+) = Signal\(", text(path), flags=re.MULTILINE)
            module = ".".join(path.with_suffix("").parts)
            missing += [name for name in names if f"{module}.{name}" not in listed]
    assert not missing


def test_decisions_are_numbered_without_gaps():
    records = sorted(path.name for path in tracked() if path.parent.as_posix() == "docs/decisions")
    assert [int(name[:4]) for name in records] == list(range(1, len(records) + 1))
    for name in records:
        assert text(Path("docs/decisions") / name).startswith(f"# {int(name[:4])}. ")
