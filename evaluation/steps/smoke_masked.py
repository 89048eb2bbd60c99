"""Smoke checks of masked language models: every fixed text gets a finite probability, alone as in a batch."""

from __future__ import annotations

import math
from typing import Any

from evaluation.scorers.base import Model
from evaluation.steps.checks import Check, Run, failed, passed
from evaluation.steps.inspect import Inspection

_TEXTS = 6
_TOLERANCE = 1e-3


def forward(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S07: each text's probability is a number, and not certainty."""
    found = session.call("pseudo_log_likelihood", texts=texts["classifier"][:_TEXTS])
    if not all(math.isfinite(one.log_prob) and one.log_prob <= 0 for one in found):
        return failed("S07", "forward", "A text gets a probability that is not a number from 0 to 1.")
    if all(one.log_prob == 0 for one in found):
        return failed("S07", "forward", "Every text is certain: nothing is hidden from the model.")
    outputs["pseudo_log_probs"] = [round(one.log_prob, 2) for one in found]
    mean = sum(one.log_prob for one in found) / max(1, sum(one.tokens for one in found))
    return passed("S07", "forward", f"Finite; {mean:.2f} nats for a hidden token on average.", value=round(mean, 4))


def batch(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S08: a text alone and beside longer ones, by hidden token."""
    chosen = texts["classifier"][:_TEXTS]
    together = session.call("pseudo_log_likelihood", texts=chosen)
    alone = [session.call("pseudo_log_likelihood", texts=[text])[0] for text in chosen]
    worst = max(abs(a.log_prob - b.log_prob) / max(1, a.tokens) for a, b in zip(together, alone, strict=True))
    said = f"A padded batch moves log-probabilities by {worst:.2g} a token; the limit is {_TOLERANCE:g}."
    return (passed if worst <= _TOLERANCE else failed)("S08", "batch", said, value=worst)


def repeat(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S10: two runs are equal to the bit."""
    first, second = (session.call("pseudo_log_likelihood", texts=texts["classifier"][:_TEXTS]) for _ in range(2))
    if first != second:
        return failed("S10", "repeat", "Two equal runs give different probabilities.")
    return passed("S10", "repeat", "Two runs are equal to the last bit.", value=0)


CHECKS: list[Run] = [forward, batch, repeat]
