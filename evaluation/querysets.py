"""Reads of evaluation."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Prefetch, Q, Value, When

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import Namespace, User
    from evaluation.models import (  # noqa: F401 - base classes name them in quotes.
        Benchmark,
        BenchmarkComparison,
        Comparison,
        Evaluation,
        Receipt,
        Run,
        Score,
    )
    from models_registry.models import Repository


def shown(prefix: str, user: "User | AnonymousUser | None") -> Q:
    """The condition under which somebody may know of a benchmark and what was measured with it.

    Every door asks here: pages, the API, badges, webhooks, reasons, counts, exports.

    Args:
        prefix: leads to the benchmark.
        user: None asks for what anybody may see, for whatever is written down once and read by all.
    """
    from django.contrib.auth.models import AnonymousUser

    from models_registry.models import Repository

    readable = Repository.objects.visible_to(user if user is not None else AnonymousUser())
    return Q(**{f"{prefix}is_restricted": False}) | Q(**{f"{prefix}repository__in": readable})


class BenchmarkQuerySet(models.QuerySet["Benchmark"]):
    def active(self) -> "BenchmarkQuerySet":
        return self.filter(is_active=True)

    def owing_baselines(self, *, before: datetime) -> "BenchmarkQuerySet":
        """Those whose baselines are not told yet, and that nobody took on since `before`."""
        nobody = Q(baselines_begun_at__isnull=True) | Q(baselines_begun_at__lt=before)
        return self.active().filter(nobody, baselines__isnull=True)

    def visible_to(self, user: "User | AnonymousUser") -> "BenchmarkQuerySet":
        """Those whose data this person may read."""
        from models_registry.models import Repository

        return self.filter(repository__in=Repository.objects.visible_to(user))

    def readable_by(self, user: "User | AnonymousUser") -> "BenchmarkQuerySet":
        """Those whose data this person may have, for answers that quote it."""
        from models_registry.models import Repository

        return self.filter(repository__in=Repository.objects.downloadable_by(user))

    def shown_to(self, user: "User | AnonymousUser | None") -> "BenchmarkQuerySet":
        """Those whose scores this person may see: all but restricted ones whose data she may not read."""
        return self.filter(shown("", user))

    def with_data_under(self, licence: str) -> "BenchmarkQuerySet":
        """Those whose data are under a licence, or under one of a class."""
        from models_registry.models import Repository

        return self.filter(repository__in=Repository.objects.under_licence(licence).order_by().values("pk"))

    def for_models_of(self, namespace: "Namespace") -> "BenchmarkQuerySet":
        """Those that models in this namespace are measured with: restricted ones only if its owner may read the data.

        A person reads what is hers and her organisations'; an organisation reads what is its own.
        """
        mine = Q(repository__namespace=namespace)
        if namespace.user is not None:
            organisations = namespace.user.memberships.values("organisation_id")
            mine |= Q(repository__namespace__organisation__in=organisations)
        return self.filter(Q(is_restricted=False) | Q(repository__visibility="public") | mine)

    def to_spread(self) -> "BenchmarkQuerySet":
        """Active ones that some earlier evaluations have not been given yet."""
        return self.filter(is_active=True, spread_after__isnull=False)


class EvaluationQuerySet(models.QuerySet["Evaluation"]):
    def visible_to(self, user: "User | AnonymousUser") -> "EvaluationQuerySet":
        """Those of repositories that this person may read."""
        from models_registry.models import Repository

        return self.filter(repository__in=Repository.objects.visible_to(user))

    def of_public_models(self) -> "EvaluationQuerySet":
        """Those that everybody may know of."""
        return self.filter(repository__visibility="public")

    def with_runs(self, viewer: "User | AnonymousUser | None") -> "EvaluationQuerySet":
        """With all that a page shows of it to this viewer (None: to anybody), in a constant number of queries."""
        from evaluation.models import Run

        runs = Run.objects.shown_to(viewer).prefetch_related(
            "benchmark__repository__namespace", "score__benchmark", "receipt"
        )
        return self.select_related("commit", "repository__namespace").prefetch_related(Prefetch("runs", queryset=runs))

    def with_scores(self, viewer: "User | AnonymousUser | None") -> "EvaluationQuerySet":
        """With what a row of a list shows of it to this viewer: its runs without their logs, and their scores."""
        from evaluation.models import Run

        runs = Run.objects.shown_to(viewer).select_related("score__benchmark").defer("log").order_by("position")
        return self.select_related("commit").prefetch_related(Prefetch("runs", queryset=runs))

    def after(self, pk: int) -> "EvaluationQuerySet":
        """Those after this id in the order in which they were asked for, with what tells whether they are of a head."""
        return self.filter(pk__gt=pk).order_by("pk").select_related("commit", "repository")

    def of_heads(self, repositories: "Sequence[Repository]") -> "EvaluationQuerySet":
        """Those of the newest commits of these repositories, with what a list shows: two queries for any number."""
        from evaluation.models import Run

        runs = Run.objects.shown_to(None).select_related("score__benchmark").defer("log")
        heads = self.filter(repository__in=[row.pk for row in repositories], commit__oid=F("repository__head"))
        return heads.prefetch_related(Prefetch("runs", queryset=runs))


class RunQuerySet(models.QuerySet["Run"]):
    def shown_to(self, user: "User | AnonymousUser | None") -> "RunQuerySet":
        """Without those of benchmarks that this person may not know of."""
        return self.filter(Q(benchmark__isnull=True) | shown("benchmark__", user))

    def claimable(self, *, at: datetime) -> "RunQuerySet":
        """Queued and not resting, or running under a lease that ran out."""
        rested = Q(not_before__isnull=True) | Q(not_before__lte=at)
        return self.filter((rested & Q(state="queued")) | Q(state="running", lease_until__lt=at))

    def first_of_namespace(self, namespace_id: int) -> "RunQuerySet":
        """Those of one namespace, the most wanted first: of the newest commits, of open pull requests, of what is old;
        then early steps, then long waits.

        What was pushed is what people get now; a proposal, a stranger's perhaps, waits for it and not the other way.
        """
        from models_registry.models import Ref

        proposed = Ref.objects.filter(
            repository=OuterRef("evaluation__repository"),
            name__startswith="refs/pr/",
            commit=OuterRef("evaluation__commit__oid"),
        )
        steps = ("scan", "inspect", "smoke", "cost", "benchmark")
        rank = Case(*(When(step=step, then=Value(place)) for place, step in enumerate(steps)), default=Value(9))
        named = Ref.objects.filter(
            repository=OuterRef("evaluation__repository"), commit=OuterRef("evaluation__commit__oid")
        )
        is_head = When(evaluation__commit__oid=F("evaluation__repository__head"), then=Value(0))
        forgotten = When(~Exists(named), evaluation__only_scan=True, then=Value(3))  # No ref leads there any more.
        place = Case(is_head, When(Exists(proposed), then=Value(1)), forgotten, default=Value(2))
        mine = self.filter(evaluation__repository__namespace=namespace_id)
        return mine.annotate(place=place, rank=rank).order_by("place", "rank", "queued_at", "pk")

    def running(self) -> "RunQuerySet":
        return self.filter(state="running")

    def unheard(self, *, at: datetime, after: timedelta) -> "RunQuerySet":
        """Queued runs that could start, and of which the queue was not told for a while."""
        rested = Q(not_before__isnull=True) | Q(not_before__lte=at)
        silent = Q(dispatched_at__isnull=True) | Q(dispatched_at__lt=at - after)
        return self.filter(rested & silent, state="queued").order_by("queued_at", "pk")

    def counts_by_state(self) -> dict[str, int]:
        return dict(self.order_by().values_list("state").annotate(number=models.Count("pk")))


class ScoreQuerySet(models.QuerySet["Score"]):
    def shown(self) -> "ScoreQuerySet":
        return self.select_related("benchmark", "run__receipt")


class ComparisonQuerySet(models.QuerySet["Comparison"]):
    def visible_to(self, user: "User | AnonymousUser") -> "ComparisonQuerySet":
        """Those of models that this person may read."""
        from models_registry.models import Repository

        return self.filter(evaluation__repository__in=Repository.objects.visible_to(user))

    def of(self, evaluation: "Evaluation") -> "ComparisonQuerySet":
        """Those that an evaluation takes part in, on either side."""
        return self.filter(Q(evaluation=evaluation) | Q(base=evaluation))

    def owed(self) -> "ComparisonQuerySet":
        """Those that can be answered, both sides having ended, and are not."""
        return self.filter(settled_at__isnull=True, evaluation__status="done", base__status="done")

    def shown(self, viewer: "User | AnonymousUser | None") -> "ComparisonQuerySet":
        """With all that a page shows of them to this viewer (None: to anybody), in a constant number of queries.

        What such a comparison says in one word is its `seen_summary`: of the benchmarks that came along.
        """
        from evaluation.models import BenchmarkComparison

        rows = BenchmarkComparison.objects.shown_to(viewer).select_related("benchmark__repository")
        return self.select_related("evaluation__commit", "base__commit").prefetch_related(
            Prefetch("benchmarks", queryset=rows)
        )


class BenchmarkComparisonQuerySet(models.QuerySet["BenchmarkComparison"]):
    def shown_to(self, user: "User | AnonymousUser | None") -> "BenchmarkComparisonQuerySet":
        """Without those of benchmarks that this person may not know of."""
        return self.filter(shown("benchmark__", user))


class ReceiptQuerySet(models.QuerySet["Receipt"]):
    def public(self) -> "ReceiptQuerySet":
        """Those that everybody may know of."""
        seen = self.filter(of_run__evaluation__repository__visibility="public")
        return seen.filter(Q(of_run__benchmark__isnull=True) | shown("of_run__benchmark__", None))

    def visible_to(self, user: "User | AnonymousUser") -> "ReceiptQuerySet":
        """Those of models that this person may read."""
        from models_registry.models import Repository

        seen = self.filter(of_run__evaluation__repository__in=Repository.objects.visible_to(user))
        return seen.filter(Q(of_run__benchmark__isnull=True) | shown("of_run__benchmark__", user))
