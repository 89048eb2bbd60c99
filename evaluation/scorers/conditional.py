"""How likely an encoder-decoder finds the right target of a source: `cond_ppl`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset
from evaluation.metrics import language, uncertainty
from evaluation.scorers.asking import ask_records, drawn_interval, role, texts_of
from evaluation.scorers.base import Aggregate, Model, Progress, Row, Statistic, finite


class ConditionalLanguageModelling:
    """Perplexity of the target given the source, per token of the model: comparable inside one tokenizer only.

    Scoring a target means showing it. So a set is either generated from or scored this way in one run, never both.
    """

    name = "conditional_language_modelling"
    version = 1

    def collect(self, benchmark: Benchmark, dataset: Dataset, model: Model, progress: Progress) -> list[Row]:
        arguments = benchmark.scorer_args
        sources = [str(item[role(arguments, "source")]) for item in dataset.items]
        targets = [texts_of(item[role(arguments, "target")])[0] for item in dataset.items]
        records = [{"texts": source, "targets": target} for source, target in zip(sources, targets, strict=True)]
        codes = {name: str(arguments.get(f"{name}_language", "")) for name in ("source", "target")}
        answers = ask_records(model, "conditional_log_likelihood", records, sources, progress, **codes)
        rows = []
        for item, target, answer in zip(dataset.items, targets, answers, strict=True):
            counts = language.count(target)
            rows.append(
                {
                    "id": item.id,
                    "log_prob": finite(answer.log_prob, f"The log-probability of {item.id}"),
                    "tokens": answer.tokens,
                    "bytes": counts.bytes,
                    "characters": counts.characters,
                }
            )
        return rows

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        total = math.fsum(row["log_prob"] for row in rows)
        sums = {name: sum(row[name] for row in rows) for name in ("tokens", "bytes", "characters")}
        metrics = {
            "cond_ppl": language.perplexity(total, max(1, sums["tokens"])),
            "cond_bits_per_byte": -total / (max(1, sums["bytes"]) * math.log(2)),
            **sums,
        }
        interval = drawn_interval(self.statistic(benchmark, rows), len(rows), seed=benchmark.seed, over="items")
        return Aggregate(metrics, interval, {"documents": len(rows)})

    def statistic(self, benchmark: Benchmark, rows: Sequence[Row]) -> Statistic:
        per_byte = benchmark.main_metric == "cond_bits_per_byte"
        nll = np.array([-row["log_prob"] for row in rows])
        units = np.array([float(row["bytes" if per_byte else "tokens"]) for row in rows])

        def values(drawn: uncertainty.IntArray) -> uncertainty.FloatArray:
            found = nll[drawn].sum(axis=1) / np.maximum(units[drawn].sum(axis=1), 1.0)
            bent: uncertainty.FloatArray = found / math.log(2) if per_byte else np.exp(np.minimum(found, 700.0))
            return bent

        return values

    def item_value(self, benchmark: Benchmark, row: Row) -> float | None:
        """The log-likelihood of the target, in nats."""
        return float(row["log_prob"])

    def prediction(self, row: Row) -> str:
        bits = -float(row["log_prob"]) / (max(1, int(row["bytes"])) * math.log(2))
        return f"{bits:.4f} bits per byte"
