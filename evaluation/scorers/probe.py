"""Classification of frozen vectors: a logistic regression is learnt outside the sandbox, on the train split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset
from evaluation.metrics import logistic
from evaluation.scorers.base import Aggregate, Model, NotScorable, Progress, Row, Statistic, ask_in_batches
from evaluation.scorers.classification import aggregate_classes, class_statistic


class Probe:
    """`probe_lr`: says how much of the label a linear reader finds in the vectors. The labels never reach the model."""

    name = "probe_classification"
    version = 1

    def collect(self, benchmark: Benchmark, dataset: Dataset, model: Model, progress: Progress) -> list[Row]:
        arguments = benchmark.scorer_args
        text, label = arguments.get("text", "text"), arguments.get("label", "label")
        items = [*dataset.train, *dataset.items]
        answers = ask_in_batches(model, "embed", [str(item[text]) for item in items], progress)
        vectors = np.array(answers, dtype=float)
        if not np.isfinite(vectors).all():
            raise NotScorable("not_finite", "Some vectors hold numbers that are not finite.")
        index = {name: position for position, name in enumerate(benchmark.labels)}
        cut = len(dataset.train)
        learnt = logistic.fit(
            vectors[:cut],
            np.array([index[str(item[label])] for item in dataset.train]),
            number_of_classes=len(index),
            penalty=float(arguments.get("penalty", 1.0)),
        )
        if not learnt.converged:
            raise NotScorable("probe_did_not_converge", "The regression on the vectors did not converge.")
        rows = []
        for item, number in zip(dataset.items, learnt.predict(vectors[cut:]), strict=True):
            gold, found = str(item[label]), benchmark.labels[int(number)]
            rows.append({"id": item.id, "gold": gold, "predicted": found, "right": gold == found, "train_rows": cut})
        return rows

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        found = aggregate_classes(benchmark, rows)
        return Aggregate(
            {**found.metrics, "probe": "probe_lr", "train_rows": rows[0]["train_rows"]}, found.interval, found.counts
        )

    def statistic(self, benchmark: Benchmark, rows: Sequence[Row]) -> Statistic:
        return class_statistic(benchmark, rows)

    def item_value(self, benchmark: Benchmark, row: Row) -> float | None:
        return float(bool(row["right"]))

    def prediction(self, row: Row) -> str:
        return str(row["predicted"])
