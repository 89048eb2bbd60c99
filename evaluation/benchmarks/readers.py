"""Readers: from a set's pinned files to items with a stable id. A file whose hash differs is not read."""

from __future__ import annotations

import hashlib
import itertools
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluation.benchmarks.definition import Benchmark, DataFile, has_train, train_split
from evaluation.benchmarks.rows import BadData
from evaluation.benchmarks.structures import READERS, Place, Source

__all__ = ["BadData", "Dataset", "Item", "load", "verified"]

MAX_ITEMS = 200_000
MAX_UNPACKED_BYTES = 512_000_000


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


def load(benchmark: Benchmark, folder: Path, *, with_train: bool = False) -> Dataset:
    """Read a set's files from a folder laid out as its repository.

    Args:
        with_train: read the training split as well, where there is one; probes have it always.

    Raises:
        BadData: a file is missing or has another hash, a row lacks a field, or an id comes twice.
    """
    try:
        test = _split(benchmark, folder, benchmark.split)
        learns = benchmark.scorer == "probe_classification" or (with_train and has_train(benchmark))
        train = _split(benchmark, folder, train_split(benchmark)) if learns else ()
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        if isinstance(error, BadData):
            raise
        # The reader's arguments do not fit the rows: whatever that broke, it is the declaration's fault.
        raise BadData(f"{benchmark.id} cannot be read as declared: {_broken_by(error)}.") from error
    if not test:
        raise BadData(f"The split {benchmark.split!r} of {benchmark.id} has no item.")
    return Dataset(items=test, train=train)


def _broken_by(error: Exception) -> str:
    """What of the rows is not as declared; the error's own words are for the log."""
    if isinstance(error, KeyError) and error.args and isinstance(error.args[0], str):
        return f"a row or an argument lacks {error.args[0][:80]!r}"
    return "a value is of another form than the declaration says"


def _split(benchmark: Benchmark, folder: Path, split: str) -> tuple[Item, ...]:
    """All items of one split, sorted by id."""
    kept = _row_filter(benchmark, folder, split)
    # Where rows are listed, one file holds both splits.
    files = benchmark.files_of(benchmark.split if kept is not None else split)
    sources = [Source(file.path, _unpacked(file, verified(folder, file))) for file in files]
    found: list[Place] = []
    for number, place in enumerate(READERS[benchmark.reader](sources, folder, benchmark.reader_args)):
        if (kept is None or number in kept) and _is_wanted(benchmark, place):
            found.append(place)
        if len(found) > MAX_ITEMS:
            raise BadData(f"{benchmark.id} has more than {MAX_ITEMS:,} rows.")
    items = sorted((_item(benchmark, place) for place in found), key=lambda item: item.id)
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


def _unpacked(file: DataFile, content: bytes) -> bytes:
    """What a .gz file holds, up to a limit; other files as they are."""
    if not file.path.endswith(".gz"):
        return content
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(content, MAX_UNPACKED_BYTES)
    except zlib.error as error:
        raise BadData(f"{file.path} is no gzip file.") from error
    if unpacker.unconsumed_tail or not unpacker.eof or unpacker.unused_data:
        raise BadData(f"{file.path} is cut short, larger than {MAX_UNPACKED_BYTES:,} bytes, or more than one file.")
    return plain


def _is_wanted(benchmark: Benchmark, place: Place) -> bool:
    """Whether a row belongs to the set: `reader_args.where` keeps the numbers of one column from a first to a last."""
    rule = benchmark.reader_args.get("where")
    if rule is None:
        return True
    where, columns = place
    value = _column(columns, rule["column"], where)
    if type(value) is not int:
        raise BadData(f"{where} has {str(value)[:40]!r} in {rule['column']!r}, which is no whole number.")
    return int(rule["from"]) <= value <= int(rule["to"])


def _item(benchmark: Benchmark, row: Place) -> Item:
    """Pick the declared columns of a row; labels are renamed if declared."""
    place, columns = row
    values = {role: _column(columns, column, place) for role, column in benchmark.fields.items()}
    names = benchmark.reader_args.get("label_names")
    if isinstance(names, dict) and "label" in values:
        values["label"] = names.get(str(values["label"]), str(values["label"]))
    identity = values.pop("id", None)
    return Item(id=place if identity is None else str(identity), values=values)


def _column(columns: Mapping[Any, Any], column: Any, place: str) -> Any:
    """What a role is filled with.

    A column by name or number; several joined by a space as text (a list), or by a colon as an id
    (`{"join": […], "by": ":"}`); several as a list (`{"list": […]}`); or a column's place among given values
    (`{"column": …, "index_in": ["A", "B"]}`).
    """
    if isinstance(column, list):
        return " ".join(str(_column(columns, part, place)) for part in column)
    if isinstance(column, dict):
        if "join" in column:
            return str(column["by"]).join(str(_column(columns, part, place)) for part in column["join"])
        if "list" in column:
            return [_column(columns, part, place) for part in column["list"]]
        value, allowed = _column(columns, column["column"], place), column["index_in"]
        if value not in allowed:
            raise BadData(f"{place} has {str(value)[:40]!r} in {column['column']!r}, which is none of {allowed}.")
        return allowed.index(value)
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
