"""Repositories as rows of a list, each with what was measured of its newest commit."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.models import Benchmark, Evaluation, Step
from evaluation.presentation import (
    Reading,
    family,
    first_answer_ms,
    main_score,
    result_of,
    score_reading,
    scores_of,
)
from models_registry.labels import languages
from models_registry.models import Repository


@dataclass(frozen=True)
class Row:
    """One line of a list: the repository, its main reading or the reason why there is none."""

    repository: Repository
    evaluation: Evaluation | None
    reading: Reading | None
    first_token_ms: float | None
    architecture: str

    @property
    def is_measured(self) -> bool:
        """Whether everything that will be measured has been."""
        return self.evaluation is not None and self.evaluation.status == Evaluation.Status.DONE

    @property
    def state(self) -> str:
        """Why there is no reading: the state of the evaluation, for a badge. "" where nothing is expected."""
        if self.evaluation is None:
            return ""
        if self.evaluation.verdict == Evaluation.Verdict.QUARANTINED:
            return "quarantined"
        if self.evaluation.status != Evaluation.Status.DONE:
            return str(self.evaluation.status)
        failed = [
            run.state for run in self.evaluation.runs.all() if run.state in {"failed", "timed_out", "out_of_memory"}
        ]
        return failed[0] if failed else "not_applicable"


def rows_of(repositories: Sequence[Repository], benchmark: Benchmark | None = None) -> list[Row]:
    """Rows with their readings, in a constant number of queries.

    Args:
        benchmark: show this one in every row, so that the column has one axis; None shows each model's own.
    """
    evaluations = {found.repository_id: found for found in Evaluation.objects.of_heads(repositories)}
    return [_row(repository, evaluations.get(repository.pk), benchmark) for repository in repositories]


def _row(repository: Repository, evaluation: Evaluation | None, benchmark: Benchmark | None) -> Row:
    scores = scores_of(evaluation)
    chosen = [score for score in scores if score.benchmark_id == benchmark.pk] if benchmark else scores
    main = main_score(chosen, languages(repository))
    cost, facts = result_of(evaluation, Step.COST), result_of(evaluation, Step.INSPECT)
    return Row(
        repository=repository,
        evaluation=evaluation,
        reading=score_reading(main) if main else None,
        first_token_ms=first_answer_ms(cost),
        architecture=family(facts),
    )


def common_benchmark(rows: Sequence[Row]) -> Benchmark | None:
    """The benchmark that most of these models were scored on, for the axis in a list's head."""
    scored = [score.benchmark for row in rows for score in scores_of(row.evaluation)]
    counts = Counter(benchmark.pk for benchmark in scored)
    best = max(counts, key=lambda pk: (counts[pk], -pk), default=None)
    return next((benchmark for benchmark in scored if benchmark.pk == best), None)
