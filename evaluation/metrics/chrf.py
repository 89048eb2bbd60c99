"""chrF2 over a corpus: the F-score of character n-grams, from statistics that are summed over sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

ORDER = 6
BETA = 2
VERSION = 1


def statistics(hypothesis: str, references: Sequence[str]) -> IntArray:
    """What one sentence adds: shape (3, 6): n-grams of the hypothesis, of the reference, and of both.

    Of several references the one counts that gives the sentence the best score.

    Source: Popović, chrF: character n-gram F-score for automatic MT evaluation (2015).
    """
    found = [_counts(hypothesis, order) for order in range(1, ORDER + 1)]
    rows = [_against(found, reference) for reference in references]
    return max(rows, key=lambda row: float(chrf(row)))


def chrf(sums: IntArray) -> FloatArray:
    """chrF2 from 0 to 100 of summed statistics: shape (…, 3, 6) to (…)."""
    said, wanted, both = (np.asarray(sums, dtype=float)[..., part, :] for part in range(3))
    used = (said > 0) & (wanted > 0)
    orders = np.maximum(used.sum(axis=-1), 1)
    precision = np.divide(both, said, out=np.zeros_like(both), where=used).sum(axis=-1) / orders
    recall = np.divide(both, wanted, out=np.zeros_like(both), where=used).sum(axis=-1) / orders
    bottom = BETA**2 * precision + recall
    top = 100 * (1 + BETA**2) * precision * recall
    scores: FloatArray = np.divide(top, bottom, out=np.zeros_like(np.asarray(top)), where=bottom > 0)
    return scores


def signature(*, references: int) -> str:
    return f"nrefs:{references}|case:mixed|eff:yes|nc:{ORDER}|nw:0|space:no|version:smallhub-{VERSION}"


def _against(found: Sequence[Counter[str]], reference: str) -> IntArray:
    row = np.zeros((3, ORDER), dtype=np.int64)
    for place, said in enumerate(found):
        wanted = _counts(reference, place + 1)
        # An order that the reference is too short for does not count against the hypothesis.
        row[0, place] = said.total() if wanted else 0
        row[1, place] = wanted.total()
        row[2, place] = (said & wanted).total()
    return row


def _counts(text: str, order: int) -> Counter[str]:
    letters = "".join(text.split())
    return Counter(letters[start : start + order] for start in range(len(letters) - order + 1))
