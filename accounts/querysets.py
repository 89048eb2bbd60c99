"""Reads of accounts."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import AccessToken, Namespace, Organisation, User  # noqa: F401 - base classes name them in quotes.


class NamespaceQuerySet(models.QuerySet["Namespace"]):
    def named(self, name: str) -> "NamespaceQuerySet":
        """The namespace of that name, however it is spelled."""
        return self.filter(key=name.lower())

    def held(self) -> "NamespaceQuerySet":
        """Those with a living holder."""
        return self.filter(Q(user__isnull=False, user__is_active=True) | Q(organisation__isnull=False))

    def writable_by(self, user: "User | AnonymousUser") -> "NamespaceQuerySet":
        """Where this person may create repositories: her own name, and organisations that trust her to."""
        if not user.is_authenticated:
            return self.none()
        roles = ["admin", "write", "contributor"]
        mine = Q(user=user)
        member = Q(organisation__memberships__user=user, organisation__memberships__role__in=roles)
        return self.filter(mine | member).distinct()


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    def of(self, user: "User | AnonymousUser") -> "OrganisationQuerySet":
        return self.filter(memberships__user=user) if user.is_authenticated else self.none()


class AccessTokenQuerySet(models.QuerySet["AccessToken"]):
    def of(self, user: "User | AnonymousUser") -> "AccessTokenQuerySet":
        return self.filter(user=user) if user.is_authenticated else self.none()

    def usable(self, *, digest: str, at: datetime) -> "AccessTokenQuerySet":
        """The token with this digest, if it still opens something."""
        alive: Any = Q(expires_at__isnull=True) | Q(expires_at__gt=at)
        return self.filter(alive, digest=digest, user__is_active=True)
