"""What files of word vectors and n-grams tell of themselves, read by the standard library alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_VECTORS_HEAD = re.compile(rb"(\d{1,9}) (\d{1,5})\s*")
_COUNT = re.compile(rb"^ngram \d{1,2}=(\d{1,12})\s*$", re.MULTILINE)
_HEAD_BYTES = 1 << 16
_MAX_COUNTED_BYTES = 2 << 30
_PART_BYTES = 1 << 20


def vectors_facts(path: Path) -> dict[str, Any]:
    """Words and dimension by the file's header; where there is none, by its first line and its number of lines."""
    with path.open("rb") as stream:
        first = stream.readline(_HEAD_BYTES)
    head = _VECTORS_HEAD.fullmatch(first)
    if head is not None:
        return _facts(path, words=int(head[1]), parameters=int(head[1]) * int(head[2]))
    words = _lines(path) if path.stat().st_size <= _MAX_COUNTED_BYTES else 0
    return _facts(path, words=words, parameters=words * (len(first.split()) - 1))


def arpa_facts(path: Path) -> dict[str, Any]:
    """The declared numbers of n-grams: a probability each, and a back-off weight but for the longest."""
    with path.open("rb") as stream:
        counts = [int(number) for number in _COUNT.findall(stream.read(_HEAD_BYTES))]
    return _facts(path, words=counts[0] if counts else 0, parameters=sum(counts) + sum(counts[:-1]))


def _facts(path: Path, *, words: int, parameters: int) -> dict[str, Any]:
    facts: dict[str, Any] = {"weight_bytes": path.stat().st_size}
    if words > 0 and parameters > 0:
        facts |= {"parameters": parameters, "parameters_by_dtype": {"F32": parameters}, "tokenizer": ("words", words)}
    return facts


def _lines(path: Path) -> int:
    with path.open("rb") as stream:
        count, last = 0, b"\n"
        while part := stream.read(_PART_BYTES):
            count, last = count + part.count(b"\n"), part[-1:]
    return count + (last != b"\n")
