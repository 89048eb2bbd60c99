"""Summaries and titles: ROUGE, the mean over items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset
from evaluation.metrics import bleu, rouge
from evaluation.scorers.asking import cut_marks, drawn_interval, is_chinese, role, texts_of
from evaluation.scorers.base import Aggregate, Model, Progress, Row, Statistic, ask_in_batches, mean_statistic

_NAMES = {"rouge1": "rouge1", "rouge2": "rouge2", "rougeL": "rouge_l"}


class Summaries:
    """Against the first reference, or the maximum over references for each measure, as `references` declares.

    BLEU by characters stands beside it for Chinese titles.
    """

    name = "summaries"
    version = 1

    def collect(self, benchmark: Benchmark, dataset: Dataset, model: Model, progress: Progress) -> list[Row]:
        arguments = benchmark.scorer_args
        texts = [str(item[role(arguments, "source")]) for item in dataset.items]
        longest = int(arguments.get("max_new_tokens", 128))
        said = ask_in_batches(model, "summarize", texts, progress, max_new_tokens=longest)
        tokenizer = _tokenizer(benchmark)
        rows = []
        for item, text, cut in zip(dataset.items, said, cut_marks(model, texts), strict=True):
            references = texts_of(item[role(arguments, "references")])
            chosen = references if _takes_all(benchmark) else references[:1]
            row: Row = {"id": item.id, "gold": references, "predicted": text}
            row |= {_NAMES[name]: value for name, value in rouge.best(text, chosen, tokenizer=tokenizer).items()}
            if tokenizer == "char":
                row["bleu"] = bleu.statistics(text, chosen, tokenizer="char").tolist()
            rows.append(row | cut)
        return rows

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        metrics: dict[str, Any] = {name: sum(float(row[name]) for row in rows) / len(rows) for name in _NAMES.values()}
        metrics |= {
            "references": "maximum" if _takes_all(benchmark) else "first",
            "tokenizer": _tokenizer(benchmark),
            "stemmer": _tokenizer(benchmark) == "en",
        }
        if "bleu" in rows[0]:
            metrics["bleu"] = float(bleu.bleu(np.sum([row["bleu"] for row in rows], axis=0)))
            metrics["signature"] = bleu.signature(references=1, tokenizer="char")
        empty = sum(not str(row["predicted"]).strip() for row in rows)
        interval = drawn_interval(self.statistic(benchmark, rows), len(rows), seed=benchmark.seed, over="items")
        return Aggregate(metrics, interval, {"empty": empty})

    def statistic(self, benchmark: Benchmark, rows: Sequence[Row]) -> Statistic:
        return mean_statistic([self.item_value(benchmark, row) or 0.0 for row in rows])

    def item_value(self, benchmark: Benchmark, row: Row) -> float | None:
        return float(row[benchmark.main_metric if benchmark.main_metric in _NAMES.values() else "rouge_l"])

    def prediction(self, row: Row) -> str:
        return str(row["predicted"])


def _tokenizer(benchmark: Benchmark) -> str:
    return "char" if is_chinese(benchmark.language) else "en"


def _takes_all(benchmark: Benchmark) -> bool:
    return bool(benchmark.scorer_args.get("references_rule", "first") == "maximum")
