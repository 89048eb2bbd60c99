"""What changed between two measured commits, and what a repository makes of it."""

from collections.abc import Iterable

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from evaluation.faults import comparison_fault
from evaluation.models.benchmarks import Benchmark
from evaluation.models.runs import Evaluation
from evaluation.querysets import BenchmarkComparisonQuerySet, ComparisonQuerySet


class Summary(models.TextChoices):
    """All benchmarks of a comparison in one word."""

    BETTER = "better", "Better"
    WORSE = "worse", "Worse"
    MIXED = "mixed", "Better and worse"
    SAME = "same", "The same"
    INCONCLUSIVE = "inconclusive", "Not told apart"
    NOT_COMPARABLE = "not_comparable", "Not comparable"
    NOTHING = "nothing", "Nothing in common"

    @classmethod
    def of(cls, verdicts: Iterable[str]) -> "Summary":
        """The word for the verdicts of single benchmarks, as `BenchmarkComparison` keeps them."""
        found = {str(verdict) for verdict in verdicts}
        compared = found - {"not_comparable"}
        if not found:
            return cls.NOTHING
        if not compared:
            return cls.NOT_COMPARABLE
        if {"improved", "regressed"} <= compared:
            return cls.MIXED
        if "regressed" in compared:
            return cls.WORSE
        if "improved" in compared:
            return cls.BETTER
        return cls.INCONCLUSIVE if "inconclusive" in compared else cls.SAME


class Comparison(models.Model):
    """One evaluation against an earlier one. The row is made in the transaction that ends an evaluation, and asked
    for anew whenever either side is; `round` tells which asking an answer belongs to, so a late one changes nothing.
    """

    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="comparisons")
    base = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="later_comparisons")
    round = models.PositiveIntegerField(default=1)
    asked_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, help_text="Null while the answer is owed.")
    summary = models.CharField(max_length=16, choices=Summary.choices, blank=True)
    fault = models.CharField(max_length=300, blank=True, help_text="Why no answer could be given.")
    costs = models.JSONField(default=dict, help_text="Old and new value of size, memory and times.")

    objects = ComparisonQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["evaluation", "base"], name="comparison_unique"),
            models.CheckConstraint(condition=~Q(evaluation=F("base")), name="comparison_of_two"),
        ]
        indexes = [
            models.Index(fields=["asked_at"], condition=Q(settled_at__isnull=True), name="comparison_owed"),
        ]

    def __str__(self) -> str:
        return f"{self.evaluation_id} against {self.base_id}"

    @property
    def is_settled(self) -> bool:
        return self.settled_at is not None

    @property
    def fault_sentence(self) -> str:
        """Why no answer could be given, for people."""
        return comparison_fault(self.fault)

    @property
    def seen_summary(self) -> str:
        """What it says of the benchmarks that it was fetched with, see `ComparisonQuerySet.shown`.

        `summary` is of all of them, those too that a reader may not know of: it is for those who decide, not to show.
        """
        if not self.is_settled or self.fault:
            return self.summary
        return Summary.of(row.verdict for row in self.benchmarks.all())


class BenchmarkComparison(models.Model):
    """One benchmark of a comparison. Differences are in the metric's own unit and signed so that up is better."""

    class Verdict(models.TextChoices):
        """The word of `evaluation.statistics`."""

        IMPROVED = "improved", "Improved"
        REGRESSED = "regressed", "Regressed"
        EQUIVALENT = "equivalent", "Equivalent"
        INCONCLUSIVE = "inconclusive", "Inconclusive"
        NOT_COMPARABLE = "not_comparable", "Not comparable"

    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="benchmarks")
    benchmark = models.ForeignKey(Benchmark, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=16, choices=Verdict.choices)
    blocks = models.BooleanField(default=False, help_text="It regressed by the margin or more, corrected for all.")
    gates = models.BooleanField(default=True, help_text="It counts where the repository's gate decides.")
    field = models.CharField(max_length=80, blank=True, help_text="What differs, where they cannot be compared.")
    old = models.FloatField(null=True)
    new = models.FloatField(null=True)
    difference = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    p = models.FloatField(null=True)
    p_adjusted = models.FloatField(null=True, help_text="Holm's, over the benchmarks that gate.")
    margin = models.FloatField(null=True)
    smallest = models.FloatField(null=True, help_text="The smallest effect that could be seen.")
    method = models.CharField(max_length=64, blank=True)
    n = models.PositiveIntegerField(default=0)
    better = models.PositiveIntegerField(default=0, help_text="Items that were wrong and are right now.")
    worse = models.PositiveIntegerField(default=0)
    log_likelihood = models.JSONField(null=True, help_text="Mean difference by document, low, high, in nats.")
    flips = models.JSONField(default=list, help_text="Up to some thousand of [item, is better, slice].")
    slices = models.JSONField(default=list, help_text="[name, items, better, worse], most flips first.")

    objects = BenchmarkComparisonQuerySet.as_manager()

    class Meta:
        ordering = ["benchmark__key"]
        constraints = [models.UniqueConstraint(fields=["comparison", "benchmark"], name="benchmark_comparison_unique")]

    def __str__(self) -> str:
        return f"{self.benchmark} {self.verdict}"


class GatePolicy(models.Model):
    """What a repository does with a verdict. A repository without a row warns."""

    class Mode(models.TextChoices):
        """From strictest to none."""

        BLOCK = "block", "Block"
        WARN = "warn", "Warn"
        OFF = "off", "Off"

    repository = models.OneToOneField(
        "models_registry.Repository", on_delete=models.CASCADE, related_name="gate_policy"
    )
    mode = models.CharField(max_length=5, choices=Mode.choices, default=Mode.WARN)
    blocks_merge = models.BooleanField(default=False, help_text="A pull request that made something worse waits.")
    required = models.JSONField(default=list, help_text="Keys of the benchmarks that must be told; others may be.")
    margins = models.JSONField(default=dict, help_text="By key of the benchmark: points, or per cent.")
    updated_at = models.DateTimeField(auto_now=True)
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name_plural = "gate policies"
        constraints = [
            models.CheckConstraint(condition=Q(mode__in=["block", "warn", "off"]), name="gate_policy_mode_known")
        ]

    def __str__(self) -> str:
        return f"{self.mode} for {self.repository_id}"
