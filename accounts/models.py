"""Who there is: users, organisations with roles, the namespaces both share, who follows whom, and access tokens."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.grants import Grants, from_json
from accounts.querysets import (
    AccessTokenQuerySet,
    AuditEventQuerySet,
    DeviceSignInQuerySet,
    FollowQuerySet,
    InvitationQuerySet,
    NamespaceQuerySet,
    OrganisationQuerySet,
)


class Role(models.TextChoices):
    """What a member may do with the organisation's repositories, from most to least."""

    ADMIN = "admin", "Admin"
    WRITE = "write", "Write"
    CONTRIBUTOR = "contributor", "Contributor"
    READ = "read", "Read"


class Scope(models.TextChoices):
    """What a token lets its holder do of all that its owner may."""

    READ = "read", "Read"
    WRITE = "write", "Write"
    ADMIN = "admin", "Admin"
    FINE = "fineGrained", "Fine-grained"  # As the wire spells it. What it covers is in the token's grants.

    @classmethod
    def wide(cls) -> "list[Scope]":
        """Those that hold everywhere, from least to most."""
        return [cls.READ, cls.WRITE, cls.ADMIN]

    def covers(self, needed: "Scope") -> bool:
        """Whether this scope is enough by itself. A fine-grained one never is, beyond reading what is public."""
        if self is Scope.FINE:
            return needed is Scope.READ
        order = Scope.wide()
        return order.index(self) >= order.index(needed)


class User(AbstractUser):
    """A person. The name is also the namespace of her repositories."""

    # A session may do all that the person may; a token narrows it for one request (accounts.middleware).
    scope: ClassVar[Scope] = Scope.ADMIN
    grants: ClassVar[Grants | None] = None  # Of a fine-grained token; None where the scope alone decides.

    full_name = models.CharField(max_length=120, blank=True)
    bio = models.CharField(max_length=500, blank=True)
    website = models.CharField(max_length=200, blank=True, help_text="http or https; checked when it is set.")
    session_salt = models.CharField(max_length=16, blank=True, help_text="Changing it ends all sessions.")
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]

    def get_full_name(self) -> str:
        return self.full_name or self.username

    def get_short_name(self) -> str:
        return self.username

    def get_session_auth_hash(self) -> str:
        """Sessions end with a changed password, and when she ends them."""
        return str(super().get_session_auth_hash()) + self.session_salt

    def narrow_to(self, token: "AccessToken") -> None:
        """Let this person, for the length of one request, do no more than the token that she came with."""
        self.scope = Scope(token.scope)  # type: ignore[misc]
        self.grants = from_json(token.grants) if self.scope is Scope.FINE else None  # type: ignore[misc]


class Organisation(models.Model):
    """A group that owns repositories together."""

    name = models.CharField(max_length=42, unique=True)
    full_name = models.CharField(max_length=120, blank=True)
    description = models.CharField(max_length=500, blank=True)
    website = models.CharField(max_length=200, blank=True)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="organisations")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One person's role in one organisation."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["organisation__name", "user__username"]
        constraints = [
            models.UniqueConstraint(fields=["user", "organisation"], name="membership_unique"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organisation} ({self.role})"


class Namespace(models.Model):
    """One name, held by a user or an organisation. A row whose holder is gone stays: names are never given twice."""

    key = models.CharField(max_length=42, unique=True, help_text="The name in lower case; looked up by this.")
    name = models.CharField(max_length=42, help_text="As its holder spells it.")
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="namespace"
    )
    organisation = models.OneToOneField(Organisation, null=True, on_delete=models.SET_NULL, related_name="namespace")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = NamespaceQuerySet.as_manager()

    class Meta:
        ordering = ["key"]
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=True) | Q(organisation__isnull=True), name="namespace_one_holder"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_organisation(self) -> bool:
        return self.organisation_id is not None

    @property
    def full_name(self) -> str:
        holder = self.organisation or self.user
        return (holder.full_name if holder else "") or self.name

    @property
    def website(self) -> str:
        holder = self.organisation or self.user
        return holder.website if holder else ""

    @property
    def website_shown(self) -> str:
        """Without the scheme, as people read addresses."""
        return self.website.removeprefix("https://").removeprefix("http://").rstrip("/")


class AccessToken(models.Model):
    """A key for programs. Only its digest is kept, so a copy of the database opens nothing."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_tokens")
    name = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token, hex.")
    hint = models.CharField(max_length=4, help_text="The last four characters, to tell tokens apart.")
    scope = models.CharField(max_length=11, choices=Scope.choices)
    grants = models.JSONField(default=list, blank=True, help_text="Of a fine-grained token: `accounts.grants`.")
    expires_at = models.DateTimeField(null=True, blank=True)
    # After a rotation the value before stays good for a while, so that programs can be changed one after another.
    previous_digest = models.CharField(max_length=64, null=True, unique=True, blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)
    # Tokens from signing in by browser are renewed with a second secret.
    refresh_digest = models.CharField(max_length=64, null=True, unique=True, blank=True)
    refresh_until = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AccessTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="access_token_name_unique"),
            models.CheckConstraint(condition=Q(scope__in=Scope.values), name="access_token_scope_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} (…{self.hint})"

    def is_expired(self, *, at: datetime | None = None) -> bool:
        return self.expires_at is not None and self.expires_at <= (at or timezone.now())


class Follow(models.Model):
    """One person follows a namespace: another person or an organisation."""

    follower = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="follows")
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="followers")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FollowQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["namespace", "follower"], name="follow_unique")]

    def __str__(self) -> str:
        return f"{self.follower} follows {self.namespace}"


class Invitation(models.Model):
    """An organisation asks a person to join; nobody becomes a member without saying yes."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="invitations")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=12, choices=Role.choices)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "user"], name="invitation_unique"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} asked to join {self.organisation}"


class DeviceSignIn(models.Model):
    """A program without a browser asks to act for a person; she decides in her browser (RFC 8628)."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        APPROVED = "approved", "Approved"
        DENIED = "denied", "Denied"
        USED = "used", "Used"

    device_digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the program's secret, hex.")
    user_digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the code that she types, hex.")
    client_id = models.CharField(max_length=100)
    agent = models.CharField(max_length=200, blank=True, help_text="How the program called itself.")
    address = models.CharField(max_length=45, blank=True, help_text="Where it asked from.")
    scope = models.CharField(max_length=11, choices=Scope.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    interval_s = models.PositiveSmallIntegerField()
    polled_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DeviceSignInQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["pending", "approved", "denied", "used"]), name="device_state_known"
            )
        ]
        indexes = [models.Index(fields=["address", "created_at"], name="device_by_address")]

    def __str__(self) -> str:
        return f"{self.client_id} ({self.state})"


class AuditEvent(models.Model):
    """Who changed what of a namespace: members, tokens, settings. Written with the change, never edited."""

    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="audit_events")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=42, blank=True, help_text="Kept when the account is gone.")
    action = models.CharField(max_length=40, help_text="A stable word such as member.added.")
    subject = models.CharField(max_length=200, blank=True)
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(F("namespace"), F("id").desc(), name="audit_by_namespace")]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"


class SignInTries(models.Model):
    """Failed sign-ins of one name from one address in the current window."""

    key = models.CharField(max_length=100, unique=True, help_text="name|address")
    failures = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "sign-in tries"

    def __str__(self) -> str:
        return self.key
