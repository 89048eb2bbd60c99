"""What databases take: no NUL, no half characters in text, and in JSON no number that is not one."""

import math
from collections.abc import Mapping
from typing import Any


def plain_text(text: str) -> str:
    """Text that every database stores. Words of a model, or of a process that broke, can hold anything."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def plain_json(value: Any) -> Any:
    """The same for JSON: infinite and undefined numbers become null, tuples lists, keys texts."""
    if isinstance(value, str):
        return plain_text(str(value))
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {plain_text(str(key)): plain_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_json(item) for item in value]
    return value
