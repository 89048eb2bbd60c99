"""What a card or REUSE.toml says of single files: patterns of paths, and the licence of what they match. Pure.

A pattern is matched folder by folder: `*` stands for any part of one name, `**` for any folders. Without a slash it
means files of that name in every folder, as in `.gitattributes`; a REUSE.toml speaks of its own folder. Of several
that match, the last one counts.
"""

import fnmatch
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

MAX_RULES = 64
MAX_PATTERN = 300
MAX_LICENCE = 200
MAX_HOLDER = 300
MAX_REUSE_BYTES = 64 * 1024
CARD_KEY = "licenses"
CARD, REUSE, BESIDE, INSIDE = "card", "reuse", "beside", "inside"
_SPDX = re.compile(r"SPDX-License-Identifier:[ \t]*([^\r\n]{1,200})", re.IGNORECASE)
_TAIL = re.compile(r"\s*(?:\*/|-->|#+|\*+)\s*$")


@dataclass(frozen=True)
class PathLicence:
    """One rule: files that match `pattern` are under `licence`, so says `source`."""

    pattern: str
    licence: str
    source: str
    where: str = ""
    holder: str = ""

    def matches(self, path: str) -> bool:
        return _matches(tuple(self.pattern.split("/")), tuple(path.split("/")))


@dataclass(frozen=True)
class Mapping:
    """Rules in their order, and what in them could not be read, a sentence each."""

    rules: tuple[PathLicence, ...] = ()
    faults: tuple[str, ...] = field(default=())

    def of(self, path: str) -> PathLicence | None:
        """The rule that counts for a path: the last one that matches."""
        return next((rule for rule in reversed(self.rules) if rule.matches(path)), None)

    def __add__(self, other: "Mapping") -> "Mapping":
        return Mapping((*self.rules, *other.rules)[-MAX_RULES * 4 :], (*self.faults, *other.faults))


def read_mapping(value: Any) -> Mapping:
    """The card's `licenses`: a mapping of patterns to licences. Nothing at all is no fault."""
    if value is None:
        return Mapping()
    if not isinstance(value, dict):
        return Mapping(faults=(f"“{CARD_KEY}” must be lines of “path: licence”.",))
    rules, faults = [], []
    for key, licence in list(value.items())[:MAX_RULES]:
        pattern, text = str(key).strip(), _joined(licence)
        if not _is_pattern(pattern) or not text:
            faults.append(f"“{CARD_KEY}”: “{pattern[:60]}” is no path with a licence behind it.")
            continue
        anywhere = "/" not in pattern
        rules.append(PathLicence(f"**/{pattern}" if anywhere else pattern.lstrip("/"), text, CARD, "README.md"))
    if len(value) > MAX_RULES:
        faults.append(f"“{CARD_KEY}” has more than {MAX_RULES} lines; the rest is not read.")
    return Mapping(tuple(rules), tuple(faults))


def read_reuse(raw: bytes, *, path: str) -> Mapping:
    """A REUSE.toml. It speaks of its own folder and what is below."""
    folder = path.rpartition("/")[0]
    if len(raw) > MAX_REUSE_BYTES:
        return Mapping(faults=(f"{path} is too long to be read.",))
    try:
        rows = tomllib.loads(raw.decode("utf-8")).get("annotations", [])
    except (ValueError, RecursionError):
        return Mapping(faults=(f"{path} is not valid TOML.",))
    rules: list[PathLicence] = []
    for row in (rows if isinstance(rows, list) else [])[:MAX_RULES]:
        if not isinstance(row, dict):
            continue
        licence = _joined(row.get("SPDX-License-Identifier"))
        holder = "; ".join(_texts(row.get("SPDX-FileCopyrightText")))[:MAX_HOLDER]
        for pattern in _texts(row.get("path"))[:MAX_RULES]:
            if licence and _is_pattern(pattern):
                inside = f"{folder}/{pattern}" if folder else pattern
                rules.append(PathLicence(inside, licence, REUSE, path, _clean(holder)))
    return Mapping(tuple(rules[:MAX_RULES]))


def spdx_line(raw: bytes) -> str:
    """The licence in a line `SPDX-License-Identifier: …`, as files and their `.license` neighbours carry it; ""."""
    match = _SPDX.search(raw.decode("utf-8", "replace"))
    return _clean(_TAIL.sub("", match[1]).strip()) if match else ""


def _joined(value: Any) -> str:
    """One licence, or several that all apply."""
    names = [name.strip() for name in _texts(value) if name.strip()]
    if len(names) > 1:
        names = [f"({name})" if " OR " in name.upper() else name for name in names]
    return _clean(" AND ".join(names))[:MAX_LICENCE]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _clean(text: str) -> str:
    return "".join(char for char in text if char.isprintable())


def _is_pattern(text: str) -> bool:
    return 0 < len(text) <= MAX_PATTERN and text.isprintable() and ".." not in text.split("/")


def _matches(pattern: Sequence[str], path: Sequence[str]) -> bool:
    """Folder by folder, without ever trying a way twice."""
    reached = {0}  # How many parts of the pattern may be used up before the next part of the path.
    for part in path:
        after: set[int] = set()
        for at in _skipped(reached, pattern):
            if at < len(pattern) and pattern[at] == "**":
                after.add(at)
            elif at < len(pattern) and _part(pattern[at]).match(part):
                after.add(at + 1)
        reached = after
        if not reached:
            return False
    return len(pattern) in _skipped(reached, pattern)


def _skipped(reached: Iterable[int], pattern: Sequence[str]) -> set[int]:
    """Also those reached by letting `**` stand for no folder at all."""
    found = set(reached)
    for at in sorted(found):
        while at < len(pattern) and pattern[at] == "**":
            at += 1
            found.add(at)
    return found


@lru_cache(maxsize=1024)
def _part(pattern: str) -> "re.Pattern[str]":
    plain = pattern.replace("[", "[[]").replace("?", "[?]")
    return re.compile(fnmatch.translate(re.sub(r"\*+", "*", plain)))
