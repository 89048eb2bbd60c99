"""Leaderboards as they are read: rows with honest ranks, the front, and which benchmarks belong together.

Every function takes the viewer and makes a constant number of queries.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from evaluation.benchmarks.tiers import Tier
from evaluation.exceptions import BoardNotFound
from evaluation.models import Benchmark, Standing
from evaluation.official_suites import SUITES
from evaluation.querysets_standings import ORDERS, Limits
from evaluation.ranking import Mean, Rank, front, mean, ranks
from evaluation.reference import baseline_of
from hub.core.pagination import keyset_page
from models_registry.sizes import SIZES

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User

    Viewer = User | AnonymousUser

MAX_RANKED = 5_000  # Past these a row has no rank and no place on the front.
MAX_BENCHMARKS = 500
MAX_MEANS = 20_000
AXES: dict[str, str] = {"size": "size_bytes", "ms": "first_ms", "memory": "memory_bytes"}
GROUPS = ("tasks", "languages", "sizes", "domains")


@dataclass(frozen=True)
class Placed:
    """One row of a board. Without a rank it lies behind all that are ranked."""

    standing: Standing
    rank: Rank | None
    is_on_front: bool


@dataclass(frozen=True)
class Board:
    """One page of a benchmark's board. `front` are ids of standings, the cheapest first."""

    benchmark: Benchmark
    rows: list[Placed]
    total: int
    next_cursor: str | None
    ranks: Mapping[int, Rank]
    front: Sequence[int]
    references: Sequence["Reference"] = ()


@dataclass(frozen=True)
class Reference:
    """What scores are read against: `kind` is baseline or chance. `before` is the first row that is worse."""

    kind: str
    name: str
    value: float
    before: int | None


def find_benchmark(viewer: "Viewer", key: str, version: int | None = None) -> Benchmark:
    """The benchmark behind a board: the active version, or the one asked for; older ones keep their boards.

    Raises:
        BoardNotFound: there is none, or its data is not this person's to see.
    """
    named = Benchmark.objects.visible_to(viewer).filter(key=key[:80]).select_related("repository__namespace")
    rows = named.filter(version=version) if version is not None else named.order_by("-is_active", "-version")
    found = None if "\x00" in key else rows.first()
    if found is None:
        raise BoardNotFound(board=key[:80])
    return found


def at_least(benchmark: Benchmark, limits: Limits, score: float | None) -> Limits:
    """The limits with this score as the least good one; where lower is better, it is the highest."""
    if score is None:
        return limits
    sign = 1 if benchmark.definition.get("higher_is_better", True) else -1
    return replace(limits, min_merit=sign * score)


def board(
    viewer: "Viewer",
    benchmark: Benchmark,
    limits: Limits,
    *,
    order: str = "score",
    axis: str = "size",
    tier: Tier = Tier.STANDARD,
    limit: int = 50,
    cursor: str | None = None,
) -> Board:
    """A page of a board. Ranks and front are among the models within the limits that were measured on one tier.

    Raises:
        BadCursor
    """
    found = Standing.everything.visible_to(viewer).on(benchmark).filter(tier=tier).within(limits)
    column = AXES[axis]
    best_first = found.order_by("-merit", "id")
    summary = list(best_first.values_list("id", "merit", "merit_low", "merit_high", column)[: MAX_RANKED + 1])
    ranked = summary[:MAX_RANKED]
    places = ranks({row[0]: (row[2], row[3]) for row in ranked})
    on_front = front((row[0], row[4], row[1]) for row in ranked if row[4] is not None)
    page = keyset_page(found.with_names(), order=ORDERS[order], limit=limit, cursor=cursor)
    chosen = set(on_front)
    rows = [Placed(row, places.get(row.pk), row.pk in chosen) for row in page.rows]
    total = len(summary) if len(summary) <= MAX_RANKED else found.count()
    read_against = _references(benchmark, [(row[0], row[1]) for row in ranked], tier)
    return Board(benchmark, rows, total, page.next_cursor, places, on_front, read_against)


def tiers(viewer: "Viewer", benchmark: Benchmark) -> dict[Tier, int]:
    """How many models stand on the board of each tier."""
    counts = Standing.everything.visible_to(viewer).on(benchmark).counts_by_tier()
    return {tier: counts.get(tier, 0) for tier in reversed(Tier)}


def _references(benchmark: Benchmark, ranked: Sequence[tuple[int, float]], tier: Tier) -> list[Reference]:
    definition = benchmark.definition
    sign = 1 if definition.get("higher_is_better", True) else -1
    # Baselines are measured on whole sets.
    name, value = (baseline_of(benchmark) if tier == Tier.STANDARD else None) or ("", None)
    values = [("baseline", name, value)]
    values.append(("chance", "", definition.get("chance")))
    found = [
        Reference(kind, name, float(value), next((pk for pk, merit in ranked if merit < sign * value), None))
        for kind, name, value in values
        if value is not None
    ]
    return sorted(found, key=lambda reference: -sign * reference.value)


def points(shown: Board, *, axis: str, limit: int) -> list[Standing]:
    """The rows that a chart draws: the front, and the best of the others that have the quantity.

    Asks nothing of the viewer: these are rows of a board that was read for her.
    """
    rest = [pk for pk in shown.ranks if pk not in set(shown.front)][: max(0, limit - len(shown.front))]
    wanted = [*shown.front[-limit:], *rest]
    rows = Standing.everything.filter(pk__in=wanted).with_names()
    return [row for row in rows if getattr(row, AXES[axis]) is not None]


def families(viewer: "Viewer", benchmark: Benchmark) -> list[str]:
    """The kinds of models on a board, for its filter."""
    named = Standing.objects.visible_to(viewer).on(benchmark).exclude(family="")
    return list(named.order_by("family").values_list("family", flat=True).distinct()[:20])


@dataclass(frozen=True)
class Choice:
    """Which benchmarks belong to a board of several. "" takes all."""

    task: str = ""
    language: str = ""
    domain: str = ""

    def takes(self, benchmark: Benchmark) -> bool:
        return (
            self.task in ("", benchmark.task)
            and (not self.language or base_language(self.language) in languages_of(benchmark))
            and (not self.domain or self.domain in domains_of(benchmark))
        )


def benchmarks(viewer: "Viewer", choice: Choice | None = None) -> list[Benchmark]:
    """Active ones whose data this person may see, by task and name."""
    rows = Benchmark.objects.active().visible_to(viewer).select_related("repository__namespace")
    found = rows.order_by("task", "title", "key")[:MAX_BENCHMARKS]
    return [row for row in found if choice is None or choice.takes(row)]


def languages_of(benchmark: Benchmark) -> list[str]:
    """The languages of a benchmark without script and region: zh-Hans is asked for as zh."""
    codes = [base_language(str(code)) for code in benchmark.definition.get("language") or []]
    return list(dict.fromkeys(codes))


def base_language(code: str) -> str:
    """ "zh-Hans" → "zh"."""
    return code.strip().lower().split("-")[0]


def domains_of(benchmark: Benchmark) -> list[str]:
    """The fields of use that a benchmark belongs to: those that its declaration names, and the product's own packs."""
    named = benchmark.definition.get("domain") or benchmark.definition.get("domains") or []
    declared = [str(name) for name in ([named] if isinstance(named, str) else named)]
    packs = [suite.id for suite in SUITES.values() if suite.is_domain and benchmark.key in suite.benchmarks]
    return list(dict.fromkeys([*declared, *packs]))


def group_choice(by: str, value: str) -> tuple[Choice, Limits]:
    """What a board by task, language, size or domain takes.

    Raises:
        BoardNotFound: there are no boards of that kind, or no such class of size.
    """
    if by == "sizes" and value in SIZES:
        return Choice(), Limits(size=value)
    if by in ("tasks", "languages", "domains") and value and len(value) <= 80 and "\x00" not in value:
        return Choice(**{by.removesuffix("s"): value}), Limits()
    raise BoardNotFound(board=f"{by}/{value}"[:80])


@dataclass(frozen=True)
class Section:
    """One benchmark of a board of several, with its best rows."""

    benchmark: Benchmark
    rows: list[Standing] = field(default_factory=list)
    total: int = 0


def sections(viewer: "Viewer", chosen: Sequence[Benchmark], limits: Limits, *, rows: int) -> list[Section]:
    """The best few on each benchmark, those that most models were measured on first."""
    found = Standing.objects.visible_to(viewer).within(limits)
    counts = found.filter(benchmark__in=[row.pk for row in chosen]).counts_by_benchmark()
    best: dict[int, list[Standing]] = {}
    for standing in found.first_of_each(chosen, rows).with_names():
        best.setdefault(standing.benchmark_id, []).append(standing)
    made = [Section(row, best.get(row.pk, []), counts.get(row.pk, 0)) for row in chosen]
    return sorted(made, key=lambda section: -section.total)


def with_ranks(rows: Sequence[Standing]) -> list[tuple[Standing, Rank]]:
    """The best few of a board with their ranks. Only better ones come before a row, so its best place is known."""
    places = ranks({row.pk: (row.merit_low, row.merit_high) for row in rows})
    return [(row, places[row.pk]) for row in rows]


@dataclass(frozen=True)
class Suite:
    """Means over benchmarks of one protocol: same suite, language, metric, unit, direction and way of scoring."""

    benchmarks: list[Benchmark]
    rows: list[tuple[Standing, Mean, Rank]]


def suites(viewer: "Viewer", chosen: Iterable[Benchmark], limits: Limits, *, rows: int) -> list[Suite]:
    """For each protocol that two benchmarks or more share, the models measured on all of them, best mean first."""
    alike: dict[tuple[Any, ...], list[Benchmark]] = {}
    for benchmark in chosen:
        alike.setdefault(_protocol(benchmark), []).append(benchmark)
    groups = [group for group in alike.values() if len(group) > 1]
    if not groups:
        return []
    every = [benchmark.pk for group in groups for benchmark in group]
    found = Standing.objects.visible_to(viewer).within(limits).filter(benchmark__in=every)
    measured: dict[int, dict[int, tuple[int, float, float, float]]] = {}
    columns = ("repository_id", "benchmark_id", "id", "merit", "merit_low", "merit_high")
    for repository, benchmark, *row in found.order_by("-merit", "id").values_list(*columns)[:MAX_MEANS]:
        measured.setdefault(repository, {})[benchmark] = (row[0], row[1], row[2], row[3])
    drafts = [_means(group, measured, rows) for group in groups]
    wanted = [pk for draft in drafts for pk, _, _ in draft]
    named = {row.pk: row for row in Standing.objects.filter(pk__in=wanted).with_names()}
    return [
        Suite(group, [(named[pk], value, rank) for pk, value, rank in draft if pk in named])
        for group, draft in zip(groups, drafts, strict=True)
        if draft
    ]


def _means(
    group: Sequence[Benchmark], measured: Mapping[int, Mapping[int, tuple[int, float, float, float]]], rows: int
) -> list[tuple[int, Mean, Rank]]:
    """(id of one standing, mean of the values, rank) of each model that has them all."""
    merits: dict[int, Mean] = {}
    for of_model in measured.values():
        if all(benchmark.pk in of_model for benchmark in group):
            parts = [of_model[benchmark.pk] for benchmark in group]
            merits[parts[0][0]] = mean([part[1:] for part in parts])
    places = ranks({pk: (value.low, value.high) for pk, value in merits.items()})
    best = sorted(merits, key=lambda pk: -merits[pk].value)[:rows]
    upward = bool(group[0].definition.get("higher_is_better", True))
    return [(pk, merits[pk] if upward else _turned(merits[pk]), places[pk]) for pk in best]


def _turned(value: Mean) -> Mean:
    return Mean(-value.value, -value.high, -value.low)


def _protocol(benchmark: Benchmark) -> tuple[Any, ...]:
    """What benchmarks share that may be averaged: one suite and language, scored in one way by one metric."""
    suites = [suite.id for suite in SUITES.values() if suite.task and benchmark.key in suite.benchmarks]
    names = ("main_metric", "unit", "higher_is_better", "scorer")
    measured = (benchmark.definition.get(name) for name in names)
    return (benchmark.task, suites[0] if suites else "", tuple(languages_of(benchmark)), *measured)
