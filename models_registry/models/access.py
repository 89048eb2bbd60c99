"""Gated repositories: the form that is asked with, who asked, and what was decided."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from models_registry.models.repositories import new_public_id
from models_registry.querysets import AccessRequestQuerySet


class Gate(models.Model):
    """What a repository's owner wrote for people who ask. The card's `extra_gated_*` keys stand before it."""

    repository = models.OneToOneField("models_registry.Repository", on_delete=models.CASCADE, related_name="gate")
    prompt = models.TextField(blank=True, help_text="Shown above the form, as Markdown.")
    fields = models.JSONField(default=list, help_text="Extra fields, as `models_registry.gates.Field` writes them.")

    def __str__(self) -> str:
        return f"gate of {self.repository_id}"


class AccessForm(models.Model):
    """One version of the form, exactly as people saw it. Written when somebody asks, never changed."""

    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="access_forms")
    version = models.PositiveIntegerField(help_text="Counts 1, 2, 3… within the repository.")
    content = models.JSONField(help_text="Heading, texts and fields.")
    sha256 = models.CharField(max_length=64, help_text="Of the content as canonical JSON: what was agreed to.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "version"], name="access_form_version_unique"),
            models.UniqueConstraint(fields=["repository", "sha256"], name="access_form_text_unique"),
        ]

    def __str__(self) -> str:
        return f"form {self.version} of {self.repository_id}"


class AccessState(models.TextChoices):
    """Where a request stands. Only `accepted` opens anything."""

    PENDING = "pending", "Pending"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn"


class AccessRequest(models.Model):
    """One person's access to one gated repository: at most one row, whatever happened to it before."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    repository = models.ForeignKey(
        "models_registry.Repository", on_delete=models.CASCADE, related_name="access_requests"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_requests")
    state = models.CharField(max_length=9, choices=AccessState.choices, default=AccessState.PENDING)
    form = models.ForeignKey(AccessForm, null=True, on_delete=models.RESTRICT, related_name="+")
    answers = models.JSONField(default=dict, help_text="Field name to answer. Empty for access given unasked.")
    reason = models.CharField(max_length=500, blank=True, help_text="Why it was rejected, for the asker.")
    asked_at = models.DateTimeField(null=True, help_text="None for access given unasked: then no e-mail is shown.")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    updated_at = models.DateTimeField()

    objects = AccessRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "user"], name="access_request_unique"),
            models.CheckConstraint(condition=Q(state__in=AccessState.values), name="access_request_state_known"),
        ]
        indexes = [models.Index(fields=["repository", "state", "-id"], name="access_request_queue")]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.repository_id} ({self.state})"


class AccessStep(models.Model):
    """One thing that happened to a request; with the form and answers where somebody asked. Never changed."""

    class Action(models.TextChoices):
        ASKED = "asked", "Asked"
        ACCEPTED = "accepted", "Accepted"
        REJECTED = "rejected", "Rejected"
        CANCELLED = "cancelled", "Set back to pending"
        GRANTED = "granted", "Granted"
        WITHDRAWN = "withdrawn", "Withdrawn"

    request = models.ForeignKey(AccessRequest, on_delete=models.CASCADE, related_name="steps")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    action = models.CharField(max_length=9, choices=Action.choices)
    form = models.ForeignKey(AccessForm, null=True, on_delete=models.RESTRICT, related_name="+")
    answers = models.JSONField(default=dict)
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.action} ({self.request_id})"
