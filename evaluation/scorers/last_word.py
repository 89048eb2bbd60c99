"""Predicting the last word of a passage, greedily.

The model continues each passage before it is shown any target, so the answers cannot influence what it says. Passages
are continued by a few tokens first, and further only while the text could still become the target.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset
from evaluation.metrics import language, uncertainty
from evaluation.scorers.base import (
    Aggregate,
    Model,
    NotScorable,
    Progress,
    Row,
    Statistic,
    ask_in_batches,
    finite,
    mean_statistic,
)

_LENGTHS = (2, 4, 8, 16)


class LastWord:
    """`accuracy`: the greedy tokens begin with the target's tokens. `target_perplexity` is per item, not per token."""

    name = "last_word"
    version = 1

    def collect(self, benchmark: Benchmark, dataset: Dataset, model: Model, progress: Progress) -> list[Row]:
        arguments = benchmark.scorer_args
        contexts = [str(item[arguments.get("context", "context")]) for item in dataset.items]
        targets = [" " + str(item[arguments.get("continuation", "continuation")]) for item in dataset.items]
        said = []
        for number, (context, target) in enumerate(zip(contexts, targets, strict=True)):
            said.append(_continue(model, context, target))
            progress(number + 1, 2 * len(contexts))
        # From here on the targets are shown, all continuations being in our hands already.
        whole = [context + target for context, target in zip(contexts, targets, strict=True)]
        answers = ask_in_batches(model, "log_likelihood", contexts + whole, lambda done, total: None)
        rows = []
        for position, item in enumerate(dataset.items):
            wanted = _target_ids(model, contexts[position], whole[position])
            log_prob = answers[len(contexts) + position].log_prob - answers[position].log_prob
            rows.append(
                {
                    "id": item.id,
                    "right": bool(wanted) and list(said[position][: len(wanted)]) == wanted,
                    "target_log_prob": finite(log_prob, f"The target of {item.id}"),
                    "target_tokens": len(wanted),
                }
            )
            progress(len(contexts) + position + 1, 2 * len(contexts))
        return rows

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        right = sum(bool(row["right"]) for row in rows)
        mean = math.fsum(row["target_log_prob"] for row in rows) / len(rows)
        metrics = {"accuracy": right / len(rows), "target_perplexity": language.perplexity(mean, 1)}
        too_long = sum(row["target_tokens"] > _LENGTHS[-1] for row in rows)
        return Aggregate(metrics, uncertainty.wilson(right, len(rows)), {"targets_over_limit": too_long})

    def statistic(self, benchmark: Benchmark, rows: Sequence[Row]) -> Statistic:
        means = mean_statistic([self.item_value(benchmark, row) or 0.0 for row in rows])
        if benchmark.main_metric == "target_perplexity":
            return lambda drawn: np.exp(np.minimum(-means(drawn), 700.0))
        return means

    def item_value(self, benchmark: Benchmark, row: Row) -> float | None:
        if benchmark.main_metric == "target_perplexity":
            return float(row["target_log_prob"])
        return float(bool(row["right"]))

    def prediction(self, row: Row) -> str:
        """The rows keep no text of the continuation, for it is only compared."""
        found = "said" if row["right"] else "said something else"
        return f"{found}; the target has {float(row['target_log_prob']):.4g} nats"


def _continue(model: Model, context: str, target: str) -> tuple[int, ...]:
    """Greedy tokens after the context, as many as are needed to tell whether they begin with the target."""
    ids: tuple[int, ...] = ()
    for length in _LENGTHS:
        answer = model.call("generate", prompt=context, max_new_tokens=length, temperature=0.0)
        if tuple(answer.token_ids[: len(ids)]) != ids:
            raise NotScorable("not_deterministic", "The model continues the same text differently a second time.")
        ids = tuple(answer.token_ids)
        could_become = target.startswith(answer.text) and len(answer.text) < len(target)
        if answer.finish == "stop" or not could_become:
            break
    return ids


def _target_ids(model: Model, context: str, whole: str) -> list[int]:
    """The tokens of context and target together that come after the context's own."""
    head, full = model.call("encode", text=context), model.call("encode", text=whole)
    ids: list[int] = full[len(head) :]
    return ids
