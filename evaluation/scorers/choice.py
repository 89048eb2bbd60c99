"""Multiple choice: which option does the model find likeliest after the context?

Context and option are tokenised together; what is scored are the tokens behind as many as the context has alone. Items
whose tokens merge across that border, and those whose context was too long, are counted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset, Item
from evaluation.metrics import uncertainty
from evaluation.scorers.base import (
    Aggregate,
    Model,
    Progress,
    Row,
    Statistic,
    ask_continuations,
    finite,
    mean_statistic,
)


class _Choice(ABC):
    """What both kinds share: pairs of (context, continuation) per option, then an argmax."""

    version = 2

    @abstractmethod
    def options(self, benchmark: Benchmark, item: Item) -> list[tuple[str, str]]:
        """The options as (context, continuation), in the item's order."""

    def collect(self, benchmark: Benchmark, dataset: Dataset, model: Model, progress: Progress) -> list[Row]:
        options = [self.options(benchmark, item) for item in dataset.items]
        answers = ask_continuations(model, options, progress)
        rows = []
        for item, group, found in zip(dataset.items, options, answers, strict=True):
            logs = [finite(answer.log_prob, f"An option of {item.id}") for answer in found]
            sizes = [max(1, len(continuation.strip())) for _, continuation in group]
            rows.append(
                {
                    "id": item.id,
                    "gold": int(item[benchmark.scorer_args.get("gold", "gold")]),
                    "log_probs": logs,
                    "characters": sizes,
                    "predicted": _first_best(logs),
                    "predicted_normalised": _first_best([log / size for log, size in zip(logs, sizes, strict=True)]),
                    "tie": logs.count(max(logs)) > 1,
                    "merged": sum(answer.is_merged for answer in found),
                    "truncated": any(answer.cut_tokens for answer in found),
                }
            )
        return rows

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        right = sum(row["predicted"] == row["gold"] for row in rows)
        normalised = sum(row["predicted_normalised"] == row["gold"] for row in rows)
        main = normalised if benchmark.main_metric == "accuracy_normalised" else right
        counts = {"ties": sum(row["tie"] for row in rows), "merged_tokens": sum(row["merged"] for row in rows)}
        metrics = {"accuracy": right / len(rows), "accuracy_normalised": normalised / len(rows)}
        return Aggregate(metrics, uncertainty.wilson(main, len(rows)), counts)

    def statistic(self, benchmark: Benchmark, rows: Sequence[Row]) -> Statistic:
        return mean_statistic([self.item_value(benchmark, row) or 0.0 for row in rows])

    def item_value(self, benchmark: Benchmark, row: Row) -> float | None:
        normalised = benchmark.main_metric == "accuracy_normalised"
        return float(row["predicted_normalised" if normalised else "predicted"] == row["gold"])

    def prediction(self, row: Row) -> str:
        """The options by number from 1, as people count: by the plain and by the normalised likelihood."""
        plain, normalised = int(row["predicted"]) + 1, int(row["predicted_normalised"]) + 1
        return str(plain) if plain == normalised else f"{plain} (per character: {normalised})"


class MultipleChoice(_Choice):
    """One context, several continuations. `accuracy_normalised` divides by the option's characters."""

    name = "multiple_choice"

    def options(self, benchmark: Benchmark, item: Item) -> list[tuple[str, str]]:
        arguments = benchmark.scorer_args
        context = str(item[arguments.get("context", "context")])
        if "context_template" in arguments:
            context = str(arguments["context_template"]).replace("{context}", context.removesuffix("\n"))
        return [(context, " " + str(option)) for option in item[arguments.get("choices", "choices")]]


class PartialEvaluation(_Choice):
    """Several contexts, one continuation: which context makes the same words likelier?"""

    name = "partial_evaluation"

    def options(self, benchmark: Benchmark, item: Item) -> list[tuple[str, str]]:
        arguments = benchmark.scorer_args
        continuation = " " + str(item[arguments.get("continuation", "continuation")])
        return [(str(context), continuation) for context in item[arguments.get("contexts", "contexts")]]


def _first_best(values: Sequence[float]) -> int:
    return max(range(len(values)), key=lambda position: values[position])
