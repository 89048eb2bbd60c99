"""Entities in labelled words: micro F1 over the corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from evaluation.benchmarks import labels
from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset
from evaluation.metrics import entities, uncertainty
from evaluation.metrics.entities import Counts
from evaluation.scorers.asking import ask_records, drawn_interval, role
from evaluation.scorers.base import Aggregate, Model, NotScorable, Progress, Row, Statistic

_NOTHING = Counts(0, 0, 0)


class Tagging:
    """Exact match on (type, first word, last word), in seqeval's default mode. Types are matched by what they say."""

    name = "tagging"
    version = 1

    def collect(self, benchmark: Benchmark, dataset: Dataset, model: Model, progress: Progress) -> list[Row]:
        tokens_role, tags_role = role(benchmark.scorer_args, "tokens"), role(benchmark.scorer_args, "tags")
        sentences = [[str(word) for word in item[tokens_role]] for item in dataset.items]
        records = [{"sentences": words} for words in sentences]
        answers = ask_records(model, "tag", records, [" ".join(words) for words in sentences], progress)
        mapping = _mapping(benchmark, model, answers)
        rows = []
        for item, words, answer in zip(dataset.items, sentences, answers, strict=True):
            gold = [str(tag) for tag in item[tags_role]]
            found = [_renamed(label, mapping) for label in answer]
            counts = entities.count(gold, found)
            rows.append(
                {
                    "id": item.id,
                    "gold": gold,
                    "predicted": found,
                    "right": entities.entities(gold) == entities.entities(found),
                    "counts": {kind: [one.right, one.predicted, one.gold] for kind, one in counts.items()},
                    "truncated": _truncated(model, words),
                }
            )
        return rows

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        by_type = {
            kind: reduce(add, (Counts(*row["counts"][kind]) for row in rows if kind in row["counts"]), _NOTHING)
            for kind in benchmark.labels
        }
        total = reduce(add, by_type.values(), _NOTHING)
        metrics: dict[str, Any] = {
            "f1": total.f1,
            "precision": total.precision,
            "recall": total.recall,
            "by_label": {kind: _shares(found) for kind, found in by_type.items()},
            "mode": "default",
            "entities": total.gold,
        }
        for group, kinds in benchmark.scorer_args.get("groups", {}).items():
            part = reduce(add, (by_type[kind] for kind in kinds), _NOTHING)
            metrics.setdefault("by_group", {})[group] = _shares(part)
        truncated = sum(int(row["truncated"]) for row in rows)
        drawn = self.statistic(benchmark, rows)
        interval = drawn_interval(drawn, len(rows), seed=benchmark.seed, over="sentences")
        return Aggregate(metrics, interval, {"truncated_tokens": truncated})

    def statistic(self, benchmark: Benchmark, rows: Sequence[Row]) -> Statistic:
        """F1 of each draw's own sums."""
        kept = [[Counts(*found) for kind, found in row["counts"].items() if kind in benchmark.labels] for row in rows]
        sums = [reduce(add, counts, _NOTHING) for counts in kept]
        table = np.array([[one.right, one.predicted + one.gold] for one in sums], dtype=float)

        def values(drawn: uncertainty.IntArray) -> uncertainty.FloatArray:
            right, either = table[drawn, 0].sum(1), table[drawn, 1].sum(1)
            found: uncertainty.FloatArray = np.divide(2 * right, either, out=np.zeros_like(right), where=either > 0)
            return found

        return values

    def item_value(self, benchmark: Benchmark, row: Row) -> float | None:
        """None: entities count, not sentences."""
        return None

    def prediction(self, row: Row) -> str:
        return " ".join(map(str, row["predicted"]))


def _shares(found: Counts) -> dict[str, float]:
    return {"precision": found.precision, "recall": found.recall, "f1": found.f1}


def _mapping(benchmark: Benchmark, model: Model, answers: Sequence[Sequence[str]]) -> dict[str, str]:
    """The model's types as the set's. The model's own list counts; without one, what it said."""
    described = model.description.get("description", {}).get("labels")
    said = {label for answer in answers for label in answer}
    own = {str(label) for label in described} | said if isinstance(described, (list, tuple)) else said
    try:
        return labels.match_types(own, benchmark.labels, benchmark.scorer_args.get("label_synonyms"))
    except labels.LabelsDiffer as error:
        raise NotScorable("labels_differ", f"The labels do not match: {error}") from error


def _renamed(label: str, mapping: Mapping[str, str]) -> str:
    prefix, hyphen, kind = label.partition("-")
    return f"{prefix}-{mapping[kind]}" if hyphen else label


def _truncated(model: Model, words: Sequence[str]) -> int:
    """How many words lie behind the context's end, where the model tells its context. They count as O.

    A token has at least one byte, so short sentences need no asking.
    """
    context = model.description.get("description", {}).get("context_length")
    if not isinstance(context, int) or context < 1 or len(" ".join(words).encode()) <= context - 2:
        return 0
    used = 0
    for number, word in enumerate(words):
        used += len(model.call("encode", text=word))
        if used > context - 2:  # Room for a first and a last special token.
            return len(words) - number
    return 0
