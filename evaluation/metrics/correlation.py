"""Pearson's and Spearman's correlation, of one sample or of many drawn ones at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def pearson(first: FloatArray, second: FloatArray) -> FloatArray:
    """Correlation along the last axis: shape (…, n) to (…). 0 where one side does not vary."""
    x = first - first.mean(axis=-1, keepdims=True)
    y = second - second.mean(axis=-1, keepdims=True)
    bottom = np.sqrt((x * x).sum(axis=-1) * (y * y).sum(axis=-1))
    top = (x * y).sum(axis=-1)
    found: FloatArray = np.divide(top, bottom, out=np.zeros_like(np.asarray(top)), where=bottom > 0)
    return found


def spearman(first: FloatArray, second: FloatArray) -> FloatArray:
    """Correlation of ranks along the last axis, equal values sharing their mean rank.

    Source: Spearman, The Proof and Measurement of Association between Two Things (1904).
    """
    return pearson(ranks(first), ranks(second))


def ranks(values: FloatArray) -> FloatArray:
    """Ranks from 1 along the last axis; equal values get the mean of theirs."""
    table = np.atleast_2d(np.asarray(values, dtype=float))
    order = np.argsort(table, axis=1, kind="stable")
    ordered = np.take_along_axis(table, order, axis=1)
    places = np.arange(table.shape[1])
    begins = np.ones_like(ordered, dtype=bool)
    begins[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.maximum.accumulate(np.where(begins, places, 0), axis=1)
    ends = np.ones_like(begins)
    ends[:, :-1] = begins[:, 1:]
    last = np.minimum.accumulate(np.where(ends, places, table.shape[1])[:, ::-1], axis=1)[:, ::-1]
    found = np.empty_like(ordered)
    np.put_along_axis(found, order, (first + last) / 2 + 1, axis=1)
    return found.reshape(np.shape(values))


def cosine(first: FloatArray, second: FloatArray) -> FloatArray:
    """Cosine of pairs of vectors along the last axis; 0 where one of them is zero."""
    bottom = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    top = (first * second).sum(axis=-1)
    found: FloatArray = np.divide(top, bottom, out=np.zeros_like(np.asarray(top)), where=bottom > 0)
    return found
