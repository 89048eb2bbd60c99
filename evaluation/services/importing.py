"""Bringing published benchmark data in: folders with a list of hashes become data sets of this hub.

A collection is a folder with `MANIFEST.json` (each file's path, bytes and SHA-256) and `SOURCES.md` (a section a set,
whose text begins `Class A.`, `B.` or `C.`). Only class A may be shown to everybody; the others become private.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accounts.models import User
from evaluation.benchmarks import BadData, external
from evaluation.benchmarks.structures import pinned_clips
from evaluation.exceptions import ImportFault
from evaluation.models import Benchmark
from evaluation.services.benchmarks import DEFINITION_FILE, definition_digest, register_benchmark
from evaluation.services.datasets import Published, publish_dataset
from evaluation.services.suites import variants_of
from models_registry.models import Visibility

CARD = "README.md"
_SECTION = re.compile(r"^## (?P<name>\S+)\s*$(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_CLASS = re.compile(r"^Class (?P<letter>[ABC])\.\s*(?P<licence>.+)$", re.MULTILINE)
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class SourceSet:
    """One folder of a collection: its files as listed, and what its section says of the licence."""

    name: str
    folder: Path
    files: Mapping[str, dict[str, Any]]
    licence_class: str
    licence_text: str

    @property
    def is_public(self) -> bool:
        return self.licence_class == "A"


@dataclass(frozen=True)
class ImportReport:
    """What importing one set did."""

    source: SourceSet
    published: Published
    benchmarks: Sequence[Benchmark] = field(default=())


def read_collection(folder: Path) -> dict[str, SourceSet]:
    """The sets of a collection by name. Reads the lists alone; `import_set` checks the data.

    Raises:
        ImportFault: a list is missing or cannot be read, or names a path outside the collection.
    """
    rows = _manifest(folder)
    sections = {match["name"]: match["text"] for match in _SECTION.finditer(_text(folder / "SOURCES.md"))}
    by_set: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        path = _checked_path(row)
        name, _, inside = path.partition("/")
        if inside:
            by_set.setdefault(name, {})[inside] = row
    return {name: _source_set(folder, name, files, sections.get(name, "")) for name, files in sorted(by_set.items())}


def import_set(*, source: SourceSet, user: User, full: bool = False) -> ImportReport:
    """Check one set against its list, publish it, and make its declared benchmarks active. Safe to repeat.

    Args:
        full: register the sets that take hours as well.

    Raises:
        ImportFault: a file is missing or is not the listed one.
        BenchmarkInvalid: a declaration does not fit the data.
    """
    files: dict[str, Path | bytes] = {path: _checked_file(source, path, row) for path, row in source.files.items()}
    declarations = [row for row in declarations_for(source) if full or not external.is_full(row)]
    for path, sha256 in clips_of(declarations, source.folder):
        files[path] = _checked_file(source, path, {"sha256": sha256})
    for place, declaration in enumerate(declarations):
        name = DEFINITION_FILE if place == 0 else f"benchmark-{declaration['id']}.json"
        files[name] = _json(declaration)
    files[CARD] = card(source, declarations).encode()
    published = publish_dataset(
        user=user,
        name=source.name,
        files=files,
        visibility=Visibility.PUBLIC if source.is_public else Visibility.PRIVATE,
        title=f"Import {source.name}",
    )
    registered = [
        register_benchmark(repository=published.repository, commit=published.commit, definition=variant)
        for declaration in declarations
        for variant in variants_of(declaration)
    ]
    return ImportReport(source, published, registered)


def clips_of(declarations: Sequence[Mapping[str, Any]], folder: Path) -> Iterator[tuple[str, str]]:
    """The clips, with their SHA-256, that the sets' own lists pin. The lists have been checked.

    Raises:
        ImportFault: a list names a clip outside its set, or no hash.
    """
    for declared in declarations:
        for file in declared["files"] if declared["reader"] == "wav_manifest" else ():
            try:
                yield from pinned_clips((folder / file["path"]).read_bytes(), file["path"])
            except BadData as error:
                raise ImportFault(path=file["path"], reason=str(error)) from error


def is_imported(name: str, *, full: bool = False) -> bool:
    """Whether every benchmark that we declare over a set is active here as we declare it today."""
    declared = [external.declaration(each) for each in external.names() if external.set_of(each) == name]
    wanted = [variant for row in declared if full or not external.is_full(row) for variant in variants_of(row)]
    active = dict(Benchmark.objects.active().values_list("key", "definition_sha256"))
    return bool(wanted) and all(active.get(row["id"]) == definition_digest(row) for row in wanted)


def declarations_for(source: SourceSet) -> list[dict[str, Any]]:
    """The declarations that we bring along for exactly these files."""
    known = [external.declaration(name) for name in external.names()]
    return [declared for declared in known if all(_is_listed(source, file) for file in declared["files"])]


def card(source: SourceSet, declarations: Sequence[Mapping[str, Any]]) -> str:
    """The data set's card: licence and origin, in front matter for programs and in words for people."""
    languages = sorted({language for declared in declarations for language in declared["language"]})
    licences = sorted({str(declared["licence"]) for declared in declarations})
    front: dict[str, Any] = {"license": licences[0].lower() if len(licences) == 1 and source.is_public else "other"}
    if not source.is_public:
        front["license_name"] = licences[0] if licences else "see-card"
    if languages:
        front["language"] = languages
    front["tags"] = ["benchmark", f"licence-class-{source.licence_class.lower() or 'unknown'}"]
    title = declarations[0]["title"] if declarations else source.name
    lines = ["---", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items()), "---", ""]
    lines += [f"# {title}", "", _purpose(declarations), "", "## Licence", "", _licence_sentence(source), ""]
    lines += ["## Origin", "", "| file | source | commit | rows | bytes | SHA-256 | conversion |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
    lines += [_origin_row(path, row) for path, row in sorted(source.files.items())]
    return "\n".join(lines) + "\n"


def _purpose(declarations: Sequence[Mapping[str, Any]]) -> str:
    if not declarations:
        return "Kept as a data set. No benchmark of this hub reads it yet."
    words = "; ".join(
        f"{declared['title']} (`{declared['id']}`, {declared['main_metric']})" for declared in declarations
    )
    return f"Imported to measure models with: {words}. What is measured, and how, is declared in `{DEFINITION_FILE}`."


def _licence_sentence(source: SourceSet) -> str:
    if not source.licence_class:
        return "The collection states no licence for this set, so it is kept private."
    rule = {
        "A": "Class A: it may be passed on under its licence.",
        "B": "Class B: for research or non-commercial use; kept private here.",
        "C": "Class C: published for research without a stated licence; kept private here.",
    }[source.licence_class]
    return f"{rule} {source.licence_text}"


def _origin_row(path: str, row: Mapping[str, Any]) -> str:
    cells = [
        path,
        row.get("repo"),
        row.get("commit"),
        row.get("rows"),
        row.get("bytes"),
        row["sha256"],
        row.get("conversion"),
    ]
    return "| " + " | ".join(_cell(value) for value in cells) + " |"


def _cell(value: Any) -> str:
    return "" if value is None else " ".join(str(value).replace("|", "\\|").split())


def _is_listed(source: SourceSet, file: Mapping[str, Any]) -> bool:
    row = source.files.get(str(file["path"]))
    return row is not None and row["sha256"] == file["sha256"]


def _source_set(folder: Path, name: str, files: dict[str, dict[str, Any]], section: str) -> SourceSet:
    found = _CLASS.search(section)
    letter, licence = (found["letter"], found["licence"].strip()) if found else ("", "")
    return SourceSet(name, folder / name, files, letter, licence)


def _manifest(folder: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(_text(folder / "MANIFEST.json"))
    except ValueError as error:
        raise ImportFault(path="MANIFEST.json", reason="it is not JSON.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ImportFault(path="MANIFEST.json", reason="it is not a list of files.")
    return rows


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ImportFault(path=path.name, reason="it cannot be read.") from error


def _checked_path(row: Mapping[str, Any]) -> str:
    path, sha256 = row.get("file"), row.get("sha256")
    if not isinstance(path, str) or not all(_PART.fullmatch(part) for part in path.split("/")):
        raise ImportFault(path=str(path)[:200], reason="it is not a plain relative path.")
    if not isinstance(sha256, str) or not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ImportFault(path=path, reason="the list gives no SHA-256 for it.")
    return path


def _checked_file(source: SourceSet, path: str, row: Mapping[str, Any]) -> Path:
    found = source.folder / path
    name = f"{source.name}/{path}"
    if not found.is_file() or not found.resolve().is_relative_to(source.folder.resolve()):
        raise ImportFault(path=name, reason="it is listed but not there.")
    with found.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    if sha256 != row["sha256"]:
        raise ImportFault(path=name, reason=f"its SHA-256 is {sha256}, not the listed {row['sha256']}.")
    return found


def _json(declaration: Mapping[str, Any]) -> bytes:
    return (json.dumps(declaration, indent=2, ensure_ascii=False) + "\n").encode()
