"""Where models and data sets come from: links to parents with their evidence, and what was taken from weights."""

from django.db import models
from django.db.models import F, Q

from models_registry.models.repositories import Commit, Kind, Repository
from models_registry.querysets_lineage import LineageLinkQuerySet, LineageStateQuerySet


class Relation(models.TextChoices):
    """What a parent is to its child."""

    FINETUNE = "finetune", "Fine-tune"
    ADAPTER = "adapter", "Adapter"
    MERGE = "merge", "Merge"
    QUANTIZED = "quantized", "Quantised"
    DISTILLED = "distilled", "Distilled"
    TRAINED_ON = "trained_on", "Trained on"
    EVALUATED_ON = "evaluated_on", "Evaluated on"
    PART_OF = "part_of", "Part of it"
    UNKNOWN = "unknown", "Not said"


class Evidence(models.TextChoices):
    """How much stands behind a link."""

    DECLARED = "declared", "Declared"  # Somebody wrote it into the card.
    DERIVED = "derived", "Derived"  # Files or weights tell it.
    VERIFIED = "verified", "Verified by weights"  # Declared or told by files, and the weights agree.
    CONTRADICTED = "contradicted", "Contradicted by weights"


class LineageLink(models.Model):
    """One parent of one commit. All links of a commit are written together, from its files and from its weights.

    `detail` has `places` (file and key, each where it was read), `says` (how it was spelled), and `weights` (figures
    of the comparison) where weights were compared.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="lineage_links")
    commit = models.ForeignKey(Commit, on_delete=models.CASCADE, related_name="lineage_links")
    position = models.PositiveSmallIntegerField(help_text="Order in which files name them.")
    parent_kind = models.CharField(max_length=8, choices=Kind.choices)
    parent_name = models.CharField(max_length=200, blank=True, help_text='As spelled; "" where nobody says which.')
    parent_key = models.CharField(max_length=200, blank=True, help_text="The same in lower case.")
    parent = models.ForeignKey(
        Repository, null=True, blank=True, on_delete=models.SET_NULL, related_name="lineage_children"
    )
    relation = models.CharField(max_length=12, choices=Relation.choices)
    evidence = models.CharField(max_length=12, choices=Evidence.choices)
    is_from_weights = models.BooleanField(default=False, help_text="No file names it: its weights alone tell.")
    refused = models.CharField(max_length=20, blank=True, help_text='"cycle": left out, for it would close a circle.')
    detail = models.JSONField(default=dict)

    objects = LineageLinkQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["commit", "position"], name="lineage_link_position_unique"),
            models.CheckConstraint(condition=Q(relation__in=Relation.values), name="lineage_relation_known"),
            models.CheckConstraint(condition=Q(evidence__in=Evidence.values), name="lineage_evidence_known"),
            models.CheckConstraint(
                condition=Q(parent_key__gt="") | Q(parent__isnull=True), name="lineage_parent_named"
            ),
        ]
        indexes = [
            models.Index(
                fields=["parent_key"],
                condition=Q(parent__isnull=True) & Q(parent_key__gt=""),
                name="lineage_unresolved",
            ),
            models.Index(F("parent"), F("repository").desc(), name="lineage_by_parent"),
        ]

    def __str__(self) -> str:
        return f"{self.repository_id} {self.relation} {self.parent_name or '?'}"


class LineageState(models.Model):
    """How far the lineage of a repository's head is known, and what its weights are like.

    `commit` is the head that `LineageLink` rows were last written for. The sketch belongs to `weights_key`, a digest of
    the weight files: while these stay the same, another commit needs no new one.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"  # For the scan, or for a worker.
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    repository = models.OneToOneField(Repository, on_delete=models.CASCADE, related_name="lineage_state")
    commit = models.ForeignKey(Commit, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempt = models.PositiveIntegerField(default=0)
    heard_at = models.DateTimeField(help_text="When it began to wait, or a worker last reported.")
    weights_key = models.CharField(max_length=64, blank=True, help_text="What the sketch was taken from.")
    sketched_at = models.DateTimeField(null=True, help_text="When the sketch was taken.")
    sketch = models.BinaryField(default=bytes, help_text="See models_registry.formats.sketches.")
    tensors = models.PositiveIntegerField(default=0)
    headers = models.JSONField(default=list, help_text="Parents that headers of weight files name.")
    matches = models.JSONField(default=list, help_text="Repositories that were compared, with figures.")
    fault = models.CharField(max_length=300, blank=True)

    objects = LineageStateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running", "done", "failed"]), name="lineage_state_known"
            ),
        ]
        indexes = [models.Index(fields=["state", "heard_at"], name="lineage_state_open")]

    def __str__(self) -> str:
        return f"{self.repository_id}: {self.state}"


class SketchShape(models.Model):
    """A shape among a sketch's tensors: how models are found whose tensors can be laid beside each other."""

    state = models.ForeignKey(LineageState, on_delete=models.CASCADE, related_name="shapes")
    shape = models.CharField(max_length=100)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shape", "state"], name="sketch_shape_unique")]

    def __str__(self) -> str:
        return self.shape
