"""Similarity of sentences: how well the cosine of their vectors ranks pairs as people do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset
from evaluation.metrics import correlation
from evaluation.scorers.asking import cut_marks, drawn_interval, role
from evaluation.scorers.base import Aggregate, Model, NotScorable, Progress, Row, Statistic, ask_in_batches


class Similarity:
    """Spearman's correlation of cosine and gold score; Pearson's beside it."""

    name = "similarity"
    version = 1

    def collect(self, benchmark: Benchmark, dataset: Dataset, model: Model, progress: Progress) -> list[Row]:
        arguments = benchmark.scorer_args
        first = [str(item[role(arguments, "first")]) for item in dataset.items]
        second = [str(item[role(arguments, "second")]) for item in dataset.items]
        vectors = np.array(ask_in_batches(model, "embed", first + second, progress), dtype=float)
        if not np.isfinite(vectors).all():
            raise NotScorable("not_finite", "Some vectors hold numbers that are not finite.")
        cosines = correlation.cosine(vectors[: len(first)], vectors[len(first) :])
        return [
            {"id": item.id, "gold": float(item[role(arguments, "score")]), "cosine": float(cosine)} | cut
            for item, cosine, cut in zip(dataset.items, cosines, cut_marks(model, first, second), strict=True)
        ]

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        gold, cosines = (np.array([row[name] for row in rows], dtype=float) for name in ("gold", "cosine"))
        metrics = {
            "spearman": float(correlation.spearman(cosines, gold)),
            "pearson": float(correlation.pearson(cosines, gold)),
        }
        constant = int(np.ptp(cosines) == 0)
        drawn = self.statistic(benchmark, rows)
        interval = drawn_interval(drawn, len(rows), seed=benchmark.seed, over="pairs") if len(rows) > 2 else None
        return Aggregate(metrics, interval, {"constant": constant})

    def statistic(self, benchmark: Benchmark, rows: Sequence[Row]) -> Statistic:
        gold, cosines = (np.array([row[name] for row in rows], dtype=float) for name in ("gold", "cosine"))
        measure = correlation.pearson if benchmark.main_metric == "pearson" else correlation.spearman
        return lambda drawn: measure(cosines[drawn], gold[drawn])

    def item_value(self, benchmark: Benchmark, row: Row) -> float | None:
        """None: a correlation belongs to all pairs together."""
        return None

    def prediction(self, row: Row) -> str:
        return f"cosine {float(row['cosine']):.4f}"
