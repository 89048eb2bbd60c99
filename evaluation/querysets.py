"""Reads of evaluation."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User
    from evaluation.models import Benchmark, Evaluation, Run, Score


class BenchmarkQuerySet(models.QuerySet["Benchmark"]):
    def active(self) -> "BenchmarkQuerySet":
        return self.filter(is_active=True)


class EvaluationQuerySet(models.QuerySet["Evaluation"]):
    def visible_to(self, user: "User | AnonymousUser") -> "EvaluationQuerySet":
        """Those of repositories that this person may read."""
        from models_registry.models import Repository

        return self.filter(repository__in=Repository.objects.visible_to(user))

    def with_runs(self) -> "EvaluationQuerySet":
        """With all that a page shows of it, in a constant number of queries."""
        return self.select_related("commit", "repository__namespace").prefetch_related(
            "runs__benchmark__repository__namespace", "runs__score", "runs__receipt"
        )


class RunQuerySet(models.QuerySet["Run"]):
    def claimable(self, *, at: datetime) -> "RunQuerySet":
        """Queued, or running under a lease that ran out."""
        return self.filter(Q(state="queued") | Q(state="running", lease_until__lt=at))


class ScoreQuerySet(models.QuerySet["Score"]):
    def shown(self) -> "ScoreQuerySet":
        return self.select_related("benchmark", "run__receipt")
