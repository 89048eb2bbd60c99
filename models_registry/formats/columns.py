"""What a table's columns hold, seen from some rows, and the names that a card gives to numbered classes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MAX_LABELS = 2_000
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)


class Kind(StrEnum):
    """What the cells of a column are."""

    EMPTY = "empty"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    TEXT = "text"
    LIST = "list"
    RECORD = "record"
    BYTES = "bytes"
    LABEL = "label"
    MIXED = "mixed"


@dataclass(frozen=True)
class Column:
    """One column. `labels` are the names of classes by their number, for a column of labels."""

    name: str
    kind: Kind
    labels: tuple[str, ...] = field(default=())

    @property
    def is_numeric(self) -> bool:
        return self.kind in (Kind.INTEGER, Kind.NUMBER)

    def label_of(self, value: Any) -> str:
        """The name of a class, or nothing."""
        text = str(value)
        if not self.labels or isinstance(value, bool) or not _INTEGER.fullmatch(text):
            return ""
        number = int(text)
        return self.labels[number] if 0 <= number < len(self.labels) else ""


def columns_of(
    rows: Iterable[Mapping[str, Any]], *, labels: Mapping[str, tuple[str, ...]], as_written: bool = False
) -> tuple[Column, ...]:
    """The columns of these rows in the order in which they appear.

    Args:
        labels: names of classes by column, as `labels_of` reads them from a card.
        as_written: cells are texts from a CSV file, so numbers are known by how they are written.
    """
    kinds: dict[str, set[Kind]] = {}
    for row in rows:
        for name, value in row.items():
            kinds.setdefault(name, set()).add(_kind(value, as_written=as_written))
    return tuple(_column(name, found, labels.get(name, ())) for name, found in kinds.items())


def labels_of(card: Mapping[str, Any], config: str) -> dict[str, tuple[str, ...]]:
    """The names of classes by column that a card's `dataset_info` declares for a configuration."""
    infos = card.get("dataset_info")
    entries = [infos] if isinstance(infos, dict) else infos if isinstance(infos, list) else []
    known = [entry for entry in entries if isinstance(entry, dict)]
    entry = next((each for each in known if each.get("config_name", "default") == config), None)
    features = (entry or {}).get("features")
    found = {}
    for feature in features if isinstance(features, list) else []:
        names = _class_names(feature) if isinstance(feature, dict) else ()
        if names:
            found[str(feature.get("name"))] = names
    return found


def _class_names(feature: Mapping[str, Any]) -> tuple[str, ...]:
    dtype = feature.get("dtype")
    declared = dtype.get("class_label") if isinstance(dtype, dict) else None
    names = declared.get("names") if isinstance(declared, dict) else None
    if isinstance(names, dict):
        names = [names.get(str(number)) for number in range(min(len(names), MAX_LABELS))]
    if not isinstance(names, list):
        return ()
    return tuple(str(name) for name in names[:MAX_LABELS])


def _column(name: str, kinds: set[Kind], labels: tuple[str, ...]) -> Column:
    found = kinds - {Kind.EMPTY}
    if labels and found <= {Kind.INTEGER}:
        return Column(name, Kind.LABEL, labels)
    if not found:
        return Column(name, Kind.EMPTY)
    if len(found) == 1:
        return Column(name, found.pop())
    if found == {Kind.INTEGER, Kind.NUMBER}:
        return Column(name, Kind.NUMBER)
    return Column(name, Kind.TEXT if Kind.TEXT in found and not found & {Kind.LIST, Kind.RECORD} else Kind.MIXED)


def _kind(value: Any, *, as_written: bool) -> Kind:
    match value:
        case None:
            return Kind.EMPTY
        case bool():
            return Kind.BOOLEAN
        case int():
            return Kind.INTEGER
        case float():
            return Kind.NUMBER
        case list():
            return Kind.LIST
        case dict():
            return Kind.BYTES if value.keys() == {"bytes"} and isinstance(value["bytes"], int) else Kind.RECORD
    return _written(str(value)) if as_written else Kind.DATE if _DATE.fullmatch(str(value)) else Kind.TEXT


def _written(text: str) -> Kind:
    """What a cell of a CSV file reads as."""
    if not text:
        return Kind.EMPTY
    if text in ("True", "False", "true", "false"):
        return Kind.BOOLEAN
    if _INTEGER.fullmatch(text):
        return Kind.INTEGER
    if _NUMBER.fullmatch(text):
        return Kind.NUMBER
    return Kind.DATE if _DATE.fullmatch(text) else Kind.TEXT
