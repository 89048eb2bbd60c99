"""The one door through which JSON of unknown origin enters: strict, with limits.

Python's own reader takes duplicate keys (the last wins), `NaN`, integers of any length and half surrogate pairs. Each
of these is a way for two readers to see two different documents, so each is refused here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from models_registry.formats.errors import BadFormat, printable

MAX_INTEGER = 2**63 - 1
MIN_INTEGER = -(2**63)
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True)
class JsonLimits:
    """How much JSON is accepted. `depth` counts nested lists and objects; a bare number has depth 0.

    `wide_integers` lets integers have up to 40 digits: a common tokenizer library writes 10³⁰ for "no limit".
    """

    size_bytes: int = 5_000_000
    depth: int = 64
    wide_integers: bool = False


DEFAULT_LIMITS = JsonLimits()
# Vocabularies of a quarter of a million entries are common; they are wide, never deep.
TOKENIZER_LIMITS = JsonLimits(size_bytes=64_000_000, depth=32)
TOKENIZER_SETTINGS_LIMITS = JsonLimits(wide_integers=True)
_TOKENIZER_TABLES = frozenset(
    {
        "tokenizer.json",
        "vocab.json",
        "target_vocab.json",
        "features.json",
        "added_tokens.json",
        "model.safetensors.index.json",
    }
)


def limits_for(name: str) -> JsonLimits:
    """The limits for a model's file of that name (without its folder)."""
    if name in _TOKENIZER_TABLES:
        return TOKENIZER_LIMITS
    return TOKENIZER_SETTINGS_LIMITS if name == "tokenizer_config.json" else DEFAULT_LIMITS


def parse(data: bytes, *, limits: JsonLimits = DEFAULT_LIMITS) -> Any:
    """Parse one JSON document in UTF-8.

    Raises:
        BadFormat: with code `json_too_large`, `json_too_deep`, `json_duplicate_key`, `json_number`,
            `json_encoding` or `json_syntax`.
    """
    if len(data) > limits.size_bytes:
        raise BadFormat("json_too_large", f"The JSON has {len(data):,} bytes; at most {limits.size_bytes:,} are read.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadFormat("json_encoding", f"The JSON is not UTF-8 (byte {error.start:,}).") from error
    if text.startswith("\ufeff"):
        raise BadFormat("json_encoding", "The JSON starts with a byte order mark.")
    try:
        value = (_WIDE_DECODER if limits.wide_integers else _DECODER).decode(text)
    except RecursionError as error:
        raise BadFormat("json_too_deep", f"The JSON nests deeper than {limits.depth} levels.") from error
    except json.JSONDecodeError as error:
        raise BadFormat(
            "json_syntax", f"Not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    _check_depth(value, limits.depth)
    if _SURROGATE_ESCAPE.search(data):
        _check_surrogates(value)
    return value


def parse_object(data: bytes, *, limits: JsonLimits = DEFAULT_LIMITS) -> dict[str, Any]:
    """Parse one JSON document that must be an object at the top."""
    value = parse(data, limits=limits)
    if not isinstance(value, dict):
        raise BadFormat("json_not_object", "The JSON must be an object: {…}.")
    return value


def read_object(path: Path, *, limits: JsonLimits = DEFAULT_LIMITS) -> dict[str, Any]:
    """Read and parse a file, never taking more than the limit into memory."""
    with path.open("rb") as stream:
        return parse_object(read_limited(stream, limits.size_bytes), limits=limits)


def read_limited(stream: BinaryIO, size_bytes: int) -> bytes:
    """Read at most one byte more than `size_bytes`, so that `parse` can tell that there was more."""
    return stream.read(size_bytes + 1)


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object, refusing a key that comes twice."""
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise BadFormat("json_duplicate_key", f'The key "{printable(key)}" comes twice in one object.')
            seen.add(key)
    return result


def _integer(digits: str) -> int:
    """Read an integer, refusing what does not fit 64 bits (long ones cost quadratic time)."""
    if len(digits) > 20 or not MIN_INTEGER <= int(digits) <= MAX_INTEGER:
        raise BadFormat("json_number", f"The integer {printable(digits, limit=24)} does not fit 64 bits.")
    return int(digits)


def _wide_integer(digits: str) -> int:
    """Read an integer of up to 40 digits."""
    if len(digits) > 40:
        raise BadFormat("json_number", f"The integer {printable(digits, limit=24)} has {len(digits):,} digits.")
    return int(digits)


def _float(digits: str) -> float:
    """Read a decimal number, refusing what overflows to infinity."""
    value = float(digits) if len(digits) <= 400 else math.inf
    if not math.isfinite(value):
        raise BadFormat("json_number", f"The number {printable(digits, limit=24)} is out of range.")
    return value


def _constant(name: str) -> NoReturn:
    """Refuse `NaN`, `Infinity` and `-Infinity`, which are not JSON."""
    raise BadFormat("json_number", f"{name} is not a JSON number.")


def _check_depth(value: Any, limit: int) -> None:
    """Walk without recursion and refuse nesting deeper than `limit`."""
    level: list[Any] = [value] if isinstance(value, (dict, list)) else []
    depth = 0
    while level:
        depth += 1
        if depth > limit:
            raise BadFormat("json_too_deep", f"The JSON nests deeper than {limit} levels.")
        children = [child for node in level for child in (node.values() if isinstance(node, dict) else node)]
        level = [child for child in children if isinstance(child, (dict, list))]


def _check_surrogates(value: Any) -> None:
    """Refuse strings that hold half of a surrogate pair: they cannot be written as UTF-8 again."""
    pending: list[Any] = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            pending.extend(node.keys())
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, str):
            try:
                node.encode("utf-8")
            except UnicodeEncodeError as error:
                raise BadFormat("json_encoding", "A string holds half of a surrogate pair.") from error


def _decoder(read_integer: Callable[[str], int]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_unique_pairs, parse_int=read_integer, parse_float=_float, parse_constant=_constant
    )


_DECODER, _WIDE_DECODER = _decoder(_integer), _decoder(_wide_integer)
