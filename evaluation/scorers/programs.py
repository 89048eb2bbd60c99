"""Programs that a model writes: pass@1, each program tried in a sandbox of its own.

Neither solutions nor hidden tests reach the model. They meet its program only in the program's own sandbox.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset, Item
from evaluation.metrics import uncertainty
from evaluation.metrics.code import HUMANEVAL_STOPS, cut, pass_at_k
from evaluation.sandbox import trials
from evaluation.scorers.asking import ask_to_go_on, cut_mark, role, texts_of
from evaluation.scorers.base import Aggregate, Model, Progress, Row, Statistic, mean_statistic


class Programs:
    """Greedy, one program an item, so pass@1 is the share that passes. `style` says what a program is made of:

    - `completion`: the item's prompt goes on in the model's words; then `test`, and a call of `check(entry_point)`.
    - `tests`: the declared template is the prompt; the program is what the model says, then the item's own asserts.
    """

    name = "programs"
    version = 1

    def collect(self, benchmark: Benchmark, dataset: Dataset, model: Model, progress: Progress) -> list[Row]:
        arguments = benchmark.scorer_args
        longest = int(arguments.get("max_new_tokens", 512))
        stops = texts_of(arguments.get("stops", HUMANEVAL_STOPS))
        total = 2 * len(dataset.items)
        prompts = [_prompt(benchmark, item) for item in dataset.items]
        written = ask_to_go_on(
            model,
            prompts,
            lambda done, of: progress(len(prompts) * done // of, total),
            max_new_tokens=longest,
            stops=stops,
            seconds=benchmark.limits.seconds,
        )
        completions = [cut(answer.text, stops) for answer in written]
        pairs = zip(dataset.items, completions, strict=True)
        rows: list[Row] = []
        with closing(trials.run_all([_program(benchmark, *pair) for pair in pairs])) as ends:
            for item, answer, completion, ended in zip(dataset.items, written, completions, ends, strict=True):
                row = {"id": item.id, "predicted": completion, "outcome": ended.outcome, "detail": ended.detail}
                rows.append(row | {"right": ended.outcome == "pass"} | cut_mark(answer))
                progress(len(written) + len(rows), total)
        return rows

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        right = sum(bool(row["right"]) for row in rows)
        metrics = {"pass_at_1": sum(pass_at_k(1, int(bool(row["right"])), 1) for row in rows) / len(rows)}
        ended = Counter(str(row["outcome"]) for row in rows)
        return Aggregate(
            metrics, uncertainty.wilson(right, len(rows)), {outcome: ended[outcome] for outcome in trials.OUTCOMES}
        )

    def statistic(self, benchmark: Benchmark, rows: Sequence[Row]) -> Statistic:
        return mean_statistic([float(bool(row["right"])) for row in rows])

    def item_value(self, benchmark: Benchmark, row: Row) -> float | None:
        return float(bool(row["right"]))

    def prediction(self, row: Row) -> str:
        return f"{row['outcome']}\n{row['predicted']}"


def _prompt(benchmark: Benchmark, item: Item) -> str:
    if benchmark.scorer_args.get("style") == "tests":
        return benchmark.fill(item.values)
    return str(item[role(benchmark.scorer_args, "prompt")])


def _program(benchmark: Benchmark, item: Item, completion: str) -> str:
    arguments = benchmark.scorer_args
    if arguments.get("style") == "tests":
        setup = str(item.values.get(role(arguments, "setup"), ""))
        return "\n".join([setup, completion, *texts_of(item[role(arguments, "tests")]), ""])
    prompt, test = str(item[role(arguments, "prompt")]), str(item[role(arguments, "test")])
    return f"{prompt}{completion}\n{test}\ncheck({item[role(arguments, 'entry_point')]})\n"
