"""Repositories, their refs and commits."""

import secrets
from typing import cast

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from models_registry.querysets import CommitQuerySet, RefQuerySet, RepositoryQuerySet
from models_registry.types import BRANCH, PULL, TAG


def new_public_id() -> str:
    """24 hex digits, as clients of the wire expect of `_id`."""
    return secrets.token_hex(12)


class Kind(models.TextChoices):
    """What a repository holds. The wire calls apps spaces."""

    MODEL = "model", "Model"
    DATASET = "dataset", "Data set"
    APP = "app", "App"


class Visibility(models.TextChoices):
    PUBLIC = "public", "Public"
    PRIVATE = "private", "Private"


class Gated(models.TextChoices):
    """Who may read the files of a repository that she can see."""

    OFF = "", "Everybody"
    AUTO = "auto", "Who asks"
    MANUAL = "manual", "Who was accepted"


_Repositories = models.Manager.from_queryset(RepositoryQuerySet)


class LivingRepositories(_Repositories["Repository"]):
    """Those that nobody has deleted. The way to all rows: a deleted repository is missing at every door alike."""

    def get_queryset(self) -> RepositoryQuerySet:
        return cast("RepositoryQuerySet", super().get_queryset().filter(deleted_at__isnull=True))


class Repository(models.Model):
    """`namespace/name` of a kind. What lists show of the default branch's head is copied onto the row.

    `objects` leaves deleted ones out; `everything` is for those who restore, purge, check or count bytes.
    """

    namespace = models.ForeignKey("accounts.Namespace", on_delete=models.PROTECT, related_name="repositories")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=96)
    key = models.CharField(max_length=140, help_text="namespace/name in lower case.")
    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    visibility = models.CharField(max_length=8, choices=Visibility.choices, default=Visibility.PUBLIC)
    gated = models.CharField(max_length=6, choices=Gated.choices, blank=True, default=Gated.OFF, db_default="")
    inherited_gate = models.CharField(
        max_length=6,
        choices=Gated.choices,
        blank=True,
        default=Gated.OFF,
        db_default="",
        help_text="The strictest gate of what it was made from; derived, see `InheritedGate`.",
    )
    creator = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    default_branch = models.CharField(max_length=200, default="main")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="Kept for a while, to be restored.")
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    description = models.CharField(
        max_length=300, blank=True, default="", db_default="", help_text="Its administrators' words, shown in lists."
    )
    discussions_disabled = models.BooleanField(default=False, db_default=False)

    # Copied from the head of the default branch in the transaction that moves it, so that no list opens a card.
    head = models.CharField(max_length=40, blank=True)
    card = models.JSONField(default=dict, help_text="The card's front matter.")
    tags = models.JSONField(default=list)
    task = models.CharField(max_length=64, blank=True)
    library = models.CharField(max_length=64, blank=True)
    licence = models.CharField(max_length=200, blank=True)
    is_draft = models.BooleanField(
        default=False,
        db_default=False,
        help_text="A model or data set whose card declares no licence: not published, whoever may open its address.",
    )
    licence_class = models.CharField(
        max_length=16, default="unknown", db_default="unknown", help_text="Of `licence`, by `models_registry.licences`."
    )
    summary = models.CharField(max_length=300, blank=True)
    config = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        help_text="What config.json and the tokenizer's say, in short.",
    )
    parameters = models.PositiveBigIntegerField(null=True, help_text="Counted from the weights.")
    parameters_by_dtype = models.JSONField(default=dict, help_text="The same by number format: F32, BF16, ….")
    size_bytes = models.PositiveBigIntegerField(default=0)
    file_count = models.PositiveIntegerField(default=0)

    downloads = models.PositiveBigIntegerField(default=0)
    likes = models.PositiveIntegerField(default=0)
    trending_score = models.FloatField(default=0, db_default=0, help_text="Recent downloads and likes, fading out.")
    trended_downloads = models.PositiveBigIntegerField(default=0, db_default=0, help_text="Counted into the score.")
    trended_likes = models.PositiveIntegerField(default=0, db_default=0, help_text="Counted into the score.")
    trended_at = models.DateTimeField(null=True, help_text="When the score was last brought up to date.")

    objects = LivingRepositories()
    everything = RepositoryQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at", "-pk"]
        default_manager_name = "objects"
        verbose_name_plural = "repositories"
        constraints = [
            # Of a deleted repository the name may be used again by its own namespace.
            models.UniqueConstraint(
                fields=["kind", "key"], condition=Q(deleted_at__isnull=True), name="repository_name_unique"
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="repository_kind_known"),
            models.CheckConstraint(condition=Q(visibility__in=Visibility.values), name="repository_visibility_known"),
            models.CheckConstraint(condition=Q(gated__in=Gated.values), name="repository_gated_known"),
            models.CheckConstraint(condition=Q(inherited_gate__in=Gated.values), name="repository_heir_gate_known"),
        ]
        indexes = [
            # One per order that lists offer; keyset pages walk them.
            models.Index(F("kind"), F("updated_at").desc(), F("id").desc(), name="repository_by_update"),
            models.Index(F("kind"), F("downloads").desc(), F("id").desc(), name="repository_by_downloads"),
            models.Index(F("kind"), F("likes").desc(), F("id").desc(), name="repository_by_likes"),
            models.Index(F("kind"), F("trending_score").desc(), F("id").desc(), name="repository_by_trend"),
            models.Index(F("kind"), F("created_at").desc(), F("id").desc(), name="repository_by_creation"),
            models.Index(F("kind"), F("size_bytes"), F("id"), name="repository_by_size"),
            models.Index(
                F("kind"), F("licence_class"), F("updated_at").desc(), F("id").desc(), name="repository_by_class"
            ),
            models.Index(
                fields=["deleted_at"], condition=Q(deleted_at__isnull=False), name="repository_deleted"
            ),  # Few rows, looked for by the purge.
        ]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        return f"{self.namespace.name}/{self.name}"

    @property
    def is_private(self) -> bool:
        return self.visibility == Visibility.PRIVATE

    @property
    def is_public_draft(self) -> bool:
        """Whether it would be in lists if its card declared a licence."""
        return self.is_draft and not self.is_private

    @property
    def has_gate(self) -> bool:
        """Whether it has a gate of its own."""
        return self.gated != Gated.OFF

    @property
    def is_gated(self) -> bool:
        """Whether its files are closed to those who see it: by a gate of its own, or of what it was made from."""
        return self.has_gate or self.inherited_gate != Gated.OFF


class RepositoryTag(models.Model):
    """One tag of one repository, for filters; rewritten with the head, never edited."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="tag_rows")
    tag = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tag", "repository"], name="repository_tag_unique")]

    def __str__(self) -> str:
        return self.tag


class Ref(models.Model):
    """A branch or tag by its full Git name. Moves only by compare-and-swap on `target`."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="refs")
    name = models.CharField(max_length=255)
    target = models.CharField(max_length=40, help_text="A commit; for an annotated tag, the tag object.")
    commit = models.CharField(max_length=40, help_text="The commit in the end: `target` itself or what the tag names.")

    objects = RefQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["repository", "name"], name="ref_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def short_name(self) -> str:
        return self.name.removeprefix(BRANCH).removeprefix(TAG).removeprefix(PULL)


class ScanVerdict(models.TextChoices):
    """What the scan says of a commit's files; pending until it has run."""

    PENDING = "pending", "Pending"
    CLEAN = "clean", "Clean"
    WARNING = "warning", "Warning"
    QUARANTINED = "quarantined", "Quarantined"


class Commit(models.Model):
    """One commit, under its real Git SHA-1. Never changes, but for what the scan says of it."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="commits")
    oid = models.CharField(max_length=40)
    tree = models.CharField(max_length=40)
    parents = models.JSONField(default=list, help_text="Ids of the parent commits, first parent first.")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    author_name = models.CharField(max_length=200)
    author_email = models.CharField(max_length=254, blank=True)
    title = models.CharField(max_length=500)
    message = models.TextField(blank=True, help_text="The body after the title.")
    committed_at = models.DateTimeField()
    scan_verdict = models.CharField(max_length=12, choices=ScanVerdict.choices, default=ScanVerdict.PENDING)
    held = models.JSONField(default=dict, help_text="Files held back: path to the reason, for people.")
    unreachable_since = models.DateTimeField(null=True, help_text="When a collection first found no ref leading here.")

    objects = CommitQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["repository", "oid"], name="commit_unique")]

    def __str__(self) -> str:
        return self.oid[:7]


class Manifest(models.Model):
    """All files of one commit, packed, written once. `models_registry.manifests` reads and writes the format."""

    commit = models.OneToOneField(Commit, on_delete=models.CASCADE, related_name="manifest")
    packed = models.BinaryField()
    file_count = models.PositiveIntegerField()
    total_bytes = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return f"{self.file_count} files of {self.commit}"
