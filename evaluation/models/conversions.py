"""Weights that were asked for as safetensors."""

from django.conf import settings
from django.db import models


class Conversion(models.Model):
    """One file of one commit in the import lane. Asked for twice, it is the same row.

    A worker owns it while its `attempt` is the row's and the lease has not run out, as with runs.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="conversions")
    commit = models.ForeignKey("models_registry.Commit", on_delete=models.CASCADE, related_name="conversions")
    path = models.CharField(max_length=1024)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=7, choices=State.choices, default=State.QUEUED)
    reason = models.TextField(blank=True)
    pull_request = models.PositiveIntegerField(null=True, help_text="Its number in the repository.")
    evidence = models.JSONField(default=dict)
    attempt = models.PositiveSmallIntegerField(default=0)
    losses = models.PositiveSmallIntegerField(default=0, help_text="How often a worker died or had to stop over it.")
    worker = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)
    dispatched_at = models.DateTimeField(null=True, help_text="When the queue was last told of it again.")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["commit", "path"], name="conversion_once_a_file")]
        indexes = [models.Index(fields=["state", "id"], name="conversion_by_state")]

    def __str__(self) -> str:
        return f"{self.path} of {self.commit} as safetensors"
