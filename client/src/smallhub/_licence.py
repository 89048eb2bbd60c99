"""The licence that a card declares: read and written in README.md, before a folder is pushed."""

from __future__ import annotations

import re
from pathlib import Path

from ._config import read_config
from ._exceptions import Invalid
from ._types import PushReport

CARD = "README.md"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ().+_-]{0,199}")
_FENCE = re.compile(r"\A(\ufeff?\s*---[ \t]*\r?\n)(.*?)(^---[ \t]*(?:\r?\n|\Z))", re.DOTALL | re.MULTILINE)
_LINE = re.compile(r"^(['\"]?)license\1[ \t]*:[ \t]*([^\r\n#]*)", re.MULTILINE)


def declare(folder: Path, licence: str) -> bool:
    """Let the folder's card declare this licence; a card that is not there is written. Returns whether it changed.

    Raises:
        Invalid: this can be no licence (`bad_licence`), or the card declares another one (`licence_differs`).
    """
    licence = licence.strip()
    if not _ID.fullmatch(licence):
        raise Invalid(f"“{licence[:60]}” can be no licence. Write an id such as mit or Apache-2.0.", code="bad_licence")
    card = folder / CARD
    text = card.read_bytes().decode("utf-8", "surrogateescape") if card.is_file() else ""
    declared = declared_in(text)
    if declared is None:
        card.write_bytes(_added(text, licence).encode("utf-8", "surrogateescape"))
        return True
    if declared.lower() != licence.lower():
        raise Invalid(
            f"{CARD} declares the licence {declared or 'in lines of its own'}, not {licence}. "
            f"Change the card, or push without --licence.",
            code="licence_differs",
        )
    return False


def draft_note(report: PushReport, kind: str | None) -> str:
    """What to say when the hub keeps what was pushed out of its lists."""
    prefix = {"dataset": "datasets/", "app": "apps/"}.get(kind or "", "")
    page = f"{read_config().endpoint}/{prefix}{report.repository}/settings/licence"
    return (
        "A draft: its card declares no licence, so nobody knows what they may do with it, and no list shows it.\n"
        f"Push again with --licence ID, or choose one at {page}"
    )


def declared_in(card: str) -> str | None:
    """What the front matter declares: None for nothing, "" where it takes more than its one line."""
    fence = _FENCE.match(card)
    line = _LINE.search(fence[2]) if fence else None
    return line[2].strip().strip("'\"") if line else None


def _added(card: str, licence: str) -> str:
    fence = _FENCE.match(card)
    if fence is None:
        return f"---\nlicense: {licence}\n---\n{card}"
    ending = "\r\n" if fence[1].endswith("\r\n") else "\n"
    return f"{card[: fence.end(2)]}license: {licence}{ending}{card[fence.end(2) :]}"
