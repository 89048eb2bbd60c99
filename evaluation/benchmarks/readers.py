"""Readers: from a set's pinned files to items with a stable id. A file whose hash differs is not read."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from evaluation.benchmarks.definition import Benchmark, DataFile, train_split

MAX_ITEMS = 200_000
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_HEADING = re.compile(r" = [^=].* = ?")


class BadData(ValueError):
    """The set's files are not those of its declaration, or a row cannot be read."""


@dataclass(frozen=True)
class Item:
    """One item by role (`text`, `label`, `good`, `bad`, `context` …). `id` is unique in the set and stable."""

    id: str
    values: Mapping[str, Any]

    def __getitem__(self, role: str) -> Any:
        return self.values[role]


@dataclass(frozen=True)
class Dataset:
    """A benchmark's items, sorted by id. `train` is there only for probes and baselines."""

    items: tuple[Item, ...]
    train: tuple[Item, ...] = field(default=())


Row = tuple[str, Mapping[Any, Any]]


def load(benchmark: Benchmark, folder: Path) -> Dataset:
    """Read a set's files from a folder laid out as its repository.

    Raises:
        BadData: a file is missing or has another hash, a row lacks a field, or an id comes twice.
    """
    test = _split(benchmark, folder, benchmark.split)
    train = _split(benchmark, folder, train_split(benchmark)) if benchmark.scorer == "probe_classification" else ()
    if not test:
        raise BadData(f"The split {benchmark.split!r} of {benchmark.id} has no item.")
    return Dataset(items=test, train=train)


def _split(benchmark: Benchmark, folder: Path, split: str) -> tuple[Item, ...]:
    """All items of one split, sorted by id."""
    kept = _row_filter(benchmark, folder, split)
    rows: list[Row] = []
    # Where rows are listed, one file holds both splits.
    for file in benchmark.files_of(benchmark.split if kept is not None else split):
        read = _READERS[benchmark.reader]
        for number, row in enumerate(read(verified(folder, file), benchmark.reader_args)):
            if kept is None or number in kept:
                rows.append((f"{PurePosixPath(file.path).name}:{number}", row))
    if len(rows) > MAX_ITEMS:
        raise BadData(f"{benchmark.id} has more than {MAX_ITEMS:,} rows.")
    items = sorted((_item(benchmark, row) for row in rows), key=lambda item: item.id)
    for first, second in itertools.pairwise(items):
        if first.id == second.id:
            raise BadData(f"The id {first.id!r} comes twice in {benchmark.id}.")
    return tuple(items)


def verified(folder: Path, file: DataFile) -> bytes:
    """A file's content, if it is the declared one."""
    try:
        content = (folder / file.path).read_bytes()
    except OSError as error:
        raise BadData(f"{file.path} is not there.") from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise BadData(f"{file.path} is not the declared file: its SHA-256 differs.")
    return content


def _item(benchmark: Benchmark, row: Row) -> Item:
    """Pick the declared columns of a row; several columns are joined by a space, labels are renamed if declared."""
    place, columns = row
    values = {}
    for role, column in benchmark.fields.items():
        values[role] = _column(columns, column, place)
    names = benchmark.reader_args.get("label_names")
    if isinstance(names, dict) and "label" in values:
        values["label"] = names.get(str(values["label"]), str(values["label"]))
    identity = values.pop("id", None)
    return Item(id=place if identity is None else str(identity), values=values)


def _column(columns: Mapping[Any, Any], column: Any, place: str) -> Any:
    """One column, or several joined: by a space as text, by a colon as an id (`{"join": […], "by": ":"}`)."""
    if isinstance(column, dict):
        return str(column["by"]).join(str(_column(columns, part, place)) for part in column["join"])
    if isinstance(column, list):
        return " ".join(str(_column(columns, part, place)) for part in column)
    try:
        return columns[column]
    except KeyError as error:
        raise BadData(f"{place} has no column {column!r}.") from error


def _row_filter(benchmark: Benchmark, folder: Path, split: str) -> frozenset[int] | None:
    """Row numbers of a split that is listed in a file of its own; None where a split is a whole file.

    `reader_args.rows` names the file and the key of the test rows. The other rows are the train split.
    """
    rule = benchmark.reader_args.get("rows")
    if rule is None:
        return None
    listed = next((file for file in benchmark.files if file.path == rule["path"]), None)
    if listed is None:
        raise BadData(f"The list of rows {rule['path']!r} is not among the files.")
    table = json.loads(verified(folder, listed))
    chosen = frozenset(table[rule["key"]])
    return chosen if split == benchmark.split else frozenset(range(int(table["n_rows"]))) - chosen


def _decoded(content: bytes, arguments: Mapping[str, Any]) -> str:
    encoding = str(arguments.get("encoding", "utf-8"))
    if encoding not in ("utf-8", "latin-1"):
        raise BadData(f"The encoding {encoding!r} is not read.")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadData(f"A file is not {encoding} (byte {error.start:,}).") from error


def _lines(content: bytes, arguments: Mapping[str, Any]) -> list[str]:
    """Lines without their breaks; only a line feed ends a line, since data hold other separators."""
    lines = _decoded(content, arguments).split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _jsonl(content: bytes, arguments: Mapping[str, Any]) -> Iterator[Mapping[Any, Any]]:
    for number, line in enumerate(_lines(content, arguments)):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BadData(f"Line {number + 1} is not JSON.") from error
        if not isinstance(row, dict):
            raise BadData(f"Line {number + 1} is not an object.")
        yield row


def _csv(content: bytes, arguments: Mapping[str, Any]) -> Iterator[Mapping[Any, Any]]:
    """Quoted, comma-separated rows. With `header` columns have names, without they have numbers from 0."""
    yield from _table(csv.reader(io.StringIO(_decoded(content, arguments), newline="")), arguments)


def _tsv(content: bytes, arguments: Mapping[str, Any]) -> Iterator[Mapping[Any, Any]]:
    """Tab-separated rows, without quoting."""
    yield from _table((line.split("\t") for line in _lines(content, arguments)), arguments)


def _table(rows: Iterator[list[str]], arguments: Mapping[str, Any]) -> Iterator[Mapping[Any, Any]]:
    names = next(rows) if arguments.get("header") else None
    for row in rows:
        yield dict(zip(names, row, strict=True)) if names else dict(enumerate(row))


def _labelled_lines(content: bytes, arguments: Mapping[str, Any]) -> Iterator[Mapping[Any, Any]]:
    """`label text` lines. `label_until` cuts a fine label to its coarse part (NUM:dist to NUM)."""
    for number, line in enumerate(_lines(content, arguments)):
        label, separator, text = line.partition(" ")
        if not separator:
            raise BadData(f"Line {number + 1} has no label.")
        if until := arguments.get("label_until"):
            label = label.split(str(until))[0]
        yield {"label": label, "text": text}


def _articles(content: bytes, arguments: Mapping[str, Any]) -> Iterator[Mapping[Any, Any]]:
    """A text of articles that each begin with a heading line ` = Title = `: one row per article, breaks kept."""
    article: list[str] = []
    for line in _LINE.findall(_decoded(content, arguments)):
        if _HEADING.fullmatch(line.rstrip("\n")) and any(part.strip() for part in article):
            yield {"text": "".join(article)}
            article = []
        article.append(line)
    if article:
        yield {"text": "".join(article)}


def _characters(content: bytes, arguments: Mapping[str, Any]) -> Iterator[Mapping[Any, Any]]:
    """The last share of a text's characters, cut into pieces of `piece` characters."""
    text = _decoded(content, arguments)
    kept = text[int(len(text) * (1 - float(arguments.get("last", 1.0)))) :]
    piece = int(arguments.get("piece", 5000))
    for start in range(0, len(kept), piece):
        yield {"text": kept[start : start + piece]}


_READERS: dict[str, Callable[[bytes, Mapping[str, Any]], Iterator[Mapping[Any, Any]]]] = {
    "jsonl": _jsonl,
    "csv": _csv,
    "tsv": _tsv,
    "labelled_lines": _labelled_lines,
    "articles": _articles,
    "characters": _characters,
}
