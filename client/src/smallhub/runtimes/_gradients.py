"""Integrated gradients: what each token adds to an answer along the way from an input that says nothing.

The way is straight, from the baseline's embeddings to the input's; the integral is a sum at Gauss-Legendre points, so
that the scores of all tokens sum to the difference of the two answers, but for the error of the sum. It is checked,
and where it is too large, more points are taken.

Source: M. Sundararajan, A. Taly and Q. Yan, Axiomatic Attribution for Deep Networks, ICML 2017.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from smallhub.runtimes._torch import exact
from smallhub.runtimes._types import Explanation

_STEPS = (16, 64, 256)
_BATCH = 16
_TOLERANCE = 0.005  # Of the difference that is to be accounted for, or of 1 where that is less.

Answer = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True)
class Attribution:
    """One score for each token, and both ends of the way."""

    scores: tuple[float, ...]
    total: float
    baseline: float


def integrate(answer: Answer, embedded: torch.Tensor, baseline: torch.Tensor) -> Attribution:
    """Attribute an answer to tokens.

    Args:
        answer: from embeddings, shape (batch, tokens, width), to one number for each row.
        embedded: of the input, shape (tokens, width); `baseline` of the input that says nothing.
    """
    ends = _ends(answer, embedded, baseline)
    difference = embedded - baseline
    scores = torch.zeros(len(embedded), dtype=torch.float64)
    for steps in _STEPS:
        points, weights = np.polynomial.legendre.leggauss(steps)
        points, weights = (points + 1) / 2, weights / 2
        scores = torch.zeros(len(embedded), dtype=torch.float64)
        for start in range(0, steps, _BATCH):
            share = torch.tensor(points[start : start + _BATCH], dtype=torch.float32)[:, None, None]
            gradients = _gradients(answer, baseline + share * difference)
            own = (gradients * difference).double().sum(dim=-1)
            scores += (own * torch.tensor(weights[start : start + _BATCH])[:, None]).sum(dim=0)
        if abs(float(scores.sum()) - (ends[0] - ends[1])) <= _TOLERANCE * max(1.0, abs(ends[0] - ends[1])):
            break
    return Attribution(tuple(float(score) for score in scores), *ends)


def explanation(
    attribution: Attribution, text: str, spans: Sequence[tuple[int, int]], *, target: str, measure: str
) -> Explanation:
    """The attribution to stretches of a text, as an answer to the one who asked."""
    return Explanation(
        units=tuple(text[start:end] for start, end in spans),
        spans=tuple(spans),
        scores=attribution.scores,
        target=target,
        method="integrated_gradients",
        total=attribution.total,
        baseline=attribution.baseline,
        measure=measure,
    )


def merged(attribution: Attribution, owners: Sequence[int | None], parts: int) -> Attribution:
    """Scores of parts from those of their tokens. Tokens of nobody are those that the way does not change."""
    scores = [0.0] * parts
    for owner, score in zip(owners, attribution.scores, strict=True):
        if owner is not None:
            scores[owner] += score
    return Attribution(tuple(scores), attribution.total, attribution.baseline)


def owners_of(offsets: Sequence[tuple[int, int] | None], parts: Sequence[tuple[int, int]]) -> list[int | None]:
    """The part of each token: the last one that begins before the token ends. None for tokens that stand nowhere."""
    starts = [start for start, _ in parts]
    return [
        None if span is None or span[1] <= span[0] or not parts else max(0, bisect_left(starts, span[1]) - 1)
        for span in offsets
    ]


def _ends(answer: Answer, embedded: torch.Tensor, baseline: torch.Tensor) -> tuple[float, float]:
    with exact():
        values = [float(answer(one.unsqueeze(0))[0]) for one in (embedded, baseline)]
    return values[0], values[1]


def _gradients(answer: Answer, points: torch.Tensor) -> torch.Tensor:
    with _graded():
        leaf = points.detach().clone().requires_grad_(True)
        (found,) = torch.autograd.grad(answer(leaf).sum(), leaf)
        return found.detach()


@contextmanager
def _graded() -> Iterator[None]:
    """As `exact`, but with gradients."""
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        with torch.enable_grad():
            yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warned)
