"""What a run leaves: its score, its receipt, and the outputs of each item."""

from django.db import models

from evaluation.models.benchmarks import Benchmark
from evaluation.models.runs import Run
from evaluation.querysets import ReceiptQuerySet, ScoreQuerySet


class Score(models.Model):
    """One number with its interval and what it is read against."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="score")
    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="scores")
    benchmark = models.ForeignKey(Benchmark, on_delete=models.PROTECT, related_name="scores")
    metric = models.CharField(max_length=64)
    value = models.FloatField()
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    confidence = models.FloatField(default=0.95)
    method = models.CharField(max_length=64, blank=True, help_text="How the interval was made.")
    n = models.PositiveIntegerField()
    unit = models.CharField(max_length=32, blank=True)
    higher_is_better = models.BooleanField()
    baseline_name = models.CharField(max_length=80, blank=True)
    baseline_value = models.FloatField(null=True)
    chance = models.FloatField(null=True)
    tier = models.CharField(max_length=10, default="standard", help_text="How much of the set was measured.")
    metrics = models.JSONField(default=dict, help_text="Every metric that was computed beside the main one.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScoreQuerySet.as_manager()

    class Meta:
        ordering = ["benchmark__key"]
        indexes = [models.Index(fields=["benchmark", "value"], name="score_by_value")]

    def __str__(self) -> str:
        return f"{self.benchmark} {self.metric} {self.value:.4g}"


class Receipt(models.Model):
    """The record of a run, named by the SHA-256 of its canonical JSON. Written once and kept when a run is repeated."""

    run = models.OneToOneField(
        Run, null=True, on_delete=models.SET_NULL, related_name="receipt", help_text="Null once a newer one stands."
    )
    of_run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="receipts")
    sha256 = models.CharField(max_length=64, unique=True)
    body = models.TextField(help_text="Canonical JSON: sorted keys, UTF-8, no white space.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ReceiptQuerySet.as_manager()

    def __str__(self) -> str:
        return self.sha256[:12]


class ItemOutputs(models.Model):
    """The per-item outputs behind a receipt, from which pairs are compared. `services.items` alone unpacks them."""

    receipt = models.OneToOneField(Receipt, on_delete=models.CASCADE, related_name="items")
    sha256 = models.CharField(max_length=64, help_text="Of the JSON lines before packing.")
    packed = models.BinaryField()
    count = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.count} items of {self.receipt}"
