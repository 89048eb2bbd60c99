"""Who there is: users, organisations with roles, the namespaces both share, and access tokens."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.querysets import AccessTokenQuerySet, NamespaceQuerySet, OrganisationQuerySet


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

    def covers(self, needed: "Scope") -> bool:
        order = [Scope.READ, Scope.WRITE, Scope.ADMIN]
        return order.index(self) >= order.index(needed)


class User(AbstractUser):
    """A person. The name is also the namespace of her repositories."""

    # A session may do all that the person may; a token narrows it for one request (accounts.middleware).
    scope: ClassVar[Scope] = Scope.ADMIN

    full_name = models.CharField(max_length=120, blank=True)
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]

    def get_full_name(self) -> str:
        return self.full_name or self.username

    def get_short_name(self) -> str:
        return self.username


class Organisation(models.Model):
    """A group that owns repositories together."""

    name = models.CharField(max_length=42, unique=True)
    full_name = models.CharField(max_length=120, blank=True)
    description = models.CharField(max_length=500, blank=True)
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


class AccessToken(models.Model):
    """A key for programs. Only its digest is kept, so a copy of the database opens nothing."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_tokens")
    name = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token, hex.")
    hint = models.CharField(max_length=4, help_text="The last four characters, to tell tokens apart.")
    scope = models.CharField(max_length=5, choices=Scope.choices)
    expires_at = models.DateTimeField(null=True, blank=True)
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


class SignInTries(models.Model):
    """Failed sign-ins of one name from one address in the current window."""

    key = models.CharField(max_length=100, unique=True, help_text="name|address")
    failures = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "sign-in tries"

    def __str__(self) -> str:
        return self.key
