"""How large a difference must be before it matters."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.benchmarks.definition import Benchmark

POINTS = 0.01  # One point of a share.
BLEU_POINTS = 1.0
RELATIVE = 0.01
# Metrics that are printed from 0 to 100.
_OUT_OF_A_HUNDRED = frozenset({"bleu", "chrf"})
# A share of errors has no fixed scale that all models use: one hundredth of what it was counts.
_RELATIVE_SHARES = frozenset({"wer", "cer", "word_error_rate", "character_error_rate"})


@dataclass(frozen=True)
class Margin:
    """A margin in the metric's own unit, or as a share of the old value."""

    size: float
    is_relative: bool = False

    def around(self, old: float) -> float:
        """In the metric's own unit, next to this old value."""
        return self.size * abs(old) if self.is_relative else self.size


def margin_of(benchmark: Benchmark, chosen: float | None = None) -> Margin:
    """The margin of a benchmark: one point of what is like an accuracy and of BLEU, one per cent of the old value of
    perplexities, bits and error rates.

    Args:
        chosen: what somebody set in its place: points where the default is in points, else per cent.
    """
    metric = benchmark.main_metric
    is_share = benchmark.higher_is_better and benchmark.scale.high <= 1
    if metric in _OUT_OF_A_HUNDRED or (benchmark.higher_is_better and not is_share):
        return Margin(BLEU_POINTS if chosen is None else chosen)
    if is_share and metric not in _RELATIVE_SHARES:
        return Margin(POINTS if chosen is None else chosen / 100)
    return Margin(RELATIVE if chosen is None else chosen / 100, is_relative=True)
