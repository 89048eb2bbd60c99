"""How two results on the same items are told apart. Values in, values out: no database, no model."""

from __future__ import annotations

from evaluation.statistics.comparison import Flip, Paired, Slice, compare
from evaluation.statistics.holm import holm
from evaluation.statistics.margins import Margin, margin_of
from evaluation.statistics.protocol import differing_field
from evaluation.statistics.verdicts import Verdict, verdict

__all__ = [
    "Flip",
    "Margin",
    "Paired",
    "Slice",
    "Verdict",
    "compare",
    "differing_field",
    "holm",
    "margin_of",
    "verdict",
]
