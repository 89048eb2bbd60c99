"""Comparisons of weights that take too long to wait for: computed once by a worker, kept while both files are here."""

from django.db import models
from django.db.models import Q

from models_registry.models.repositories import Repository


class WeightsDiff(models.Model):
    """How two safetensors files of one repository differ. The files never change, so neither does the answer."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="weights_diffs")
    before = models.CharField(max_length=64, help_text="SHA-256 of the older file.")
    after = models.CharField(max_length=64, help_text="SHA-256 of the newer file.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    done_tensors = models.PositiveIntegerField(default=0)
    all_tensors = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict)
    reason = models.CharField(max_length=500, blank=True, help_text="Why it failed.")
    heard_at = models.DateTimeField(help_text="When it was queued or last reported.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "before", "after"], name="weights_diff_unique"),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "done", "failed"]), name="weights_diff_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.before[:7]} to {self.after[:7]}"

    @property
    def percent(self) -> int:
        return round(100 * self.done_tensors / self.all_tensors) if self.all_tensors else 0
