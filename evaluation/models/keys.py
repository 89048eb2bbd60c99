"""The hub's keys for receipts, and the signatures made with them."""

from django.db import models
from django.db.models import Q

from evaluation.models.results import Receipt


class SigningKey(models.Model):
    """One Ed25519 key. Old ones stay, so that what they signed can be checked for ever; only the newest still signs."""

    key_id = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the public key's 32 bytes.")
    algorithm = models.CharField(max_length=16, default="ed25519")
    public_key = models.CharField(max_length=44, help_text="32 bytes in base64.")
    sealed_private_key = models.TextField(blank=True, help_text="Encrypted; removed once the key is retired.")
    endorsed_by = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="endorses")
    endorsement = models.CharField(
        max_length=88, blank=True, help_text="The key before's signature over this key, in base64."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True, help_text="Somebody else may have had it: nothing it signed counts.")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["algorithm"], condition=Q(retired_at__isnull=True), name="signing_key_one_current"
            ),
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True) | Q(sealed_private_key=""),
                name="signing_key_retired_signs_no_more",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True) | Q(retired_at__isnull=False),
                name="signing_key_revoked_is_retired",
            ),
        ]

    def __str__(self) -> str:
        return self.key_id[:16]

    @property
    def state(self) -> str:
        """current, retired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "current" if self.retired_at is None else "retired"


class ReceiptSignature(models.Model):
    """A signature over the statement of a receipt. A receipt of the time before keys has none until it is given one."""

    receipt = models.ForeignKey(Receipt, on_delete=models.CASCADE, related_name="signatures")
    key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="signatures")
    value = models.CharField(max_length=88, help_text="64 bytes in base64.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["receipt", "key"], name="receipt_signed_once_by_a_key")]

    def __str__(self) -> str:
        return f"{self.receipt} by {self.key}"
