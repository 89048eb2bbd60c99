"""Two models on the same benchmark, told apart by their answers to the same items where those are kept.

A paired answer of two receipts never changes, so it is remembered under their hashes; what is not known yet is worked
out within a budget of time, and until then the intervals alone decide.
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from django.core.cache import cache

from evaluation.benchmarks.definition import BadDefinition, parse
from evaluation.exceptions import ItemsNotFound
from evaluation.models import Benchmark, Receipt, Standing
from evaluation.services import items
from evaluation.statistics import Verdict, compare, differing_field
from hub.core.exceptions import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User
    from models_registry.models import Repository

    Viewer = User | AnonymousUser

logger = logging.getLogger("evaluation.pairings")
MAX_MODELS = 4
BUDGET_S = 2.0
MAX_ITEMS = 20_000  # Larger sets are compared by their intervals on a page.
_REMEMBER_S = 7 * 24 * 3600
_MAY_DIFFER = frozenset({"model.dtype"})  # Of two models it is one of the things that are compared.
_WORDS = {
    Verdict.IMPROVED: "better",
    Verdict.REGRESSED: "worse",
    Verdict.EQUIVALENT: "same",
    Verdict.INCONCLUSIVE: "unclear",
    Verdict.NOT_COMPARABLE: "not_comparable",
}


@dataclass(frozen=True)
class Told:
    """What is known of a model against another: `word` is better, worse, same, unclear or not_comparable.

    `difference`, `low` and `high` are in the metric's unit and signed so that up is better. `is_paired` tells an answer
    from the same items from one that the two intervals give; `n` counts the items.
    """

    word: str
    difference: float
    low: float | None = None
    high: float | None = None
    p: float | None = None
    n: int | None = None
    method: str = ""
    is_paired: bool = False


def by_intervals(first: Standing, other: Standing) -> Told:
    """Better or worse where the intervals do not meet, else unclear."""
    difference = other.merit - first.merit
    if other.merit_low > first.merit_high:
        return Told("better", difference, method="intervals")
    if other.merit_high < first.merit_low:
        return Told("worse", difference, method="intervals")
    return Told("unclear", difference, method="intervals")


def against(first: Standing, others: "Iterable[Standing]", *, until: float) -> dict[int, Told]:
    """Each of the others against the first, by the others' ids.

    Args:
        until: the moment on the monotonic clock after which nothing new is worked out.
    """
    rows = list(others)
    keys = {row.pk: f"pairing2:{first.receipt}:{row.receipt}" for row in rows if first.receipt and row.receipt}
    known = cache.get_many(keys.values())
    found = {row.pk: by_intervals(first, row) for row in rows}
    for row in rows:
        stored = known.get(keys.get(row.pk, ""))
        if stored is None and row.pk in keys and time.monotonic() < until:
            stored = asdict(_paired(first, row) or found[row.pk])
            cache.set(keys[row.pk], stored, _REMEMBER_S)
        if stored is not None:
            found[row.pk] = Told(**stored)
    return found


def _paired(first: Standing, other: Standing) -> Told | None:
    """The paired answer, or None where the items cannot give one."""
    if max(first.n, other.n) > MAX_ITEMS:
        return None
    receipts = {row.sha256: row for row in Receipt.objects.filter(sha256__in=[first.receipt, other.receipt])}
    one, two = receipts.get(first.receipt), receipts.get(other.receipt)
    if one is None or two is None:
        return None
    try:
        if differing_field(json.loads(one.body), json.loads(two.body), leave_out=_MAY_DIFFER):
            return replace(by_intervals(first, other), word="not_comparable")
        paired = compare(parse(other.score.benchmark.definition), items.rows_of(one), items.rows_of(two))
    except (ItemsNotFound, BadDefinition, Unavailable, ValueError, KeyError) as error:
        logger.info("receipts %s and %s are compared by intervals: %r", one, two, error)
        return None
    return Told(
        _WORDS[paired.verdict], paired.difference, paired.low, paired.high, paired.p, paired.n, paired.method, True
    )


@dataclass(frozen=True)
class Matrix:
    """Models side by side: `standings` by benchmark and repository; `told`, by a standing's id, against the first."""

    repositories: Sequence["Repository"]
    standings: Mapping[int, Mapping[int, Standing]]
    told: Mapping[int, Told]

    def of(self, repository: "Repository") -> Standing | None:
        """Any standing of a model: all of them carry its costs."""
        return next((rows[repository.pk] for rows in self.standings.values() if repository.pk in rows), None)


def matrix(viewer: "Viewer", repositories: "Sequence[Repository]", *, budget_s: float = BUDGET_S) -> Matrix:
    """All that was measured of these models on active benchmarks; the others are told against the first."""
    shown = Benchmark.objects.active().visible_to(viewer).values("pk")
    rows = Standing.objects.visible_to(viewer).filter(repository__in=repositories, benchmark__in=shown).with_names()
    standings: dict[int, dict[int, Standing]] = {}
    for row in rows.order_by("benchmark__task", "benchmark__title", "benchmark_id"):
        standings.setdefault(row.benchmark_id, {})[row.repository_id] = row
    told: dict[int, Told] = {}
    until = time.monotonic() + budget_s
    for of_benchmark in standings.values():
        first = of_benchmark.get(repositories[0].pk) if repositories else None
        if first is not None:
            told |= against(first, (row for row in of_benchmark.values() if row.pk != first.pk), until=until)
    return Matrix(repositories, standings, told)
