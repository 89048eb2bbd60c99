"""Smoke checks of taggers: one label for each word, of a scheme that marks where an entity begins."""

from __future__ import annotations

import re
from typing import Any

from evaluation.scorers.base import Model
from evaluation.steps.checks import Check, Run, failed, passed, warned
from evaluation.steps.inspect import Inspection

# IOB and IOBES (also called BILOU), the mark before or behind the type; a single entity type may go unnamed.
_LABEL = re.compile(r"O|[BIESLUM]|[BIESLUM][-_].+|.+[-_][BIESLUM]")


def forward(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S07: as many labels as words (the sandbox insists on it), all of them declared."""
    sentences = _sentences(texts)
    found = session.call("tag", sentences=sentences)
    declared = set(session.description["description"].get("labels") or [])
    unknown = sorted({label for labels in found for label in labels} - declared - {"O"})
    if declared and unknown:
        return failed("S07", "forward", f"It answers {unknown[0][:40]!r}, which is none of its {len(declared)} labels.")
    outputs["tags"] = [list(labels) for labels in found]
    words = sum(map(len, sentences))
    return passed("S07", "forward", f"One label for each of {words} words.", value=words)


def batch(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S08: the same labels alone as in a batch."""
    sentences = _sentences(texts)
    together = session.call("tag", sentences=sentences)
    alone = [session.call("tag", sentences=[words])[0] for words in sentences]
    changed = sum(a != b for one, other in zip(together, alone, strict=True) for a, b in zip(one, other, strict=True))
    said = f"{changed} words are labelled differently in a batch."
    return (failed if changed else passed)("S08", "batch", said, value=changed)


def repeat(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S10: two runs say the same."""
    first, second = (session.call("tag", sentences=_sentences(texts)) for _ in range(2))
    if first != second:
        return failed("S10", "repeat", "Two equal runs give different labels.")
    return passed("S10", "repeat", "Two runs give equal labels.", value=0)


def scheme(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S18: the declared labels parse as IOB or IOBES; others may be word classes, for which no entity can be scored."""
    labels = session.description["description"].get("labels") or []
    odd = [label for label in labels if not _LABEL.fullmatch(label)]
    if odd:
        said = f"{len(odd)} of {len(labels)} labels are not of IOB or IOBES, {odd[0][:40]!r} for one."
        return warned("S18", "labels", said, value=len(odd))
    return passed("S18", "labels", f"All {len(labels)} labels are of IOB or IOBES.", value=0)


def _sentences(texts: dict[str, Any]) -> list[list[str]]:
    return [text.split() for text in texts["classifier"][:8]]


CHECKS: list[Run] = [forward, batch, repeat, scheme]
