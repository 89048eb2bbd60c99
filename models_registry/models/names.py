"""Names that repositories had before, and what their administrators did to them."""

from django.conf import settings
from django.db import models


class FormerName(models.Model):
    """A name that a repository had. Who asks for it is led to the repository, whatever it is called by now.

    The row stays when the repository is gone or the name was freed: it says whose name it was, and nobody else gets it.
    """

    kind = models.CharField(max_length=8)
    key = models.CharField(max_length=140, help_text="namespace/name in lower case.")
    full_name = models.CharField(max_length=140, help_text="As it was spelled.")
    namespace = models.ForeignKey("accounts.Namespace", on_delete=models.PROTECT, related_name="former_names")
    repository = models.ForeignKey(
        "models_registry.Repository",
        null=True,
        on_delete=models.SET_NULL,
        related_name="former_names",
        help_text="Where the name leads; nothing once it is free.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="former_name_unique")]

    def __str__(self) -> str:
        return self.full_name


class AuditEntry(models.Model):
    """What was done to a repository as a whole: by whom, when. Written with the deed, never changed."""

    class Deed(models.TextChoices):
        """Deeds that administrators want to look up later."""

        CREATED = "created", "Created"
        DELETED = "deleted", "Deleted"
        DUPLICATED = "duplicated", "Duplicated"
        FREED = "freed", "Old name freed"
        GATE = "gate", "Gate"
        MOVED = "moved", "Moved"
        RESTORED = "restored", "Restored"
        SETTINGS = "settings", "Settings changed"

    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="audit_entries")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=150, blank=True, help_text="Empty for the hub's operator.")
    deed = models.CharField(max_length=12, choices=Deed.choices)
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.deed} by {self.actor_name or 'the operator'}"
