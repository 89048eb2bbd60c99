"""Where a model stands: its scores of the version that people get, with what they are weighed against."""

import math
from typing import Any, cast

from django.db import models
from django.db.models import F

from evaluation.benchmarks.tiers import Tier
from evaluation.models.benchmarks import Benchmark
from evaluation.models.results import Score
from evaluation.querysets_standings import StandingQuerySet
from models_registry.sizes import size_class

NEVER = math.ldexp(1.0, 100)  # Sorts behind all times and sizes; a keyset takes no null.


_Standings = models.Manager.from_queryset(StandingQuerySet)


class WholeStandings(_Standings["Standing"]):
    """Those of whole sets, which alone are ranked together, compared and found by need."""

    def get_queryset(self) -> StandingQuerySet:
        return cast("StandingQuerySet", super().get_queryset().filter(tier=Tier.STANDARD))


class Standing(models.Model):
    """One model on one version of a benchmark. Derived: `services.standings` writes it, and can write all of it anew.

    The version is the one that `latest` names, once it was measured, and the head of the default branch until then.
    Who may see a row is decided by its repository, at the time of reading. `objects` are those measured on whole sets;
    `everything` has those of smaller tiers as well, which stand on boards of their own.
    """

    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="standings")
    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="standings")
    score = models.OneToOneField(Score, on_delete=models.CASCADE, related_name="standing")
    commit = models.CharField(max_length=40)
    release = models.CharField(max_length=100, blank=True, help_text="The release that this commit is, if it is one.")
    receipt = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the score's receipt.")
    measured_at = models.DateTimeField()

    value = models.FloatField()
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    n = models.PositiveIntegerField()
    tier = models.CharField(
        max_length=10, default="standard", db_default="standard", help_text="How much was measured."
    )
    # The same, turned so that more is better; without an interval all three are equal.
    merit = models.FloatField()
    merit_low = models.FloatField()
    merit_high = models.FloatField()

    size_bytes = models.PositiveBigIntegerField()
    first_ms = models.FloatField(null=True, help_text="To the first token or, where there are none, the first answer.")
    memory_bytes = models.PositiveBigIntegerField(null=True, help_text="Peak of memory.")
    parameters = models.PositiveBigIntegerField(null=True)
    order_ms = models.FloatField(default=NEVER)
    order_memory = models.FloatField(default=NEVER)

    family = models.CharField(max_length=64, blank=True, help_text="Transformer, GRU, n-gram, ….")
    task = models.CharField(max_length=64, blank=True, help_text="What the version's card or files say it is for.")
    licence = models.CharField(max_length=200, blank=True)
    licence_names = models.TextField(
        blank=True, default="", db_default="", help_text="Ids in small letters with a line on both sides of each."
    )
    licence_class = models.CharField(max_length=16)
    languages = models.TextField(blank=True, help_text="Codes with a space on both sides of each.")

    objects = WholeStandings()
    everything = StandingQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "benchmark"], name="standing_unique")]
        indexes = [
            # One per order that a board offers; keyset pages walk them.
            models.Index(F("benchmark"), F("merit").desc(), F("id"), name="standing_by_merit"),
            models.Index(fields=["benchmark", "size_bytes", "id"], name="standing_by_size"),
            models.Index(fields=["benchmark", "order_ms", "id"], name="standing_by_time"),
            models.Index(fields=["benchmark", "order_memory", "id"], name="standing_by_memory"),
        ]

    def __str__(self) -> str:
        return f"{self.repository} on {self.benchmark}: {self.value:.4g}"

    @property
    def size_class(self) -> str:
        return size_class(self.size_bytes)

    @property
    def language_codes(self) -> list[str]:
        return self.languages.split()

    def facts(self) -> dict[str, Any]:
        """All that it says, but for its id: equal facts are the same standing."""
        return {
            field.attname: getattr(self, field.attname) for field in self._meta.concrete_fields if field.name != "id"
        }


def last_or(value: float | None) -> float:
    """What a nullable number is sorted by: missing ones come last."""
    return NEVER if value is None else float(value)
