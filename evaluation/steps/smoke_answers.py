"""Smoke checks of extractive question answering: spans of the context, the same each time."""

from __future__ import annotations

import math
from typing import Any

from evaluation.scorers.base import Model
from evaluation.steps.checks import Check, Run, failed, passed, warned
from evaluation.steps.inspect import Inspection


def forward(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S07: a span inside the context, start before end (the sandbox insists on both), with a finite score."""
    found = session.call("answer", **_asked(texts))
    if not all(math.isfinite(answer.score) for answer in found):
        return failed("S07", "forward", "An answer's score is not a number.")
    outputs["answers"] = [[answer.start, answer.end] for answer in found]
    empty = sum(not answer.text for answer in found)
    if empty:
        return warned("S07", "forward", f"{empty} of {len(found)} questions get an empty answer.", value=empty)
    return passed("S07", "forward", f"{len(found)} answers, each a span of its context.", value=len(found))


def batch(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S08: the same span alone as beside longer contexts."""
    asked = _asked(texts)
    together = session.call("answer", **asked)
    alone = [
        session.call("answer", questions=[question], contexts=[context])[0]
        for question, context in zip(asked["questions"], asked["contexts"], strict=True)
    ]
    worst = max(abs(a.score - b.score) for a, b in zip(together, alone, strict=True))
    said = f"A padded batch moves scores by {worst:.2g}; the limit is 0.001."
    return (passed if worst <= 1e-3 else failed)("S08", "batch", said, value=worst)


def repeat(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S10: two runs are equal to the bit."""
    first, second = (session.call("answer", **_asked(texts)) for _ in range(2))
    if first != second:
        return failed("S10", "repeat", "Two equal runs give different answers.")
    return passed("S10", "repeat", "Two runs are equal to the last bit.", value=0)


def _asked(texts: dict[str, Any]) -> dict[str, Any]:
    """The fixed questions, one of them about a context of several windows."""
    rows = [*texts["questions"], {**texts["questions"][0], "context": texts["long_text"] * 8}]
    return {"questions": [row["question"] for row in rows], "contexts": [row["context"] for row in rows]}


CHECKS: list[Run] = [forward, batch, repeat]
