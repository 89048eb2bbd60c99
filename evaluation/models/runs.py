"""An evaluation of one commit and its runs."""

from datetime import datetime
from typing import cast

from django.db import models
from django.db.models import Q

from evaluation.models.benchmarks import Benchmark
from evaluation.querysets import EvaluationQuerySet, RunQuerySet


class Step(models.TextChoices):
    """What a run does, in the order in which an evaluation goes."""

    SCAN = "scan", "Scan"
    INSPECT = "inspect", "Inspect"
    SMOKE = "smoke", "Smoke"
    COST = "cost", "Cost"
    BENCHMARK = "benchmark", "Benchmark"


class State(models.TextChoices):
    """Where a run stands. A run that waits for an earlier step is `waiting`; the API calls both `queued`."""

    WAITING = "waiting", "Waiting"
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    PASSED = "passed", "Passed"
    FAILED = "failed", "Failed"
    NOT_APPLICABLE = "not_applicable", "Not applicable"
    TIMED_OUT = "timed_out", "Timed out"
    OUT_OF_MEMORY = "out_of_memory", "Out of memory"
    QUARANTINED = "quarantined", "Quarantined"
    CANCELLED = "cancelled", "Cancelled"


OPEN_STATES = (State.WAITING, State.QUEUED, State.RUNNING)


_Evaluations = models.Manager.from_queryset(EvaluationQuerySet)


class MeasuredEvaluations(_Evaluations["Evaluation"]):
    """Those that measure. The way to all rows but for those who work on runs, or tell what the scan says."""

    def get_queryset(self) -> EvaluationQuerySet:
        return cast("EvaluationQuerySet", super().get_queryset().filter(only_scan=False))


class Evaluation(models.Model):
    """All that is measured of one commit of a model.

    A commit that a ref names, and that nobody wants to have measured, is only scanned: such rows have that one run, and
    `objects` leaves them out; `everything` has them too.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"

    class Verdict(models.TextChoices):
        """What the scan says of the files."""

        PENDING = "pending", "Pending"
        CLEAN = "clean", "Clean"
        WARNING = "warning", "Warning"
        QUARANTINED = "quarantined", "Quarantined"

    commit = models.OneToOneField("models_registry.Commit", on_delete=models.CASCADE, related_name="evaluation")
    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="evaluations")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.QUEUED)
    verdict = models.CharField(max_length=12, choices=Verdict.choices, default=Verdict.PENDING)
    only_scan = models.BooleanField(
        default=False, db_default=False, help_text="Scanned and not measured: no default branch or release."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = MeasuredEvaluations()
    everything = EvaluationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="done", finished_at__isnull=False) | ~Q(status="done"),
                name="evaluation_done_has_end",
            )
        ]
        indexes = [models.Index(fields=["repository", "-id"], name="evaluation_by_repository")]

    def __str__(self) -> str:
        return f"evaluation of {self.commit}"


class Run(models.Model):
    """One step of an evaluation. The row is the truth: the queue carries only its id.

    A worker owns a run while its `attempt` is the row's and the lease has not run out; every write of a result
    compares the attempt, so a worker that was thought dead cannot write late. `attempt` only ever grows; `losses` and
    `releases` count what went wrong since the run was last asked for.
    """

    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="runs")
    step = models.CharField(max_length=10, choices=Step.choices)
    benchmark = models.ForeignKey(Benchmark, null=True, on_delete=models.PROTECT, related_name="runs")
    position = models.PositiveSmallIntegerField(help_text="The order in which the page lists steps.")
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    reason = models.TextField(blank=True, help_text="Why it ended as it did, for people.")
    attempt = models.PositiveSmallIntegerField(default=0)
    losses = models.PositiveSmallIntegerField(default=0, help_text="How often a worker died or broke over it.")
    releases = models.PositiveSmallIntegerField(default=0, help_text="How often it was given back to wait.")
    worker = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    progress = models.FloatField(default=0, help_text="0 to 1.")
    queued_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True, help_text="A run that was given back rests until then.")
    dispatched_at = models.DateTimeField(null=True, help_text="When the queue was last told of it.")
    dispatches = models.PositiveSmallIntegerField(default=0, help_text="How often the queue was told of it.")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cpu_s = models.FloatField(null=True, help_text="Processor time of the last attempt, the model's process included.")
    peak_rss_bytes = models.PositiveBigIntegerField(
        null=True, help_text="The most memory that the model's process had."
    )
    result = models.JSONField(default=dict, help_text="What the step found, by its own format.")
    log = models.TextField(blank=True, help_text="What the step said, newest last, capped.")

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["evaluation", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["evaluation", "step"], condition=Q(benchmark__isnull=True), name="run_step_once"
            ),
            models.UniqueConstraint(fields=["evaluation", "benchmark"], name="run_benchmark_once"),
            models.CheckConstraint(
                condition=Q(step="benchmark", benchmark__isnull=False)
                | (~Q(step="benchmark") & Q(benchmark__isnull=True)),
                name="run_benchmark_matches_step",
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease_until__isnull=False), name="run_running_has_lease"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "lease_until"], name="run_by_state"),
            models.Index(fields=["-finished_at"], name="run_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.benchmark or self.get_step_display()} of {self.evaluation.commit}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def seconds(self) -> float | None:
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()

    def is_claimable(self, *, at: datetime) -> bool:
        """Queued and not resting, or running under a lease that ran out."""
        if self.state == State.QUEUED:
            return self.not_before is None or self.not_before <= at
        return self.state == State.RUNNING and self.lease_until is not None and self.lease_until < at


class QueueTurn(models.Model):
    """When a namespace last had its turn with a worker: whoever waited longest is next."""

    namespace = models.OneToOneField("accounts.Namespace", on_delete=models.CASCADE, related_name="queue_turn")
    served_at = models.DateTimeField(db_index=True)
    was_quick = models.BooleanField(help_text="Whether it was a short step.")
    was_aside = models.BooleanField(
        default=False, db_default=False, help_text="Whether it was the scan of a commit beside."
    )

    def __str__(self) -> str:
        return f"{self.namespace} at {self.served_at:%H:%M:%S}"
