"""Minimal pairs: is the good sentence strictly more likely than the bad one?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset
from evaluation.metrics import pairs, uncertainty
from evaluation.scorers.base import (
    Aggregate,
    Model,
    NotScorable,
    Progress,
    Row,
    Statistic,
    ask_by_item,
    prefix_argument,
)

# Pairs of one template stand or fall together, so the interval draws whole templates; fewer say nothing in general.
MIN_GROUPS = 10


class MinimalPairs:
    """No context but the prefix token, no normalisation by length.

    The interval is that of a claim about grammar: over phenomena, not over pairs. A model that knows nothing gets
    whole phenomena right or wrong by luck, and an interval over single pairs would take that for knowledge. The
    narrower interval, of a claim about this file alone, stands among the metrics.
    """

    name = "minimal_pairs"
    version = 2
    operation = "log_likelihood"

    def collect(self, benchmark: Benchmark, dataset: Dataset, model: Model, progress: Progress) -> list[Row]:
        arguments = benchmark.scorer_args
        # The public harness writes a space before each sentence; a declaration may ask for that.
        lead = str(arguments.get("lead", ""))
        good = [lead + str(item[arguments.get("good", "good")]) for item in dataset.items]
        bad = [lead + str(item[arguments.get("bad", "bad")]) for item in dataset.items]
        both = list(zip(good, bad, strict=True))
        answers = ask_by_item(model, self.operation, both, progress, **prefix_argument(benchmark))
        rows = []
        for position, item in enumerate(dataset.items):
            first, second = answers[position]
            if math.isnan(first.log_prob) or math.isnan(second.log_prob):
                raise NotScorable("not_finite", f"The model gives {item.id} a probability that is not a number.")
            rows.append(
                {
                    "id": item.id,
                    "group": str(item[arguments["group"]]) if "group" in arguments else "",
                    # An impossible sentence has log-probability -inf; JSON has no such number.
                    "good": max(first.log_prob, -1e300),
                    "bad": max(second.log_prob, -1e300),
                    "right": pairs.is_right(first.log_prob, second.log_prob),
                    "tie": first.log_prob == second.log_prob,
                    "unknown": first.unknown + second.unknown,
                }
            )
        return rows

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        right, groups = [bool(row["right"]) for row in rows], [str(row["group"]) for row in rows]
        scores = pairs.score(right, [bool(row["tie"]) for row in rows], groups)
        values = [float(value) for value in right]
        metrics: dict[str, Any] = {
            "accuracy": scores.accuracy,
            "share_right": scores.share_right,
            "by_group": dict(scores.by_group),
        }
        if scores.has_equal_groups:
            of_this_file = uncertainty.wilson(sum(right), len(right))
        else:
            of_this_file = uncertainty.stratified_bootstrap_mean(values, groups, seed=benchmark.seed)
        interval = of_this_file
        if len(scores.by_group) >= MIN_GROUPS:
            interval = uncertainty.cluster_bootstrap_mean(values, groups, seed=benchmark.seed)
            metrics["accuracy_of_this_file"] = {
                "low": of_this_file.low,
                "high": of_this_file.high,
                "method": of_this_file.method,
            }
        unknown = sum(int(row["unknown"]) for row in rows)
        return Aggregate(metrics, interval, {"ties": scores.ties, "unknown": unknown})

    def statistic(self, benchmark: Benchmark, rows: Sequence[Row]) -> Statistic:
        """The mean over groups of each group's share, over the groups that a draw has."""
        names = sorted({str(row["group"]) for row in rows})
        number = {name: position for position, name in enumerate(names)}
        group = np.array([number[str(row["group"])] for row in rows])
        right = np.array([float(bool(row["right"])) for row in rows])

        def values(drawn: uncertainty.IntArray) -> uncertainty.FloatArray:
            sums = np.array([np.bincount(group[items], right[items], minlength=len(names)) for items in drawn])
            sizes = np.array([np.bincount(group[items], minlength=len(names)) for items in drawn])
            means: uncertainty.FloatArray = (sums / np.maximum(sizes, 1)).sum(axis=1) / (sizes > 0).sum(axis=1)
            return means

        return values

    def item_value(self, benchmark: Benchmark, row: Row) -> float | None:
        return float(bool(row["right"]))

    def prediction(self, row: Row) -> str:
        """By how much the good sentence is likelier, in nats; negative where the bad one is."""
        return f"{float(row['good']) - float(row['bad']):+.4g} nats for the good one"


class PseudoMinimalPairs(MinimalPairs):
    """The same by pseudo-log-likelihood, for masked models: each token is hidden in turn. Marked `method: pll`."""

    name = "pseudo_minimal_pairs"
    operation = "pseudo_log_likelihood"

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        found = super().aggregate(benchmark, rows)
        return Aggregate({**found.metrics, "method": "pll"}, found.interval, found.counts)
