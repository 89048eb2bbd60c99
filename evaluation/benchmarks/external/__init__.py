"""Declarations of public sets that an administrator may import. The data are not part of this project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def names() -> tuple[str, ...]:
    """The declared sets, in order of name."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.json")))


# Declarations whose data set has another name than they have.
_SETS = {
    "blimp_full": "blimp",
    "blimp_sub50": "blimp",
    "multi30k_ende": "multi30k",
    "multi30k_enfr": "multi30k",
    "sst2_test": "sst2",
    "stsb_en": "stsb",
    "stsb_zh": "stsb",
    "xquad_en": "xquad",
    "xquad_zh": "xquad",
}


def set_of(name: str) -> str:
    """The data set, and folder, that holds a declaration's files."""
    return _SETS.get(name, name)


def is_full(declared: dict[str, Any]) -> bool:
    """Whether a set takes hours, so that it is imported only when somebody asks for it."""
    return bool(declared.get("tier") == "full")


def declaration(name: str) -> dict[str, Any]:
    """The declaration of one set.

    Raises:
        KeyError: there is none of that name.
    """
    if name not in names():
        raise KeyError(name)
    found: dict[str, Any] = json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))
    return found
