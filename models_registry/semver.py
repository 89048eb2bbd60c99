"""Semantic versions: which names are some, how they compare, which comes next. Pure.

The rule is that of semver.org 2.0.0, with the leading `v` that people write before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

_NUMBER = r"(?:0|[1-9]\d*)"
_WORD = rf"(?:{_NUMBER}|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMVER = re.compile(
    rf"v?(?P<major>{_NUMBER})\.(?P<minor>{_NUMBER})\.(?P<patch>{_NUMBER})"
    rf"(?:-(?P<pre>{_WORD}(?:\.{_WORD})*))?(?:\+(?P<build>[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?",
    re.ASCII,
)
_AFTER_ALL = "~"  # Sorts after every pre-release: what has none is the finished version.

Part = Literal["major", "minor", "patch"]


@dataclass(frozen=True)
class Version:
    """One version. Build metadata is left out, for it does not count when versions are compared."""

    major: int
    minor: int
    patch: int
    pre: tuple[str, ...] = ()

    @property
    def is_prerelease(self) -> bool:
        return bool(self.pre)

    def precedence(self) -> str:
        """Digits and a to f that sort as the versions do, in any collation of a database."""
        core = "".join(_sortable(number) for number in (self.major, self.minor, self.patch))
        tail = "".join(_identifier(part) for part in self.pre) if self.pre else _AFTER_ALL
        return (core + tail).encode().hex()

    def next(self, part: Part) -> Version:
        """The finished version that follows when this much changes."""
        if self.pre and part == "patch":
            return Version(self.major, self.minor, self.patch)
        if part == "major":
            return Version(self.major + 1, 0, 0)
        if part == "minor":
            return Version(self.major, self.minor + 1, 0)
        return Version(self.major, self.minor, self.patch + 1)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}" + (f"-{'.'.join(self.pre)}" if self.pre else "")


def parse(name: str) -> Version | None:
    """The version that a name says, or None where it is a free name."""
    found = _SEMVER.fullmatch(name)
    if found is None:
        return None
    pre = tuple(found["pre"].split(".")) if found["pre"] else ()
    return Version(int(found["major"]), int(found["minor"]), int(found["patch"]), pre)


def precedence(name: str) -> str:
    """What a name sorts by among versions; "" for free names, which sort below all of them."""
    version = parse(name)
    return version.precedence() if version else ""


def suggest(names: Iterable[str], part: Part = "minor") -> str:
    """The next version after the highest of these names, written as that one is."""
    versions = [(version.precedence(), name, version) for name in names if (version := parse(name))]
    if not versions:
        return "v1.0.0"
    _, name, highest = max(versions)
    return ("v" if name.startswith("v") else "") + str(highest.next("patch" if highest.pre else part))


def _sortable(number: int) -> str:
    digits = str(number)
    return f"{len(digits):03d}{digits}"


def _identifier(part: str) -> str:
    """Numbers sort below words; `!` is below all that a word may hold, so a shorter list sorts first."""
    return f"0{_sortable(int(part))}!" if part.isdigit() else f"1{part}!"
