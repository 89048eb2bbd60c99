"""Whether two results were made by the same protocol. Only then are they compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What must be equal, by its place in the receipt, and in the order in which a difference is named.
FIELDS = (
    "benchmark.id",
    "benchmark.version",
    "benchmark.definition_sha256",
    # A part of a set has other items, too; that it is a part says more.
    "method.tier",
    "benchmark.items_sha256",
    "method.scorer",
    "method.scorer_version",
    "method.args",
    "method.method",
    "method.prompt_sha256",
    "method.prefix_rule",
    "method.decoding",
    "model.dtype",
)


def differing_field(old: Mapping[str, Any], new: Mapping[str, Any], *, leave_out: frozenset[str] = frozenset()) -> str:
    """The first field in which two receipts' protocols differ; "" where they can be compared.

    Args:
        leave_out: fields that may differ, such as model.dtype between two different models.
    """
    for field in FIELDS:
        if field not in leave_out and _at(old, field) != _at(new, field):
            return field
    return ""


def _at(record: Mapping[str, Any], field: str) -> Any:
    found: Any = record
    for name in field.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
