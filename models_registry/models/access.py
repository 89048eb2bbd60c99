"""Gated repositories: the form that is asked with, who asked, and what was decided."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from models_registry.models.repositories import new_public_id
from models_registry.querysets_access import AcceptanceQuerySet, AccessRequestQuerySet, InheritedGateQuerySet


class Renewal(models.TextChoices):
    """What becomes of those who accepted, when the text changes."""

    KEEP = "keep", "They keep access"
    AT_ONCE = "at_once", "They accept anew at once"
    WITHIN = "within", "They accept anew within some days"


class LicenceText(models.Model):
    """A licence's text, byte for byte, under its hash: the proof of who accepted it. Written once, never changed."""

    sha256 = models.CharField(max_length=64, unique=True)
    body = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.sha256[:12]


class Gate(models.Model):
    """What a repository's owner wrote for people who ask. The card's `extra_gated_*` keys stand before it."""

    repository = models.OneToOneField("models_registry.Repository", on_delete=models.CASCADE, related_name="gate")
    prompt = models.TextField(blank=True, help_text="Shown above the form, as Markdown.")
    fields = models.JSONField(default=list, help_text="Extra fields, as `models_registry.gates.Field` writes them.")
    renewal = models.CharField(
        max_length=7,
        choices=Renewal.choices,
        default=Renewal.KEEP,
        db_default="keep",
        help_text="When the text changes.",
    )
    renew_days = models.PositiveSmallIntegerField(default=14, db_default=14, help_text="How long the old text holds.")
    with_children = models.BooleanField(
        default=False, db_default=False, help_text="Whether the files of models made from this one need it as well."
    )
    form = models.ForeignKey(
        "AccessForm", null=True, on_delete=models.SET_NULL, related_name="+", help_text="The version that holds now."
    )
    terms_since = models.DateTimeField(null=True, help_text="Since when that version holds.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(renewal__in=Renewal.values), name="gate_renewal_known"),
            models.CheckConstraint(condition=Q(renew_days__range=(1, 365)), name="gate_renew_days_bounded"),
        ]

    def __str__(self) -> str:
        return f"gate of {self.repository_id}"


class AccessForm(models.Model):
    """One version of the terms, exactly as people saw them: form and licence. Only what its owner calls it changes."""

    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="access_forms")
    version = models.PositiveIntegerField(help_text="Counts 1, 2, 3… within the repository.")
    content = models.JSONField(help_text="Heading, texts and fields.")
    sha256 = models.CharField(max_length=64, help_text="Of the content as canonical JSON: what was agreed to.")
    text = models.ForeignKey(
        LicenceText,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The licence's text, if it has one.",
    )
    is_minor = models.BooleanField(
        default=False, db_default=False, help_text="Means the same as the version before: only words were mended."
    )
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
    """One person's, or one organisation's, access to one gated repository: one row, whatever happened to it before."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    repository = models.ForeignKey(
        "models_registry.Repository", on_delete=models.CASCADE, related_name="access_requests"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_requests")
    organisation = models.ForeignKey(
        "accounts.Organisation",
        null=True,
        on_delete=models.CASCADE,
        related_name="access_requests",
        help_text="Set where `user`, an admin of it, speaks for all its members.",
    )
    state = models.CharField(max_length=9, choices=AccessState.choices, default=AccessState.PENDING)
    renew_by = models.DateTimeField(null=True, help_text="Until when the text that was accepted holds; None: for good.")
    form = models.ForeignKey(AccessForm, null=True, on_delete=models.RESTRICT, related_name="requests")
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
            models.UniqueConstraint(
                fields=["repository", "user"], condition=Q(organisation__isnull=True), name="access_request_unique"
            ),
            models.UniqueConstraint(
                fields=["repository", "organisation"],
                condition=Q(organisation__isnull=False),
                name="access_request_organisation_unique",
            ),
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
        RENEWED = "renewed", "Accepted anew"
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


class Acceptance(models.Model):
    """What somebody accepted, when: her own proof. It outlives the repository, its owner and her access."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    step = models.OneToOneField(AccessStep, null=True, on_delete=models.SET_NULL, related_name="acceptance")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="acceptances")
    organisation = models.ForeignKey(
        "accounts.Organisation", null=True, on_delete=models.SET_NULL, related_name="acceptances"
    )
    organisation_name = models.CharField(max_length=42, blank=True)
    repository = models.ForeignKey(
        "models_registry.Repository", null=True, on_delete=models.SET_NULL, related_name="acceptances"
    )
    repository_kind = models.CharField(max_length=8)
    repository_name = models.CharField(max_length=140, help_text="As it was called then.")
    commit = models.CharField(max_length=40, blank=True, help_text="The head of its default branch then.")
    content = models.JSONField(help_text="The terms as they were shown: the form, and the licence by id and hash.")
    sha256 = models.CharField(max_length=64, help_text="Of the content as canonical JSON.")
    text = models.ForeignKey(LicenceText, null=True, on_delete=models.PROTECT, related_name="+")
    answers = models.JSONField(default=dict)
    accepted_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    objects = AcceptanceQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["user", "-id"], name="acceptance_of_user")]

    def __str__(self) -> str:
        return f"{self.repository_name} by {self.user_id}"


class InheritanceDue(models.Model):
    """Something changed that decides whose terms pass on to this repository or through it: the rows below are late.

    Written with the change, gone with the transaction that computes them. Until then doors ask links and gates.
    """

    repository = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.repository_id} since {self.since}"


class InheritedGate(models.Model):
    """A repository whose files need the terms of another one that it was made from. Derived; never edited."""

    child = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="inherited_gates")
    source = models.ForeignKey("models_registry.Repository", on_delete=models.CASCADE, related_name="heirs")

    objects = InheritedGateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["child", "source"], name="inherited_gate_unique"),
            models.CheckConstraint(condition=~Q(child=models.F("source")), name="inherited_gate_from_another"),
        ]

    def __str__(self) -> str:
        return f"{self.child_id} from {self.source_id}"
