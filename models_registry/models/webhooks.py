"""Webhooks: who wants to hear of what, and each message as a row until it has arrived."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from models_registry.models.repositories import new_public_id
from models_registry.querysets import WebhookDeliveryQuerySet, WebhookQuerySet


class Webhook(models.Model):
    """An address that hears of changes. The secret is kept sealed and is never read out again."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=2000)
    on_repo = models.BooleanField(default=True, help_text="Repositories, their content and settings.")
    on_discussion = models.BooleanField(default=True, help_text="Discussions, pull requests and comments.")
    sealed_secret = models.TextField(blank=True, help_text="`hub.core.secrets.seal`; empty for none.")
    disabled = models.BooleanField(default=False)
    disabled_because = models.CharField(max_length=300, blank=True, help_text="Empty when its owner switched it off.")
    failures = models.PositiveIntegerField(default=0, help_text="Deliveries given up in a row; an arrival clears it.")
    day = models.DateField(null=True, help_text="The day that `sent_that_day` counts.")
    sent_that_day = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"webhook {self.public_id}"

    @property
    def domains(self) -> list[str]:
        return ["repo"] * self.on_repo + ["discussion"] * self.on_discussion


class WebhookWatch(models.Model):
    """One thing that a webhook watches. Names need not exist: then it starts to matter once they do."""

    class Kind(models.TextChoices):
        """In the words of the wire."""

        MODEL = "model", "Model"
        DATASET = "dataset", "Data set"
        SPACE = "space", "App"
        USER = "user", "Person"
        ORG = "org", "Organisation"

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="watches")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    name = models.CharField(max_length=140)
    key = models.CharField(max_length=140, help_text="The name in lower case.")
    repository = models.ForeignKey(
        "models_registry.Repository",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="What had the name when it was written, so that a move does not lose it.",
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["webhook", "kind", "key"], name="webhook_watch_unique"),
            models.CheckConstraint(
                condition=Q(kind__in=["model", "dataset", "space", "user", "org"]), name="webhook_watch_kind_known"
            ),
        ]
        indexes = [models.Index(fields=["key", "kind"], name="webhook_watch_by_key")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class WebhookDelivery(models.Model):
    """One message to one address, written with the change that it tells of. The row is the truth, the queue a hint."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Sending"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"
        DROPPED = "dropped", "Not sent"

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False, help_text="The same at each try.")
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    action = models.CharField(max_length=10)
    scope = models.CharField(max_length=30)
    repository_name = models.CharField(max_length=140, blank=True)
    payload = models.JSONField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    attempt = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(help_text="When it is due; while it is sent, when the lease ends.")
    status = models.PositiveSmallIntegerField(null=True, help_text="HTTP status of the last answer.")
    response = models.TextField(blank=True, help_text="The start of the last answer.")
    duration_ms = models.PositiveIntegerField(null=True)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "sending", "delivered", "failed", "dropped"]),
                name="webhook_delivery_state_known",
            )
        ]
        indexes = [
            models.Index(fields=["state", "next_try_at"], name="webhook_delivery_due"),
            models.Index(fields=["webhook", "-id"], name="webhook_delivery_log"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.action} ({self.state})"
