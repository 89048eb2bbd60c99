"""Declarations of public sets that an administrator may import. The data are not part of this project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def names() -> tuple[str, ...]:
    """The declared sets, in order of name."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.json")))


def declaration(name: str) -> dict[str, Any]:
    """The declaration of one set.

    Raises:
        KeyError: there is none of that name.
    """
    if name not in names():
        raise KeyError(name)
    found: dict[str, Any] = json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))
    return found
