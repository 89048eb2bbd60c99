"""Multinomial logistic regression on frozen vectors: convex, so its answer does not depend on a starting point."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MEMORY = 10
_ITERATIONS = 500


@dataclass(frozen=True)
class Classifier:
    """Weights of shape (features + 1, classes), the last row being the bias; features are standardised first."""

    weights: FloatArray
    mean: FloatArray
    scale: FloatArray
    iterations: int
    converged: bool

    def predict(self, vectors: FloatArray) -> IntArray:
        """Class numbers, shape (rows,)."""
        features = _with_bias((vectors - self.mean) / self.scale)
        best: IntArray = np.argmax(features @ self.weights, axis=1)
        return best


def fit(vectors: FloatArray, classes: IntArray, *, number_of_classes: int, penalty: float = 1.0) -> Classifier:
    """Minimise Σ −log p(class) + penalty/2 · ‖weights without bias‖² by L-BFGS from zero.

    Args:
        vectors: shape (rows, features), finite.
        classes: shape (rows,), each from 0 to `number_of_classes` − 1.

    Raises:
        ValueError: a non-finite vector, or fewer than two rows.

    Source: Nocedal & Wright, Numerical Optimization (2006), algorithm 7.4 with backtracking.
    """
    if len(vectors) < 2 or not np.isfinite(vectors).all():
        raise ValueError("Need two vectors or more, and only finite numbers.")
    mean, scale = vectors.mean(axis=0), vectors.std(axis=0)
    scale[scale == 0] = 1.0
    features = _with_bias((vectors - mean) / scale)
    targets = np.eye(number_of_classes)[classes]
    weights = np.zeros((features.shape[1], number_of_classes))
    loss, gradient = _loss(weights, features, targets, penalty)
    steps: deque[tuple[FloatArray, FloatArray, float]] = deque(maxlen=_MEMORY)
    for iteration in range(_ITERATIONS):
        if np.abs(gradient).max() < 1e-6 * len(vectors):
            return Classifier(weights, mean, scale, iteration, True)
        direction = -_scaled(gradient, steps)
        moved, new_loss, new_gradient = _search(weights, direction, loss, gradient, features, targets, penalty)
        step, change = moved - weights, new_gradient - gradient
        if (curvature := float((step * change).sum())) > 1e-12:
            steps.append((step, change, curvature))
        elif new_loss >= loss:
            return Classifier(weights, mean, scale, iteration, True)
        weights, loss, gradient = moved, new_loss, new_gradient
    return Classifier(weights, mean, scale, _ITERATIONS, False)


def _with_bias(features: FloatArray) -> FloatArray:
    return np.hstack([features, np.ones((len(features), 1))])


def _loss(weights: FloatArray, features: FloatArray, targets: FloatArray, penalty: float) -> tuple[float, FloatArray]:
    """The penalised loss and its gradient; the bias is not penalised."""
    scores = features @ weights
    scores -= scores.max(axis=1, keepdims=True)
    exponents = np.exp(scores)
    sums = exponents.sum(axis=1, keepdims=True)
    held = weights.copy()
    held[-1] = 0.0
    loss = float(-(targets * (scores - np.log(sums))).sum() + penalty / 2 * (held**2).sum())
    return loss, features.T @ (exponents / sums - targets) + penalty * held


def _scaled(gradient: FloatArray, steps: deque[tuple[FloatArray, FloatArray, float]]) -> FloatArray:
    """The two-loop recursion: the gradient times an estimate of the inverse Hessian."""
    result, factors = gradient.copy(), []
    for step, change, curvature in reversed(steps):
        factor = float((step * result).sum()) / curvature
        result -= factor * change
        factors.append(factor)
    if steps:
        step, change, curvature = steps[-1]
        result *= curvature / float((change * change).sum())
    for (step, change, curvature), factor in zip(steps, reversed(factors), strict=True):
        result += step * (factor - float((change * result).sum()) / curvature)
    return result


def _search(
    weights: FloatArray,
    direction: FloatArray,
    loss: float,
    gradient: FloatArray,
    features: FloatArray,
    targets: FloatArray,
    penalty: float,
) -> tuple[FloatArray, float, FloatArray]:
    """Halve the step until the loss falls as much as the slope promises (Armijo)."""
    slope = float((gradient * direction).sum())
    length = 1.0
    for _ in range(40):
        moved = weights + length * direction
        new_loss, new_gradient = _loss(moved, features, targets, penalty)
        if new_loss <= loss + 1e-4 * length * slope:
            return moved, new_loss, new_gradient
        length /= 2
    return weights, loss, gradient
