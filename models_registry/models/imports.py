"""Where a repository came from, for imports that go on after a break and mirrors that follow their origin."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class ImportState(models.TextChoices):
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class RepositoryImport(models.Model):
    """The origin of a repository's history, and how far the last run came. A mirror has `every_s`."""

    repository = models.OneToOneField(
        "models_registry.Repository", on_delete=models.CASCADE, related_name="imported_from"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    origin = models.CharField(max_length=500, help_text="An address or a folder, without any secret.")
    hub = models.CharField(max_length=300, blank=True, help_text="The other hub's address, if the origin is one.")
    token_variable = models.CharField(
        max_length=100, blank=True, help_text="The environment variable that holds the origin's token."
    )
    state = models.CharField(max_length=8, choices=ImportState.choices, default=ImportState.RUNNING)
    error = models.CharField(max_length=500, blank=True)
    is_open = models.BooleanField(default=False, help_text="To be shown to everybody once the first run is through.")
    every_s = models.PositiveIntegerField(null=True, help_text="A mirror looks at its origin this often, in seconds.")
    next_at = models.DateTimeField(null=True, db_index=True)
    lease_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True, help_text="When the last run ended well.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ImportState.values), name="import_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.repository} from {self.origin}"

    @property
    def public_origin(self) -> str:
        """Where everybody may look as well; nothing for a folder of this machine."""
        address = f"{self.hub}/{self.origin}" if self.hub else self.origin
        return address if address.startswith(("http://", "https://")) else ""

    @property
    def is_mirror(self) -> bool:
        return self.every_s is not None
