"""What recipes measure on texts that they kept back."""

import math
import time
from collections.abc import Sequence

from smallhub.runtimes import Model


def bits_per_byte(model: Model, texts: Sequence[str]) -> float:
    """−log₂ of the probability of all texts together, per byte in UTF-8. Lower is better; 8 is no model at all."""
    total = sum(likelihood.log_prob for likelihood in model.log_likelihood(texts))
    return -total / (math.log(2) * sum(len(text.encode()) for text in texts))


def seconds_of(began: float) -> float:
    """Seconds since a moment of `time.monotonic`, to a tenth."""
    return round(time.monotonic() - began, 1)
