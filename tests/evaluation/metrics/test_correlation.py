"""Correlations equal SciPy's, one sample at a time and many at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evaluation.metrics import correlation

samples = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=30)


@given(samples)
def test_correlations_agree_with_scipy_ties_included(rows: list[tuple[int, int]]) -> None:
    first, second = np.array(rows, dtype=float).T
    assert correlation.ranks(first).tolist() == stats.rankdata(first).tolist()
    if np.ptp(first) and np.ptp(second):
        assert float(correlation.pearson(first, second)) == pytest.approx(stats.pearsonr(first, second)[0], abs=1e-12)
        assert float(correlation.spearman(first, second)) == pytest.approx(stats.spearmanr(first, second)[0], abs=1e-12)
    else:
        assert float(correlation.spearman(first, second)) == 0


def test_many_samples_are_correlated_at_once() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 4, (2, 7, 20)).astype(float)

    together = correlation.spearman(first, second)

    assert together == pytest.approx([float(correlation.spearman(a, b)) for a, b in zip(first, second, strict=True)])


def test_cosines() -> None:
    first, second = np.array([[1.0, 0], [1, 1], [0, 0]]), np.array([[0.0, 2], [3, 3], [1, 0]])

    assert correlation.cosine(first, second) == pytest.approx([0, 1, 0])
