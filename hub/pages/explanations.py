"""An explanation as pieces of its text, each with how strongly it spoke for or against the answer."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from evaluation.models import Score
from models_registry.permissions import Action, can

LEVELS = 4
METHODS: dict[str, str | Promise] = {
    "exact": _("exactly, from the model’s own weights"),
    "integrated_gradients": _("by integrated gradients"),
    "occlusion": _("by taking words away"),
}


@dataclass(frozen=True)
class Piece:
    """A stretch of text. `level` is 0 for none, up to 4 for the strongest; `is_for` says in which direction."""

    text: str
    level: int = 0
    is_for: bool = True
    score: float = 0.0


@dataclass(frozen=True)
class Explained:
    """What a page shows: the text in pieces, what it is about, and how it was found."""

    pieces: list[Piece]
    target: str
    method: str | Promise
    measure: str
    total: float
    baseline: float


def explained(stored: Any) -> Explained | None:
    """An explanation as `evaluation.explaining` keeps it; None for what is none, as after a change of its form."""
    if not isinstance(stored, Mapping) or not isinstance(stored.get("text"), str):
        return None
    parts = list(zip(stored.get("spans", ()), stored.get("scores", ()), strict=False))
    placed = sorted((span[0], span[1], score) for span, score in parts if span is not None and span[0] < span[1])
    if not placed:
        return None
    return Explained(
        pieces=_pieces(stored["text"], placed),
        target=str(stored.get("target", ""))[:200],
        method=METHODS.get(str(stored.get("method")), ""),
        measure=str(stored.get("measure", "")).replace("_", " "),
        total=float(stored.get("total", 0.0)),
        baseline=float(stored.get("baseline", 0.0)),
    )


def example_of(viewer: User | AnonymousUser, scores: Iterable[Score]) -> tuple[Score, Explained] | None:
    """The first explained item of a model's scores whose data this person may have."""
    for score in scores:
        kept = (score.run.result or {}).get("explanations") or {}
        found = next((each for each in map(explained, kept.values()) if each is not None), None)
        if found is not None and can(viewer, Action.DOWNLOAD, score.benchmark.repository):
            return score, found
    return None


def _pieces(text: str, placed: list[tuple[int, int, float]]) -> list[Piece]:
    most = max(abs(score) for *_span, score in placed) or 1.0
    pieces, at = [], 0
    for start, end, score in placed:
        if start < at:
            continue  # Overlapping parts, as n-grams of a linear model: the first one is shown.
        if start > at:
            pieces.append(Piece(text[at:start]))
        level = math.ceil(LEVELS * abs(score) / most - 0.5)
        pieces.append(Piece(text[start:end], max(0, level), score > 0, score))
        at = end
    if at < len(text):
        pieces.append(Piece(text[at:]))
    return pieces
