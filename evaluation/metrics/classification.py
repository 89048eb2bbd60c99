"""Accuracy, precision, recall, F1, confusion and the majority baseline, over the classes of the definition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ClassScores:
    """All shares are fractions. `confusion[gold][predicted]` counts items, in the order of `labels`."""

    labels: tuple[str, ...]
    accuracy: float
    macro_f1: float
    weighted_f1: float
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    f1: tuple[float, ...]
    confusion: tuple[tuple[int, ...], ...]
    majority: float


def score(gold: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> ClassScores:
    """Score predictions. A class of the definition that nothing predicts counts with F1 0 (zero_division: 0).

    Raises:
        ValueError: no item, different lengths, or a label outside the definition.
    """
    table = confusion(gold, predicted, labels)
    right = np.diag(table).astype(float)
    precision = _divided(right, table.sum(axis=0))
    recall = _divided(right, table.sum(axis=1))
    f1 = _divided(2 * precision * recall, precision + recall)
    support = table.sum(axis=1)
    return ClassScores(
        labels=tuple(labels),
        accuracy=float(right.sum() / table.sum()),
        macro_f1=float(f1.mean()),
        weighted_f1=float((f1 * support).sum() / support.sum()),
        precision=tuple(map(float, precision)),
        recall=tuple(map(float, recall)),
        f1=tuple(map(float, f1)),
        confusion=tuple(tuple(map(int, row)) for row in table),
        majority=float(support.max() / support.sum()),
    )


def confusion(gold: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> IntArray:
    """Counts of shape (classes, classes): rows are gold labels, columns predictions."""
    if not gold or len(gold) != len(predicted):
        raise ValueError(f"Need as many predictions as gold labels, and at least one: {len(predicted)}, {len(gold)}.")
    index = {label: position for position, label in enumerate(labels)}
    unknown = (set(gold) | set(predicted)) - index.keys()
    if unknown:
        raise ValueError(f"Labels outside the definition: {sorted(unknown)[:5]}.")
    table = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for (wanted, found), number in Counter(zip(gold, predicted, strict=True)).items():
        table[index[wanted], index[found]] = number
    return table


def macro_f1_of_tables(tables: IntArray) -> FloatArray:
    """Macro F1 of many confusion tables at once: shape (draws, classes, classes) to (draws,)."""
    means: FloatArray = class_f1_of_tables(tables).mean(axis=1)
    return means


def class_f1_of_tables(tables: IntArray) -> FloatArray:
    """F1 per class of many confusion tables: shape (draws, classes, classes) to (draws, classes)."""
    right = np.diagonal(tables, axis1=1, axis2=2).astype(float)
    # 2PR/(P+R) = 2TP/(2TP+FP+FN), and row sum plus column sum is 2TP+FP+FN.
    return _divided(2 * right, tables.sum(axis=1) + tables.sum(axis=2))


def _divided(numerator: FloatArray, denominator: IntArray | FloatArray) -> FloatArray:
    """Division where anything over zero is zero."""
    zeros: FloatArray = np.zeros_like(numerator, dtype=float)
    np.divide(numerator, denominator, out=zeros, where=denominator != 0)
    return zeros
