"""Reads Parquet inside the sandbox, from a descriptor that the parent opened. Found there by its own name.

The file is somebody's, and the library that reads it is native code: what it does wrong stays behind the walls.
"""

from __future__ import annotations

import datetime
import decimal
import json
import os
import time
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

BATCH_ROWS = 256
MAX_COLUMNS = 500
MAX_TEXT = 20_000
MAX_ITEMS = 200
MAX_DEPTH = 6


class Unreadable(Exception):
    """The file is not Parquet, or not a table that can be shown."""

    code = "unreadable"


def load(descriptor: int, *, threads: int) -> Table:
    """Open the table behind a descriptor."""
    pa.set_cpu_count(threads)
    try:
        return Table(pq.ParquetFile(pa.PythonFile(os.fdopen(descriptor, "rb"), mode="r")))
    except (pa.ArrowException, OSError) as error:
        raise Unreadable(str(error)[:500]) from error


class Table:
    """One Parquet file."""

    runtime = "parquet"
    task = "table"
    capabilities = ("rows",)

    def __init__(self, file: pq.ParquetFile) -> None:
        self._file = file
        self._names = _unique(file.schema_arrow.names[:MAX_COLUMNS])

    def description(self) -> dict[str, Any]:
        """How many rows, which columns of which types, and the class names that the file itself carries."""
        schema = self._file.schema_arrow
        types = [str(schema.field(number).type) for number in range(len(self._names))]
        return {
            "rows": self._file.metadata.num_rows,
            "columns": [{"name": name, "type": kind[:200]} for name, kind in zip(self._names, types, strict=True)],
            "labels": _labels(schema.metadata or {}),
        }

    def rows(self, start: int, limit: int, query: str, seconds: float) -> dict[str, Any]:
        """Rows from `start` on, or those that hold `query`; stops after `seconds` with what it has.

        Returns:
            `rows` as [number, {column: value}], `next` (a row number, or None at the end) and `scanned`.
        """
        until = time.monotonic() + seconds
        found: list[list[Any]] = []
        at = start
        for batch in self._batches(start, limit if not query else BATCH_ROWS):
            hits = _hits(batch, query) if query else range(batch.num_rows)
            for index in hits:
                found.append([at + index, self._row(batch, index)])
                if len(found) == limit:
                    return self._answer(found, at + index + 1, start)
            at += batch.num_rows
            if time.monotonic() > until:
                break
        return self._answer(found, at, start)

    def _answer(self, found: list[list[Any]], at: int, start: int) -> dict[str, Any]:
        return {"rows": found, "next": at if at < self._file.metadata.num_rows else None, "scanned": at - start}

    def _batches(self, start: int, size: int) -> Any:
        """Record batches from a row on; row groups before it are not read."""
        groups: list[int] = []
        first = 0
        for number in range(self._file.metadata.num_row_groups):
            rows = self._file.metadata.row_group(number).num_rows
            if first + rows <= start and not groups:
                first += rows
                continue
            groups.append(number)
        skip = start - first
        if not groups:
            return
        for batch in self._file.iter_batches(
            batch_size=max(1, min(size, BATCH_ROWS)), row_groups=groups, use_threads=False
        ):
            if skip >= batch.num_rows:
                skip -= batch.num_rows
                continue
            yield batch.slice(skip)
            skip = 0

    def _row(self, batch: pa.RecordBatch, index: int) -> dict[str, Any]:
        return {name: _plain(batch.column(number)[index].as_py(), 0) for number, name in enumerate(self._names)}


def _hits(batch: pa.RecordBatch, query: str) -> list[int]:
    """The rows of a batch that hold the text in any cell."""
    hits: set[int] = set()
    for column in batch.columns:
        try:
            texts = column.cast(pa.string())
            found = pc.match_substring(texts, query, ignore_case=True)
            hits.update(index for index, hit in enumerate(found.to_pylist()) if hit)
        except (pa.ArrowException, NotImplementedError):
            needle = query.casefold()
            texts = (json.dumps(_plain(value, 0), ensure_ascii=False) for value in column.to_pylist())
            hits.update(index for index, text in enumerate(texts) if needle in text.casefold())
    return sorted(hits)


def _plain(value: Any, depth: int) -> Any:
    """A cell in JSON's types, cut to what a page can show."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value)
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    if isinstance(value, str):
        clean = value.encode("utf-8", "replace").decode()
        return clean if len(clean) <= MAX_TEXT else clean[:MAX_TEXT] + "…"
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta | decimal.Decimal):
        return value.isoformat() if hasattr(value, "isoformat") else str(value)
    if depth >= MAX_DEPTH:
        return str(value)[:MAX_TEXT]
    if isinstance(value, dict):
        return {str(key)[:200]: _plain(item, depth + 1) for key, item in list(value.items())[:MAX_ITEMS]}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value[:MAX_ITEMS]]
    return str(value)[:MAX_TEXT]


def _unique(names: list[str]) -> list[str]:
    found: list[str] = []
    for number, name in enumerate(names):
        found.append(name if name not in found else f"{name}.{number}")
    return found


def _labels(metadata: dict[bytes, bytes]) -> dict[str, list[str]]:
    """Class names by column from the features that the `datasets` library writes beside the schema."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        return {
            str(name): [str(each) for each in feature["names"]][:2000]
            for name, feature in features.items()
            if isinstance(feature, dict)
            and feature.get("_type") == "ClassLabel"
            and isinstance(feature.get("names"), list)
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
