"""What was measured of several versions, for pages that show them together. A constant number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from evaluation.models import Evaluation, Score, Step
from evaluation.presentation import (
    Badge,
    Reading,
    badges,
    cost_readings,
    relevant_first,
    result_of,
    score_reading,
    scores_of,
)
from models_registry import addresses
from models_registry.labels import languages
from models_registry.models import Commit, Repository

Key = tuple[int, str, str]  # Benchmark, metric and tier: scores that differ in one of them are not put side by side.


@dataclass(frozen=True)
class Measured:
    """One version's evaluation, its scores, its costs in one line of numbers, and its badges."""

    evaluation: Evaluation | None
    scores: dict[Key, Score]
    costs: list[Reading]
    badges: list[Badge]
    url: str


@dataclass(frozen=True)
class Pair:
    """One benchmark of two versions: the newer one's reading with the older one's value on the same scale."""

    name: object
    old: Reading | None
    new: Reading | None

    @property
    def shown(self) -> Reading | None:
        return self.new or self.old


def measured(repository: Repository, commits: Sequence[Commit], *, viewer: User | AnonymousUser) -> dict[int, Measured]:
    """By the commits' ids, of what this viewer may see; also those that were never measured."""
    rows = Evaluation.objects.with_scores(viewer).filter(commit__in=commits)
    found = {row.commit_id: row for row in rows}
    return {commit.pk: _measured(repository, commit, found.get(commit.pk)) for commit in commits}


def _measured(repository: Repository, commit: Commit, evaluation: Evaluation | None) -> Measured:
    scores = relevant_first(scores_of(evaluation), languages(repository))
    return Measured(
        evaluation=evaluation,
        scores={(score.benchmark_id, score.metric, score.tier): score for score in scores},
        costs=cost_readings(result_of(evaluation, Step.COST)),
        badges=badges(evaluation),
        url=addresses.at(repository, "evaluations", commit.oid) if evaluation else "",
    )


def pairs(new: Measured, old: Measured | None) -> list[Pair]:
    """Scores of the newer version, each with that of the older one on the very same benchmark, if there is one."""
    before = old.scores if old else {}
    found = []
    for key, score in new.scores.items():
        reading = score_reading(score, url=new.url)
        former = score_reading(before[key]) if key in before else None
        if former is not None:
            reading = replace(reading, previous=former.value)
        found.append(Pair(reading.name, former, reading))
    return found


def all_pairs(new: Measured, old: Measured) -> list[Pair]:
    """The same, then what only the older one was scored on, then the costs of both."""
    gone = [score_reading(score) for key, score in old.scores.items() if key not in new.scores]
    former = {str(reading.name): reading for reading in old.costs}
    costs = []
    for reading in new.costs:
        before = former.pop(str(reading.name), None)
        costs.append(Pair(reading.name, before, replace(reading, previous=before.value if before else None)))
    lost = [Pair(reading.name, reading, None) for reading in former.values()]
    return [*pairs(new, old), *(Pair(reading.name, reading, None) for reading in gone), *costs, *lost]
