"""The store's own books: which bytes it holds, who uses how much of it, and space that uploads have asked for."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from models_registry.querysets import ReservationQuerySet, StorageUseQuerySet


class BlobState(models.TextChoices):
    PRESENT = "present", "Present"
    LEAVING = "leaving", "Leaving"  # Being deleted, unless somebody brings the same bytes again before that.


class Blob(models.Model):
    """Bytes in the blob store. The row is written before the bytes, and deleted after them."""

    digest = models.CharField(max_length=64, unique=True, help_text="BLAKE3, the key in the store.")
    size_bytes = models.PositiveBigIntegerField()
    state = models.CharField(max_length=8, choices=BlobState.choices, default=BlobState.PRESENT)
    touched_at = models.DateTimeField(default=timezone.now, db_index=True, help_text="When somebody last brought it.")
    checked_at = models.DateTimeField(null=True, db_index=True, help_text="When the scrub last read all of it.")
    damage = models.CharField(max_length=200, blank=True, help_text="What the scrub found; empty when all is well.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(state__in=BlobState.values), name="blob_state_known")]

    def __str__(self) -> str:
        return self.digest[:12]


class StorageUse(models.Model):
    """How many bytes one repository holds, kept by the transactions that change it.

    The row is also the lock on a repository's history: whoever adds Git objects holds it until the commit, and so does
    a collection while it decides what nobody needs.
    """

    repository = models.OneToOneField(
        "models_registry.Repository", on_delete=models.CASCADE, primary_key=True, related_name="storage_use"
    )
    content_bytes = models.PositiveBigIntegerField(default=0, help_text="Large files, each once, unpacked.")
    git_bytes = models.PositiveBigIntegerField(default=0, help_text="Git objects, unpacked.")

    objects = StorageUseQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.total_bytes} bytes of {self.repository_id}"

    @property
    def total_bytes(self) -> int:
        return self.content_bytes + self.git_bytes


class Quota(models.Model):
    """The limit of one namespace where it differs from the hub's own; and the lock under which space is given out."""

    namespace = models.OneToOneField(
        "accounts.Namespace", on_delete=models.CASCADE, primary_key=True, related_name="quota"
    )
    limit_bytes = models.PositiveBigIntegerField(null=True, blank=True, help_text="Empty: as the hub; 0: no limit.")

    def __str__(self) -> str:
        return f"quota of {self.namespace_id}"


class Reservation(models.Model):
    """Space that an upload under way has asked for. Given back when it ends, or when its time is over."""

    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="reservations")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    key = models.CharField(max_length=80, help_text="What is coming: a SHA-256, a xorb, or a name made for one upload.")
    size_bytes = models.PositiveBigIntegerField()
    expires_at = models.DateTimeField(db_index=True)

    objects = ReservationQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "key"], name="reservation_unique")]

    def __str__(self) -> str:
        return f"{self.size_bytes} bytes for {self.key[:20]}"
