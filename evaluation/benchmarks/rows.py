"""Readers of plain files: one row for each line, article or piece. A row is columns by name or number."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Columns = Mapping[Any, Any]
RowReader = Callable[[bytes, Mapping[str, Any]], Iterator[Columns]]

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_HEADING = re.compile(r" = [^=].* = ?")


class BadData(ValueError):
    """The set's files are not those of its declaration, or a row cannot be read."""


def decoded(content: bytes, arguments: Mapping[str, Any]) -> str:
    encoding = str(arguments.get("encoding", "utf-8"))
    if encoding not in ("utf-8", "latin-1"):
        raise BadData(f"The encoding {encoding!r} is not read.")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadData(f"A file is not {encoding} (byte {error.start:,}).") from error


def lines_of(content: bytes, arguments: Mapping[str, Any]) -> list[str]:
    """Lines without their breaks; only a line feed ends a line, since data hold other separators."""
    lines = decoded(content, arguments).split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _jsonl(content: bytes, arguments: Mapping[str, Any]) -> Iterator[Columns]:
    for number, line in enumerate(lines_of(content, arguments)):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BadData(f"Line {number + 1} is not JSON.") from error
        if not isinstance(row, dict):
            raise BadData(f"Line {number + 1} is not an object.")
        yield row


def _csv(content: bytes, arguments: Mapping[str, Any]) -> Iterator[Columns]:
    """Quoted, comma-separated rows. With `header` columns have names, without they have numbers from 0."""
    reader = csv.reader(io.StringIO(decoded(content, arguments), newline=""), strict=True)
    try:
        yield from _table(reader, arguments)
    except csv.Error as error:
        raise BadData(f"Line {reader.line_num} cannot be read: {error}.") from error


def _tsv(content: bytes, arguments: Mapping[str, Any]) -> Iterator[Columns]:
    """Tab-separated rows, without quoting."""
    yield from _table((line.split("\t") for line in lines_of(content, arguments)), arguments)


def _table(rows: Iterator[list[str]], arguments: Mapping[str, Any]) -> Iterator[Columns]:
    """Every row has as many cells as the first."""
    width, names = 0, None
    for number, row in enumerate(rows, start=1):
        width = width or len(row)
        if len(row) != width:
            raise BadData(f"Row {number} has {len(row)} cells, not {width}.")
        if names is None and arguments.get("header"):
            names = row
            continue
        yield dict(zip(names, row, strict=True)) if names else dict(enumerate(row))


def _labelled_lines(content: bytes, arguments: Mapping[str, Any]) -> Iterator[Columns]:
    """`label text` lines. `label_until` cuts a fine label to its coarse part (NUM:dist to NUM)."""
    for number, line in enumerate(lines_of(content, arguments)):
        label, separator, text = line.partition(" ")
        if not separator:
            raise BadData(f"Line {number + 1} has no label.")
        if until := arguments.get("label_until"):
            label = label.split(str(until))[0]
        yield {"label": label, "text": text}


def _articles(content: bytes, arguments: Mapping[str, Any]) -> Iterator[Columns]:
    """A text of articles that each begin with a heading line ` = Title = `: one row per article, breaks kept."""
    article: list[str] = []
    for line in _LINE.findall(decoded(content, arguments)):
        if _HEADING.fullmatch(line.rstrip("\n")) and any(part.strip() for part in article):
            yield {"text": "".join(article)}
            article = []
        article.append(line)
    if article:
        yield {"text": "".join(article)}


def _characters(content: bytes, arguments: Mapping[str, Any]) -> Iterator[Columns]:
    """The last share of a text's characters, cut into pieces of `piece` characters."""
    text = decoded(content, arguments)
    kept = text[int(len(text) * (1 - float(arguments.get("last", 1.0)))) :]
    piece = int(arguments.get("piece", 5000))
    for start in range(0, len(kept), piece):
        yield {"text": kept[start : start + piece]}


ROW_READERS: dict[str, RowReader] = {
    "jsonl": _jsonl,
    "csv": _csv,
    "tsv": _tsv,
    "labelled_lines": _labelled_lines,
    "articles": _articles,
    "characters": _characters,
}
