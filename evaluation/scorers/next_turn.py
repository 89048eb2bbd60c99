"""The next turn of a dialogue: where does the right one rank among its rivals?"""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.benchmarks.definition import Benchmark
from evaluation.metrics import ranking, uncertainty
from evaluation.scorers.base import Aggregate, Row
from evaluation.scorers.choice import MultipleChoice


class NextTurn(MultipleChoice):
    """Turns are ranked by their log-likelihood behind the dialogue: R@1, R@2 and the mean reciprocal rank."""

    name = "next_turn"

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        ranks = [_rank(row) for row in rows]
        first = sum(found == 1 for found in ranks)
        metrics = {
            "recall_at_1": ranking.recall_at(ranks, 1),
            "recall_at_2": ranking.recall_at(ranks, 2),
            "mrr": ranking.mean_reciprocal_rank(ranks),
        }
        base = super().aggregate(benchmark, rows)
        if benchmark.main_metric == "recall_at_2":
            interval = uncertainty.wilson(sum(found <= 2 for found in ranks), len(ranks))
        else:
            interval = uncertainty.wilson(first, len(ranks))
        return Aggregate(metrics, interval, base.counts)

    def item_value(self, benchmark: Benchmark, row: Row) -> float | None:
        found = _rank(row)
        return {"recall_at_2": float(found <= 2), "mrr": 1 / found}.get(benchmark.main_metric, float(found == 1))

    def prediction(self, row: Row) -> str:
        """The turn that came first, counted from 1, and where the right one came."""
        return f"{int(row['predicted']) + 1}; the right one came {_rank(row)}."


def _rank(row: Row) -> int:
    return ranking.rank([float(value) for value in row["log_probs"]], int(row["gold"]))
