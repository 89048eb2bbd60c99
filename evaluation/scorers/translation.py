"""Translation: BLEU and chrF over the corpus, with the signatures that say how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset
from evaluation.metrics import bleu, chrf
from evaluation.scorers.asking import drawn_interval, role, texts_of
from evaluation.scorers.base import BATCH_ITEMS, Aggregate, Model, Progress, Row, Statistic


class Translation:
    """Greedy, at most 2 × the source's tokens + 20 new ones. Each batch holds sources of one length, so that the limit
    of one is not the limit of another, and nothing is padded."""

    name = "translation"
    version = 1

    def collect(self, benchmark: Benchmark, dataset: Dataset, model: Model, progress: Progress) -> list[Row]:
        arguments = benchmark.scorer_args
        sources = [str(item[role(arguments, "source")]) for item in dataset.items]
        said = _translated(benchmark, sources, model, progress)
        tokenizer = _tokenizer(benchmark)
        rows = []
        for item, source in zip(dataset.items, sources, strict=True):
            references = texts_of(item[role(arguments, "target")])
            hypothesis = said[source]
            rows.append(
                {
                    "id": item.id,
                    "gold": references,
                    "predicted": hypothesis,
                    "bleu": bleu.statistics(hypothesis, references, tokenizer=tokenizer).tolist(),
                    "chrf": chrf.statistics(hypothesis, references).tolist(),
                }
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


def _translated(benchmark: Benchmark, sources: Sequence[str], model: Model, progress: Progress) -> dict[str, str]:
    """Each different source with its translation."""
    arguments = benchmark.scorer_args
    codes: dict[str, Any] = {
        "source": str(arguments.get("source_language", "")),
        "target": str(arguments.get("target_language", "")),
    }
    by_length: dict[int, list[str]] = {}
    for text in sorted(set(sources)):
        by_length.setdefault(len(model.call("encode", text=text)), []).append(text)
    said: dict[str, str] = {}
    for length, texts in sorted(by_length.items()):
        for start in range(0, len(texts), BATCH_ITEMS):
            batch = texts[start : start + BATCH_ITEMS]
            found = model.call("translate", texts=batch, max_new_tokens=2 * length + 20, **codes)
            said |= dict(zip(batch, found, strict=True))
            progress(len(said), len(set(sources)))
    return said


def _tokenizer(benchmark: Benchmark) -> str:
    """The declared one; Chinese is parted by characters, anything else as 13a."""
    target = str(benchmark.scorer_args.get("target_language", ""))
    return str(benchmark.scorer_args.get("tokenizer", "zh" if target.startswith("zh") else "13a"))
