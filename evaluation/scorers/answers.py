"""Answers to questions on a text: spans that a reader finds, and answers that a language model writes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset, Item
from evaluation.metrics import answers as metric
from evaluation.metrics import uncertainty
from evaluation.metrics.code import cut
from evaluation.scorers.asking import ask_records, ask_to_go_on, cut_mark, drawn_interval, is_chinese, role, texts_of
from evaluation.scorers.base import Aggregate, Model, Progress, Row, Statistic, mean_statistic


class _Answers(ABC):
    """What both kinds share: exact match and F1, the maximum over the references of each question."""

    name: str
    version = 1
    method: str

    @abstractmethod
    def ask(
        self, benchmark: Benchmark, items: Sequence[Item], model: Model, progress: Progress
    ) -> list[tuple[str, Row]]:
        """The answers in the order of the items, each with what else its row tells."""

    def collect(self, benchmark: Benchmark, dataset: Dataset, model: Model, progress: Progress) -> list[Row]:
        said = self.ask(benchmark, dataset.items, model, progress)
        gold = role(benchmark.scorer_args, "answers")
        chinese = is_chinese(benchmark.language)
        rows = []
        for item, (text, more) in zip(dataset.items, said, strict=True):
            references = texts_of(item[gold])
            row: Row = {"id": item.id, "gold": references, "predicted": text}
            if chinese:
                row["exact"] = metric.exact(text, references, metric.normalised_by_characters)
                row["f1"] = metric.f1(text, references, metric.characters)
                row["f1_cmrc"] = metric.f1_cmrc(text, references)
            else:
                row["exact"] = metric.exact(text, references)
                row["f1"] = metric.f1(text, references)
            rows.append(row | {"right": bool(row["exact"])} | more)
        return rows

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        n = len(rows)
        metrics: dict[str, Any] = {
            "f1": sum(row["f1"] for row in rows) / n,
            "exact_match": sum(row["exact"] for row in rows) / n,
            "method": self.method,
            "normalisation": "characters" if is_chinese(benchmark.language) else "squad",
        }
        if "f1_cmrc" in rows[0]:
            metrics["f1_cmrc"] = sum(row["f1_cmrc"] for row in rows) / n
        empty = sum(not row["predicted"].strip() for row in rows)
        return Aggregate(metrics, self._interval(benchmark, rows), {"empty": empty})

    def statistic(self, benchmark: Benchmark, rows: Sequence[Row]) -> Statistic:
        return mean_statistic([row[_column(benchmark)] for row in rows])

    def item_value(self, benchmark: Benchmark, row: Row) -> float | None:
        return float(row[_column(benchmark)])

    def prediction(self, row: Row) -> str:
        return str(row["predicted"])

    def _interval(self, benchmark: Benchmark, rows: Sequence[Row]) -> uncertainty.Interval | None:
        """Wilson for exact match; for F1 the bootstrap over questions."""
        column = _column(benchmark)
        if column == "exact":
            return uncertainty.wilson(int(sum(row["exact"] for row in rows)), len(rows))
        return drawn_interval(self.statistic(benchmark, rows), len(rows), seed=benchmark.seed, over="questions")


class SpanAnswers(_Answers):
    """A reader's span. Windows, stride and longest answer are the runtime's, which are those of the specification."""

    name = "span_answers"
    method = "span"

    def ask(
        self, benchmark: Benchmark, items: Sequence[Item], model: Model, progress: Progress
    ) -> list[tuple[str, Row]]:
        arguments = benchmark.scorer_args
        question, context = role(arguments, "question"), role(arguments, "context")
        records = [{"questions": str(item[question]), "contexts": str(item[context])} for item in items]
        order_by = [f"{record['contexts']}\n{record['questions']}" for record in records]
        return [(answer.text, {}) for answer in ask_records(model, "answer", records, order_by, progress)]


class GeneratedAnswers(_Answers):
    """A language model goes on from the declared prompt; its answer ends at the first stop, or after the limit."""

    name = "generated_answers"
    method = "generative"

    def ask(
        self, benchmark: Benchmark, items: Sequence[Item], model: Model, progress: Progress
    ) -> list[tuple[str, Row]]:
        arguments = benchmark.scorer_args
        longest, stops = int(arguments.get("max_new_tokens", 32)), texts_of(arguments.get("stops", ["\n"]))
        prompts = [benchmark.fill(item.values) for item in items]
        said = ask_to_go_on(
            model, prompts, progress, max_new_tokens=longest, stops=stops, seconds=benchmark.limits.seconds
        )
        return [(cut(answer.text.lstrip(), stops).strip(), cut_mark(answer)) for answer in said]


def _column(benchmark: Benchmark) -> str:
    return {"exact_match": "exact", "f1_cmrc": "f1_cmrc"}.get(benchmark.main_metric, "f1")
