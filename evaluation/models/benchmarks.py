"""What is measured with: a task, its pinned data, its metric."""

from django.db import models
from django.db.models import Q

from evaluation.querysets import BenchmarkQuerySet


class Benchmark(models.Model):
    """Task, pinned data, metric and protocol version. A change to any of them is a new row."""

    key = models.CharField(max_length=80, help_text="Such as core-pairs-en.")
    version = models.PositiveIntegerField()
    title = models.CharField(max_length=120)
    task = models.CharField(max_length=64)
    repository = models.ForeignKey("models_registry.Repository", on_delete=models.PROTECT, related_name="benchmarks")
    commit = models.CharField(max_length=40, help_text="The commit of the data set that is measured with.")
    definition = models.JSONField(help_text="The declaration, as evaluation.benchmarks reads it.")
    definition_sha256 = models.CharField(max_length=64)
    is_active = models.BooleanField(default=True, help_text="New commits are measured with it.")
    spread_after = models.PositiveBigIntegerField(
        null=True, default=0, help_text="Evaluations up to this id have been given a run; null once all have."
    )
    is_declared = models.BooleanField(
        default=False, help_text="Declared by its data set's eval.yaml; retired when it is taken out there."
    )
    is_restricted = models.BooleanField(
        default=False,
        help_text="While its data are private: measured only on models of owners who may read them, and shown to "
        "nobody else. The hub's own sets are not restricted: their scores are for all, their data may be private.",
    )
    baselines = models.JSONField(
        null=True,
        help_text="What models without skill get: `values` of name and value, or a `reason`. Null while owed.",
    )
    baselines_begun_at = models.DateTimeField(null=True, help_text="When a worker last took them on.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = BenchmarkQuerySet.as_manager()

    class Meta:
        ordering = ["key", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="benchmark_version_unique"),
            # Two active versions of one benchmark would be averaged by somebody sooner or later.
            models.UniqueConstraint(fields=["key"], condition=Q(is_active=True), name="benchmark_one_active"),
        ]

    def __str__(self) -> str:
        return f"{self.key} v{self.version}"


class Declaration(models.Model):
    """What became of a data set's `eval.yaml`, as its newest commit has it."""

    repository = models.OneToOneField(
        "models_registry.Repository", on_delete=models.CASCADE, related_name="benchmark_declaration"
    )
    commit = models.CharField(max_length=40)
    refusal = models.TextField(blank=True, help_text="Why nothing was registered, for people; empty if all was.")
    read_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.repository} at {self.commit[:12]}"
