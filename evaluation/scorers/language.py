"""Language modelling: bits per byte and perplexities of running text, document by document."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset
from evaluation.metrics import language, uncertainty
from evaluation.scorers.base import Aggregate, Model, Progress, Row, Statistic, ask_by_item, finite, prefix_argument

# Languages whose words are not parted by spaces: a perplexity per "word" would mean nothing.
_WITHOUT_SPACES = frozenset({"zh", "ja", "th", "lo", "km", "my"})


class LanguageModelling:
    """Each document is scored from its prefix token on; every token counts once.

    Texts beyond the context are scored in `blocks` that each begin from the prefix token, or in the public harness'
    `rolling` windows, which go on from what comes before: lower numbers, hence another definition.
    """

    name = "language_modelling"
    version = 2
    operation = "log_likelihood"

    def collect(self, benchmark: Benchmark, dataset: Dataset, model: Model, progress: Progress) -> list[Row]:
        role = benchmark.scorer_args.get("text", "text")
        texts = [str(item[role]) for item in dataset.items]
        rolls = benchmark.scorer_args.get("windows") == "rolling" and self.operation == "log_likelihood"
        operation = "rolling_log_likelihood" if rolls else self.operation
        single = [[text] for text in texts]
        answers = [one for (one,) in ask_by_item(model, operation, single, progress, **prefix_argument(benchmark))]
        rows = []
        for item, text, answer in zip(dataset.items, texts, answers, strict=True):
            counts = language.count(text)
            rows.append(
                {
                    "id": item.id,
                    "log_prob": finite(answer.log_prob, f"The log-probability of {item.id}"),
                    "tokens": answer.tokens,
                    "unknown": answer.unknown,
                    "bytes": counts.bytes,
                    "characters": counts.characters,
                    "words": counts.words,
                }
            )
        return rows

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        total = math.fsum(row["log_prob"] for row in rows)
        sums = {name: sum(row[name] for row in rows) for name in ("tokens", "unknown", "bytes", "characters", "words")}
        counts = language.TextCounts(sums["bytes"], sums["characters"], sums["words"])
        metrics: dict[str, Any] = {
            "bits_per_byte": language.bits_per_byte(total, counts),
            "bits_per_character": language.bits_per_character(total, counts),
            "byte_perplexity": language.perplexity(total, counts.bytes),
            "token_perplexity": language.perplexity(total, max(1, sums["tokens"])),
            "oov_rate": sums["unknown"] / max(1, sums["tokens"]),
            **{name: value for name, value in sums.items() if name != "unknown"},
        }
        if not _WITHOUT_SPACES & set(benchmark.language):
            metrics["word_perplexity"] = language.perplexity(total, counts.words)
        return Aggregate(metrics, _interval(benchmark, rows), {"unknown": sums["unknown"], "documents": len(rows)})

    def statistic(self, benchmark: Benchmark, rows: Sequence[Row]) -> Statistic:
        unit, convert = _UNITS.get(benchmark.main_metric, _UNITS["bits_per_byte"])
        nll, units = np.array([-row["log_prob"] for row in rows]), np.array([float(row[unit]) for row in rows])
        return lambda drawn: convert(nll[drawn].sum(axis=1) / np.maximum(units[drawn].sum(axis=1), 1.0))

    def item_value(self, benchmark: Benchmark, row: Row) -> float | None:
        """The log-likelihood of the document, in nats."""
        return float(row["log_prob"])

    def prediction(self, row: Row) -> str:
        bits = -float(row["log_prob"]) / (max(1, int(row["bytes"])) * math.log(2))
        return f"{bits:.4f} bits per byte"


class PseudoLanguageModelling(LanguageModelling):
    """Pseudo-perplexity of masked models: one token hidden at a time. No perplexity, so it has names of its own."""

    name = "pseudo_language_modelling"
    operation = "pseudo_log_likelihood"

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        found = super().aggregate(benchmark, rows)
        sizes = {name: found.metrics[name] for name in ("tokens", "bytes", "characters", "words", "oov_rate")}
        pseudo = {"pppl": found.metrics["token_perplexity"], "pseudo_bits_per_byte": found.metrics["bits_per_byte"]}
        return Aggregate({**pseudo, **sizes, "method": "pll"}, found.interval, found.counts)


def _interval(benchmark: Benchmark, rows: Sequence[Row]) -> uncertainty.Interval | None:
    """Bootstrap over documents of the NLL per unit, turned into the main metric, which rises with it."""
    unit, convert = _UNITS.get(benchmark.main_metric, _UNITS["bits_per_byte"])
    if len(rows) < 2:
        return None
    nll = [-row["log_prob"] for row in rows]
    _, replicates = uncertainty.bootstrap_ratio(nll, [row[unit] for row in rows], seed=benchmark.seed)
    return uncertainty.percentile(convert(replicates), method="bootstrap over documents")


def _bits(values: uncertainty.FloatArray) -> uncertainty.FloatArray:
    return values / math.log(2)


def _perplexities(values: uncertainty.FloatArray) -> uncertainty.FloatArray:
    return np.exp(np.minimum(values, 700.0))


_UNITS = {
    "bits_per_byte": ("bytes", _bits),
    "bits_per_character": ("characters", _bits),
    "word_perplexity": ("words", _perplexities),
    "byte_perplexity": ("bytes", _perplexities),
    "token_perplexity": ("tokens", _perplexities),
    "pppl": ("tokens", _perplexities),
}
