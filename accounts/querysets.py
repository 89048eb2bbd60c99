"""Reads of accounts."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import (  # noqa: F401 - base classes name them in quotes.
        AccessToken,
        AuditEvent,
        DeviceSignIn,
        Follow,
        Invitation,
        Namespace,
        Organisation,
        User,
    )


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
        """The token with this digest, if it still opens something; just after a rotation also by the one before."""
        alive: Any = Q(expires_at__isnull=True) | Q(expires_at__gt=at)
        known = Q(digest=digest) | Q(previous_digest=digest, previous_until__gt=at)
        return self.filter(alive, known, user__is_active=True)


class FollowQuerySet(models.QuerySet["Follow"]):
    def people_after(self, namespace: "Namespace") -> "FollowQuerySet":
        """Who follows this namespace, with the people."""
        return self.filter(namespace=namespace, follower__is_active=True).select_related("follower")

    def of(self, user: "User") -> "FollowQuerySet":
        """Whom this person follows, with what lists show of them."""
        return (
            self.filter(follower=user)
            .filter(Q(namespace__user__isnull=False) | Q(namespace__organisation__isnull=False))
            .select_related("namespace__user", "namespace__organisation")
        )


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def to(self, user: "User | AnonymousUser") -> "InvitationQuerySet":
        """Those that wait for this person's answer."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(user=user).select_related("organisation", "invited_by")


class DeviceSignInQuerySet(models.QuerySet["DeviceSignIn"]):
    def waiting(self, *, user_digest: str, at: datetime) -> "DeviceSignInQuerySet":
        """The one with this code, if it still waits for an answer."""
        return self.filter(user_digest=user_digest, state="pending", expires_at__gt=at)


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def of(self, namespace: "Namespace") -> "AuditEventQuerySet":
        return self.filter(namespace=namespace).select_related("actor")
