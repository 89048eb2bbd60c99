"""Entities in labelled words: exact match on (type, first word, last word), over the whole corpus."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Mode = Literal["default", "strict"]
Entity = tuple[str, int, int]

_LABEL = re.compile(r"O|[BIESLU]-.+")
# BILOU's names for the last and the only word of an entity.
_PREFIXES = {"L": "E", "U": "S"}


@dataclass(frozen=True)
class Counts:
    """Summed over sentences: entities that are right, those predicted, and those that should have been."""

    right: int
    predicted: int
    gold: int

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.right + other.right, self.predicted + other.predicted, self.gold + other.gold)

    @property
    def precision(self) -> float:
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.right / (self.predicted + self.gold) if self.predicted + self.gold else 0.0


def is_label(label: str) -> bool:
    """Whether a label has the form of IOB, IOBES or BILOU: `O`, or a prefix, a hyphen and a type."""
    return _LABEL.fullmatch(label) is not None


def entities(labels: Sequence[str], *, mode: Mode = "default") -> list[Entity]:
    """The entities of one sentence as (type, first word, last word).

    `default` is lenient, as conlleval: an I-X behind no X begins an entity. `strict` reads IOB2 by the letter: an
    entity begins with B (or S) alone, and words of one that did not begin are not counted.

    Source: Tjong Kim Sang & De Meulder, Introduction to the CoNLL-2003 Shared Task (2003); seqeval's two modes.
    """
    found: list[Entity] = []
    first: int | None = None  # Where the open entity began.
    before, before_type = "O", ""
    for position, label in enumerate([*labels, "O"]):
        prefix, kind = _parts(label)
        goes_on = prefix in "IE" and before in "BI" and kind == before_type
        if first is not None and not goes_on:
            found.append((before_type, first, position - 1))
            first = None
        if not goes_on and (prefix in "BS" or (mode == "default" and prefix in "IE")):
            first = position
        # In strict mode an inside without a beginning is outside, and so is what follows it.
        before, before_type = (prefix, kind) if first is not None else ("O", "")
    return found


def count(gold: Sequence[str], predicted: Sequence[str], *, mode: Mode = "default") -> Mapping[str, Counts]:
    """Counts of one sentence by type.

    Raises:
        ValueError: the two have different lengths. Nothing is cut silently.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(predicted)} labels for {len(gold)} words.")
    wanted, found = set(entities(gold, mode=mode)), set(entities(predicted, mode=mode))
    kinds = sorted({kind for kind, _, _ in wanted | found})
    return {
        kind: Counts(
            right=sum(entity[0] == kind for entity in wanted & found),
            predicted=sum(entity[0] == kind for entity in found),
            gold=sum(entity[0] == kind for entity in wanted),
        )
        for kind in kinds
    }


def _parts(label: str) -> tuple[str, str]:
    """Prefix and type; IOBES letters for BILOU's."""
    prefix, _, kind = label.partition("-")
    return _PREFIXES.get(prefix, prefix), kind
