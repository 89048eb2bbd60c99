"""Translation: BLEU and chrF over the corpus, with the signatures that say how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset
from evaluation.metrics import bleu, chrf
from evaluation.scorers.asking import cut_marks, drawn_interval, role, texts_of
from evaluation.scorers.base import Aggregate, Model, Progress, Row, Statistic, ask_in_batches


class Translation:
    """Greedy; of each text at most 2 × its tokens + 20 new ones, which is what runtimes do without another limit."""

    name = "translation"
    version = 1

    def collect(self, benchmark: Benchmark, dataset: Dataset, model: Model, progress: Progress) -> list[Row]:
        arguments = benchmark.scorer_args
        sources = [str(item[role(arguments, "source")]) for item in dataset.items]
        codes = {name: str(arguments.get(f"{name}_language", "")) for name in ("source", "target")}
        said = ask_in_batches(model, "translate", sources, progress, **codes)
        tokenizer = _tokenizer(benchmark)
        rows = []
        for item, hypothesis, cut in zip(dataset.items, said, cut_marks(model, sources), strict=True):
            references = texts_of(item[role(arguments, "target")])
            rows.append(
                {
                    "id": item.id,
                    "gold": references,
                    "predicted": hypothesis,
                    "bleu": bleu.statistics(hypothesis, references, tokenizer=tokenizer).tolist(),
                    "chrf": chrf.statistics(hypothesis, references).tolist(),
                }
                | cut
            )
        return rows

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        words, letters = (np.array([row[name] for row in rows]) for name in ("bleu", "chrf"))
        references = max(len(row["gold"]) for row in rows)
        metrics: dict[str, Any] = {
            "bleu": float(bleu.bleu(words.sum(axis=0))),
            "chrf": float(chrf.chrf(letters.sum(axis=0))),
            "signature": bleu.signature(references=references, tokenizer=_tokenizer(benchmark)),
            "signature_chrf": chrf.signature(references=references),
        }
        empty = sum(not str(row["predicted"]).strip() for row in rows)
        drawn = self.statistic(benchmark, rows)
        interval = drawn_interval(drawn, len(rows), seed=benchmark.seed, over="sentences")
        return Aggregate(metrics, interval, {"empty": empty})

    def statistic(self, benchmark: Benchmark, rows: Sequence[Row]) -> Statistic:
        """The corpus metric of each draw's summed statistics."""
        if benchmark.main_metric == "chrf":
            letters = np.array([row["chrf"] for row in rows])
            return lambda drawn: chrf.chrf(letters[drawn].sum(axis=1))
        words = np.array([row["bleu"] for row in rows])
        return lambda drawn: bleu.bleu(words[drawn].sum(axis=1))

    def item_value(self, benchmark: Benchmark, row: Row) -> float | None:
        """None: a corpus has a BLEU, a sentence has none."""
        return None

    def prediction(self, row: Row) -> str:
        return str(row["predicted"])


def _tokenizer(benchmark: Benchmark) -> str:
    """The declared one; Chinese is parted by characters, anything else as 13a."""
    target = str(benchmark.scorer_args.get("target_language", ""))
    return str(benchmark.scorer_args.get("tokenizer", "zh" if target.startswith("zh") else "13a"))
