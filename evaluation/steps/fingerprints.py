"""What a version said to the fixed prompts against another: is a copy a copy, and how far is a conversion off?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.scorers.base import Model

_TOP = 8


@dataclass(frozen=True)
class Comparison:
    """`same_answers`: greedy tokens, labels or vectors' beginnings are equal. `max_difference` of log-probabilities is
    over those of the likeliest tokens that both list, None where there are none."""

    same_answers: bool
    max_difference: float | None
    compared: int


def likely(session: Model, capabilities: tuple[str, ...], texts: Mapping[str, Any]) -> list[dict[str, float]]:
    """The likeliest next tokens after each context with their log-probabilities; labels of a classifier likewise."""
    if "log_likelihood" in capabilities:
        rows = session.call("next_log_probs", texts=texts["contexts"]).astype(float)
        return [_top(row) for row in rows]
    if "classify" in capabilities:
        answers = session.call("classify", texts=texts["classifier"][:_TOP])
        return [_labels(answer) for answer in answers]
    return []


def _top(row: np.ndarray[Any, Any]) -> dict[str, float]:
    best = np.argsort(-row, kind="stable")[:_TOP]
    return {str(index): round(float(row[index]), 6) for index in best if np.isfinite(row[index])}


def _labels(answer: Any) -> dict[str, float]:
    pairs = zip(answer.labels[:_TOP], answer.probabilities[:_TOP], strict=True)
    return {label: round(float(np.log(share)), 6) for label, share in pairs if share > 0}


def compare(mine: Mapping[str, Any], other: Mapping[str, Any]) -> Comparison | None:
    """Hold two results of the smoke step against each other; None if they were not asked the same.

    Args:
        mine, other: as JSON, with `prompts_sha256`, `fingerprint` and `likely`.
    """
    same_prompts = mine.get("prompts_sha256") == other.get("prompts_sha256")
    if not same_prompts or not mine.get("fingerprint") or not other.get("fingerprint"):
        return None
    differences = [
        abs(value - there[key])
        for here, there in zip(mine.get("likely") or (), other.get("likely") or (), strict=False)
        for key, value in here.items()
        if key in there
    ]
    worst = round(max(differences), 6) if differences else None
    return Comparison(mine["fingerprint"] == other["fingerprint"], worst, len(differences))
