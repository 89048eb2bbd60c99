"""Versions with a name: releases, which never move, and pointers, which move and remember where they were."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from models_registry.models.repositories import Commit, Ref, Repository
from models_registry.querysets import ReleaseQuerySet

MAX_RELEASE_NAME = 100
MAX_POINTER_NAME = 64
MAX_REASON = 500


class ReleaseGate(models.TextChoices):
    """Whether a release may become `latest`."""

    PASSED = "passed", "Passed"
    WAITING = "waiting", "Waiting"
    FAILED = "failed", "Failed"


class Release(models.Model):
    """A tag with notes. Tag and commit never change and are never deleted but with the repository.

    The notes can be corrected, and the release can be yanked: listed still, but no longer what `latest` names. Each
    such step is an event, so that what was once said can be read again.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="releases")
    name = models.CharField(max_length=MAX_RELEASE_NAME)
    ref = models.OneToOneField(Ref, on_delete=models.RESTRICT, related_name="release")
    commit = models.ForeignKey(Commit, on_delete=models.RESTRICT, related_name="releases")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    notes = models.TextField(blank=True, help_text="Markdown.")
    precedence = models.CharField(max_length=1200, blank=True, help_text="Sorts as the versions do; empty: free name.")
    is_prerelease = models.BooleanField(default=False)
    is_draft = models.BooleanField(
        default=False, db_default=False, help_text="Its card declares no licence; `latest` passes it over."
    )
    gate = models.CharField(max_length=8, choices=ReleaseGate.choices, default=ReleaseGate.PASSED)
    gate_reason = models.CharField(
        max_length=MAX_REASON, blank=True, db_default="", help_text="What the gate found, for people."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    yanked_at = models.DateTimeField(null=True, blank=True)
    yank_reason = models.CharField(max_length=MAX_REASON, blank=True)

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        ordering = ["-precedence", "-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "name"], name="release_name_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="release_has_a_name"),
            models.CheckConstraint(condition=Q(gate__in=ReleaseGate.values), name="release_gate_known"),
            models.CheckConstraint(
                condition=Q(yanked_at__isnull=True, yank_reason="") | (Q(yanked_at__isnull=False) & ~Q(yank_reason="")),
                name="release_yanked_with_a_reason",
            ),
        ]
        indexes = [
            models.Index(F("repository"), F("precedence").desc(), F("created_at").desc(), name="release_by_precedence"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_yanked(self) -> bool:
        return self.yanked_at is not None


class ReleaseEvent(models.Model):
    """One step in the life of a release. Written once."""

    class Kind(models.TextChoices):
        CREATED = "created", "Created"
        NOTES = "notes", "Notes corrected"
        YANKED = "yanked", "Yanked"
        UNYANKED = "unyanked", "Yank taken back"
        GATE = "gate", "Gate"
        OVERRIDDEN = "override", "Gate overridden"

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField(blank=True, help_text="The notes from then on, or the reason.")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.kind} {self.release_id}"


class Pointer(models.Model):
    """A name that moves on purpose, such as `production`. Without a commit it names nothing, but keeps its past."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="pointers")
    name = models.CharField(max_length=MAX_POINTER_NAME)
    commit = models.ForeignKey(Commit, null=True, on_delete=models.RESTRICT, related_name="pointers")
    revision = models.CharField(max_length=250, blank=True, help_text="What it was moved to, in the mover's words.")
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "name"], name="pointer_name_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="pointer_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class PointerMove(models.Model):
    """One move of a pointer: who, when, from where, to where, why. Written once; "" is nowhere."""

    pointer = models.ForeignKey(Pointer, on_delete=models.CASCADE, related_name="moves")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    old = models.CharField(max_length=40, blank=True)
    new = models.CharField(max_length=40, blank=True)
    revision = models.CharField(max_length=250, blank=True)
    note = models.CharField(max_length=MAX_REASON, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.old[:7] or '-'} to {self.new[:7] or '-'}"
