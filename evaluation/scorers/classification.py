"""Text classification by a model's own head."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from evaluation.benchmarks import labels
from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset
from evaluation.metrics import classification, uncertainty
from evaluation.scorers.asking import cut_marks
from evaluation.scorers.base import (
    Aggregate,
    Model,
    NotScorable,
    Progress,
    Row,
    Statistic,
    ask_in_batches,
    mean_statistic,
)


class Classify:
    """The most probable label, mapped by name to the set's labels."""

    name = "classification"
    version = 1

    def collect(self, benchmark: Benchmark, dataset: Dataset, model: Model, progress: Progress) -> list[Row]:
        arguments = benchmark.scorer_args
        texts = [str(item[arguments.get("text", "text")]) for item in dataset.items]
        answers = ask_in_batches(model, "classify", texts, progress)
        mapping = _mapping(benchmark, answers[0].labels)
        rows = []
        for item, answer, cut in zip(dataset.items, answers, cut_marks(model, texts), strict=True):
            if not all(math.isfinite(value) for value in answer.probabilities):
                raise NotScorable("not_finite", f"The model gives {item.id} a probability that is not a number.")
            if set(answer.labels) != mapping.keys():
                raise NotScorable("labels_changed", "The model names other labels from one text to the next.")
            gold, found = str(item[arguments.get("label", "label")]), mapping[answer.best]
            rows.append(
                {
                    "id": item.id,
                    "gold": gold,
                    "predicted": found,
                    "right": gold == found,
                    "probability": max(answer.probabilities),
                }
                | cut
            )
        return rows

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        return aggregate_classes(benchmark, rows)

    def statistic(self, benchmark: Benchmark, rows: Sequence[Row]) -> Statistic:
        return class_statistic(benchmark, rows)

    def item_value(self, benchmark: Benchmark, row: Row) -> float | None:
        return float(bool(row["right"]))

    def prediction(self, row: Row) -> str:
        return str(row["predicted"])


def aggregate_classes(benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
    """Metrics and interval of single-label rows with `gold` and `predicted`."""
    gold, predicted = [str(row["gold"]) for row in rows], [str(row["predicted"]) for row in rows]
    scores = classification.score(gold, predicted, benchmark.labels)
    metrics: dict[str, Any] = {
        "accuracy": scores.accuracy,
        "macro_f1": scores.macro_f1,
        "weighted_f1": scores.weighted_f1,
        "majority": scores.majority,
        "by_label": {
            label: {"precision": scores.precision[index], "recall": scores.recall[index], "f1": scores.f1[index]}
            for index, label in enumerate(scores.labels)
        },
        "confusion": {"labels": list(scores.labels), "rows_are_gold": [list(row) for row in scores.confusion]},
        "zero_division": 0,
    }
    positive = benchmark.scorer_args.get("positive")
    if positive is not None:
        index = benchmark.labels.index(positive)
        metrics |= {"precision": scores.precision[index], "recall": scores.recall[index], "f1": scores.f1[index]}
    return Aggregate(metrics, _interval(benchmark, rows, gold, predicted))


def _interval(
    benchmark: Benchmark, rows: Sequence[Row], gold: Sequence[str], predicted: Sequence[str]
) -> uncertainty.Interval | None:
    """Wilson for accuracy; for an F1 the bootstrap over items, from each draw's own confusion table."""
    if benchmark.main_metric == "accuracy":
        right = sum(wanted == found for wanted, found in zip(gold, predicted, strict=True))
        return uncertainty.wilson(right, len(gold))
    if len(gold) < 2 or benchmark.main_metric not in ("f1", "macro_f1"):
        return None
    return uncertainty.bootstrap_statistic(len(gold), class_statistic(benchmark, rows), seed=benchmark.seed)


def class_statistic(benchmark: Benchmark, rows: Sequence[Row]) -> Statistic:
    """Accuracy, or an F1 from each draw's own confusion table."""
    if benchmark.main_metric not in ("f1", "macro_f1"):
        return mean_statistic([float(row["gold"] == row["predicted"]) for row in rows])
    gold, predicted = [str(row["gold"]) for row in rows], [str(row["predicted"]) for row in rows]
    size = len(benchmark.labels)
    index = {label: position for position, label in enumerate(benchmark.labels)}
    cells = np.array([index[wanted] * size + index[found] for wanted, found in zip(gold, predicted, strict=True)])

    def statistic(drawn: uncertainty.IntArray) -> uncertainty.FloatArray:
        tables = np.array([np.bincount(row, minlength=size * size) for row in cells[drawn]]).reshape(-1, size, size)
        if benchmark.main_metric == "macro_f1":
            return classification.macro_f1_of_tables(tables)
        column: uncertainty.FloatArray = classification.class_f1_of_tables(tables)[
            :, index[benchmark.scorer_args["positive"]]
        ]
        return column

    return statistic


def _mapping(benchmark: Benchmark, model_labels: Sequence[str]) -> dict[str, str]:
    try:
        return labels.match(model_labels, benchmark.labels, benchmark.scorer_args.get("label_synonyms"))
    except labels.LabelsDiffer as error:
        raise NotScorable("labels_differ", f"The labels do not match: {error}") from error
