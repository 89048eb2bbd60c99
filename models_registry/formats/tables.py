"""Rows of CSV, JSON and text files, read as a stream from any place that an earlier page ended at. Pure.

Nothing here holds a file whole but for a JSON array, which has no place to start from but its beginning. What a file
breaks is told with the row it happens in; the rows before it are given.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models_registry.formats import config_json
from models_registry.formats.errors import BadFormat, printable

Opener = Callable[[int], Iterator[bytes]]

MAX_RECORD_BYTES = 4 * 2**20
MAX_DOCUMENT_BYTES = 16 * 2**20
MAX_COLUMNS = 500
_LIMITS = config_json.JsonLimits(MAX_RECORD_BYTES, depth=32)
_DOCUMENT_LIMITS = config_json.JsonLimits(MAX_DOCUMENT_BYTES, depth=32)


@dataclass(frozen=True)
class Source:
    """One file: how to read it from a byte on, its size, and its format (csv, json or text)."""

    path: str
    size_bytes: int
    format: str
    open_at: Opener
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Where reading goes on: the number of the file, the byte in it, and how many rows of the split came before."""

    file: int = 0
    offset: int = 0
    row: int = 0


@dataclass(frozen=True)
class Row:
    """One row. `number` counts from 0 within the split."""

    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """Some rows of a split.

    Attributes:
        next: where the next page starts; None at the end.
        scanned: rows that were looked at for this page, found or not.
        fault: why reading stopped before the end, for people; empty else.
    """

    rows: tuple[Row, ...]
    next: Place | None
    scanned: int = 0
    fault: str = ""


def read_page(
    sources: Sequence[Source], start: Place, *, limit: int, query: str = "", budget_bytes: int = 16 * 2**20
) -> Page:
    """The next `limit` rows from a place on, or of those the ones that hold `query` in any cell, in any case.

    Args:
        budget_bytes: how much is read at most for one page; a search over more goes on at `Page.next`.
    """
    needle = query.casefold()
    rows: list[Row] = []
    place, spent = start, 0
    while place.file < len(sources):
        source = sources[place.file]
        before = place.offset
        try:
            for values, end in _records(source, place.offset):
                number, place = place.row, Place(place.file, end, place.row + 1)
                if not needle or holds(values, needle):
                    rows.append(Row(number, values))
                if len(rows) == limit or spent + place.offset - before >= budget_bytes:
                    return Page(tuple(rows), _onward(sources, place), place.row - start.row)
        except BadFormat as error:
            fault = f"{source.path}, row {place.row + 1:,}: {error.detail}"
            return Page(tuple(rows), None, place.row - start.row, fault)
        spent += max(0, place.offset - before)
        place = Place(place.file + 1, 0, place.row)
    return Page(tuple(rows), None, place.row - start.row)


def holds(values: Mapping[str, Any], needle: str) -> bool:
    """Does any cell hold this text (already casefolded)?"""
    return any(needle in as_text(value).casefold() for value in values.values())


def as_text(value: Any) -> str:
    """A cell as one text: JSON for what has a structure, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _onward(sources: Sequence[Source], place: Place) -> Place | None:
    """The place itself, or the start of the next file, or nothing after the last byte."""
    while place.file < len(sources) and place.offset >= sources[place.file].size_bytes:
        place = Place(place.file + 1, 0, place.row)
    return place if place.file < len(sources) else None


def _records(source: Source, offset: int) -> Iterator[tuple[Mapping[str, Any], int]]:
    """The rows of a file from a byte on, each with where the next one starts.

    Raises:
        BadFormat: a row breaks the format, or is too long.
    """
    match source.format:
        case "csv":
            return _csv(source, offset)
        case "json":
            return _json(source, offset)
        case "text":
            return ((({"text": line}), end) for line, end in _text_lines(source, offset))
    raise BadFormat("no_table", f"{printable(source.path)} is not read as a table.")


def _lines(source: Source, offset: int) -> Iterator[tuple[bytes, int]]:
    """Lines with their ends, and the byte after each. Only a line feed ends a line."""
    pending, at = bytearray(), offset
    for piece in source.open_at(offset):
        pending += piece
        start = 0
        while (end := pending.find(b"\n", start)) >= 0:
            line = bytes(pending[start : end + 1])
            start = end + 1
            at += len(line)
            yield line, at
        del pending[:start]
        if len(pending) > MAX_RECORD_BYTES:
            raise BadFormat("row_too_long", f"A line is longer than {MAX_RECORD_BYTES >> 20} MiB.")
    if pending:
        yield bytes(pending), at + len(pending)


def _text_lines(source: Source, offset: int) -> Iterator[tuple[str, int]]:
    for line, end in _lines(source, offset):
        yield _decoded(line, first=offset == 0 and end == len(line)).rstrip("\r\n"), end


def _decoded(line: bytes, *, first: bool) -> str:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadFormat("not_utf8", "It is not UTF-8.") from error
    return text.removeprefix("\ufeff") if first else text


def _json(source: Source, offset: int) -> Iterator[tuple[Mapping[str, Any], int]]:
    """JSON lines; or one document that holds a list of objects, whose offsets count objects instead of bytes."""
    if _is_document(source):
        return _document(source, offset)
    return _json_lines(source, offset)


def _json_lines(source: Source, offset: int) -> Iterator[tuple[Mapping[str, Any], int]]:
    for line, end in _lines(source, offset):
        if line.strip():
            yield config_json.parse_object(line.strip().removeprefix(b"\xef\xbb\xbf"), limits=_LIMITS), end


def _is_document(source: Source) -> bool:
    """A file whose first line is not an object of its own."""
    if "field" in source.options:
        return True
    line = next((line for line, _ in _lines(source, 0) if line.strip()), b"")
    head = line.strip().removeprefix(b"\xef\xbb\xbf")
    if not head.startswith(b"{"):
        return bool(head)
    try:
        config_json.parse_object(head, limits=_LIMITS)
    except BadFormat:
        return source.size_bytes <= MAX_DOCUMENT_BYTES and not source.path.endswith((".jsonl", ".ndjson"))
    return False


def _document(source: Source, offset: int) -> Iterator[tuple[Mapping[str, Any], int]]:
    """The objects of a JSON array. The last one ends where the file ends, so that callers see the end."""
    if source.size_bytes > MAX_DOCUMENT_BYTES:
        raise BadFormat("too_large", f"A JSON document over {MAX_DOCUMENT_BYTES >> 20} MiB is not shown.")
    value = config_json.parse(b"".join(source.open_at(0)), limits=_DOCUMENT_LIMITS)
    field = source.options.get("field")
    if isinstance(value, dict) and isinstance(field, str):
        value = value.get(field)
    items = value if isinstance(value, list) else [value]
    for number in range(offset, len(items)):
        item = items[number]
        if not isinstance(item, dict):
            raise BadFormat("not_a_table", "Not every entry is an object.")
        yield item, number + 1 if number + 1 < len(items) else max(source.size_bytes, len(items))


def _csv(source: Source, offset: int) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Rows of a CSV file with a header line, unless the card names the columns."""
    names, body = _header(source)
    reader = _CsvReader(source, max(offset, body))
    for cells, end in reader:
        if not cells:
            continue
        if len(cells) > len(names):
            raise BadFormat("too_many_cells", f"A row has {len(cells)} cells, the header {len(names)}.")
        padded = cells + [""] * (len(names) - len(cells))
        yield dict(zip(names, padded, strict=True)), end


def _header(source: Source) -> tuple[list[str], int]:
    """The names of the columns, and where the rows begin."""
    given = source.options.get("column_names")
    if isinstance(given, list) and given:
        return [str(name) for name in given][:MAX_COLUMNS], 0
    cells, end = next(iter(_CsvReader(source, 0)), ([], 0))
    if len(cells) > MAX_COLUMNS:
        raise BadFormat("too_many_columns", f"It has {len(cells)} columns; {MAX_COLUMNS} are shown at most.")
    names: list[str] = []
    for number, cell in enumerate(cells):
        name = cell or f"column {number + 1}"
        names.append(name if name not in names else f"{name}.{number}")
    return names, end


class _CsvReader:
    """The standard reader over lines that it takes one by one, so that the byte after each row is known."""

    def __init__(self, source: Source, offset: int) -> None:
        self._lines = _text_of(source, offset)
        self._end = offset
        self._separator = _separator(source.options)

    def __iter__(self) -> Iterator[tuple[list[str], int]]:
        if csv.field_size_limit() < MAX_RECORD_BYTES:
            csv.field_size_limit(MAX_RECORD_BYTES)
        try:
            for cells in csv.reader(self._taken(), delimiter=self._separator):
                yield cells, self._end
        except csv.Error as error:
            raise BadFormat("bad_csv", f"{str(error).capitalize()}.") from error

    def _taken(self) -> Iterator[str]:
        for text, end in self._lines:
            self._end = end
            yield text


def _text_of(source: Source, offset: int) -> Iterator[tuple[str, int]]:
    for line, end in _lines(source, offset):
        yield _decoded(line, first=offset == 0 and end == len(line)), end


def _separator(options: Mapping[str, Any]) -> str:
    value = options.get("sep", options.get("delimiter", ","))
    if not isinstance(value, str) or len(value) != 1:
        raise BadFormat("bad_separator", "The card's separator must be one character.")
    return value
