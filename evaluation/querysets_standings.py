"""Reads of standings: boards, and models by need."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber

from evaluation.querysets import shown
from models_registry.querysets_licences import same_licence
from models_registry.sizes import SIZES

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User
    from evaluation.models import Benchmark, Standing  # noqa: F401 - base classes name them in quotes.

# Keyset orders of a board; each has an index.
ORDERS: dict[str, tuple[str, ...]] = {
    "score": ("-merit", "id"),
    "size": ("size_bytes", "id"),
    "ms": ("order_ms", "id"),
    "memory": ("order_memory", "id"),
    "licence": ("licence_class", "-merit", "id"),
}


@dataclass(frozen=True)
class Limits:
    """What a model may take and must be. None and "" ask for nothing."""

    max_bytes: float | None = None
    max_ms: float | None = None
    max_memory_bytes: float | None = None
    max_parameters: float | None = None
    licence: str = ""
    language: str = ""
    size: str = ""
    family: str = ""
    min_merit: float | None = None

    def conditions(self) -> dict[str, Q]:
        """What each limit asks of a row, by the limit's name. A quantity that was not measured is within no limit."""
        found: dict[str, Q] = {}
        columns = (("max_bytes", "size_bytes"), ("max_ms", "first_ms"), ("max_memory_bytes", "memory_bytes"))
        for name, column in (*columns, ("max_parameters", "parameters")):
            if getattr(self, name) is not None:
                found[name] = Q(**{f"{column}__lte": getattr(self, name)})
        if self.min_merit is not None:
            found["min_score"] = Q(merit__gte=self.min_merit)
        if self.licence:
            found["licence"] = same_licence(self.licence)
        if self.language:
            found["language"] = Q(languages__contains=f" {self.language.lower().split('-')[0]} ")
        if self.family:
            found["family"] = Q(family__iexact=self.family)
        if self.size in SIZES:
            _, low, end = SIZES[self.size]
            found["size"] = Q(size_bytes__gte=low) & (Q() if end is None else Q(size_bytes__lt=end))
        return found


class StandingQuerySet(models.QuerySet["Standing"]):
    def visible_to(self, user: "User | AnonymousUser") -> "StandingQuerySet":
        """Those of models that this person may read."""
        from models_registry.models import Repository

        return self.filter(shown("benchmark__", user), repository__in=Repository.objects.listed_to(user))

    def public(self) -> "StandingQuerySet":
        """Those that everybody may read."""
        from models_registry.models import Repository

        return self.filter(
            shown("benchmark__", None), repository__in=Repository.objects.filter(visibility="public", is_draft=False)
        )

    def on(self, benchmark: "Benchmark") -> "StandingQuerySet":
        return self.filter(benchmark=benchmark)

    def within(self, limits: Limits) -> "StandingQuerySet":
        return self.filter(*limits.conditions().values())

    def with_names(self) -> "StandingQuerySet":
        """With what a row shows of its model and its score; each benchmark is read once, whatever number of rows."""
        unseen = ("card", "config", "tags", "parameters_by_dtype")
        rows = self.select_related("repository__namespace", "score").prefetch_related("score__benchmark")
        return rows.defer("score__metrics", *(f"repository__{name}" for name in unseen))

    def first_of_each(self, benchmarks: "Collection[Benchmark]", number: int) -> "StandingQuerySet":
        """The best few on each of these benchmarks, in one query."""
        place = Window(RowNumber(), partition_by=F("benchmark_id"), order_by=[F("merit").desc(), F("id").asc()])
        of_these = self.filter(benchmark__in=[row.pk for row in benchmarks])
        return of_these.annotate(place=place).filter(place__lte=number).order_by("benchmark_id", "place")

    def counts_by_tier(self) -> dict[str, int]:
        return dict(self.order_by().values_list("tier").annotate(number=Count("pk")))

    def counts_by_benchmark(self) -> dict[int, int]:
        return dict(self.order_by().values_list("benchmark_id").annotate(number=Count("pk")))
