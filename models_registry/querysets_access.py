"""Reads of gates: whom they open to, who asked, what was accepted."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User
    from models_registry.models import (  # noqa: F401 - base classes name them in quotes.
        Acceptance,
        AccessRequest,
        InheritedGate,
    )


class AccessRequestQuerySet(models.QuerySet["AccessRequest"]):
    def of(self, user: "User | AnonymousUser") -> "AccessRequestQuerySet":
        """Her own requests, to repositories that she still can see."""
        from models_registry.models import Repository

        if not user.is_authenticated:
            return self.none()
        visible = Repository.objects.visible_to(user).values("pk")
        return self.filter(user=user, organisation=None, repository__in=visible)

    def spoken_for(self, user: "User | AnonymousUser") -> "AccessRequestQuerySet":
        """Her own, and those of organisations that she is an admin of: what she may withdraw."""
        from models_registry.models import Repository

        if not user.is_authenticated:
            return self.none()
        admin = user.memberships.filter(role="admin").values("organisation_id")
        hers = Q(user=user, organisation=None) | Q(organisation__in=admin)
        return self.filter(hers, repository__in=Repository.objects.visible_to(user).values("pk"))

    def opening(self, user: "User | AnonymousUser") -> "AccessRequestQuerySet":
        """Those that open something to her now: accepted, by her or an organisation of hers, not run out."""
        if not user.is_authenticated:
            return self.none()
        hers = Q(user=user, organisation=None) | Q(organisation__in=user.memberships.values("organisation_id"))
        holds = Q(renew_by=None) | Q(renew_by__gt=timezone.now())
        return self.filter(hers, holds, state="accepted")

    def lapsed(self, user: "User | AnonymousUser") -> "AccessRequestQuerySet":
        """Her own accepted ones that no longer open anything, for the terms changed."""
        return self.of(user).filter(state="accepted", renew_by__lte=timezone.now())

    def waiting_for(self, user: "User | AnonymousUser") -> "AccessRequestQuerySet":
        """Pending ones that this person may decide about: at her own repositories and those that she writes to."""
        if not user.is_authenticated:
            return self.none()
        roles = user.memberships.filter(role__in=["admin", "write"]).values("organisation_id")
        here = Q(repository__namespace__user=user) | Q(repository__namespace__organisation__in=roles)
        return self.filter(here, state="pending").exclude(repository__gated="")

    def search(self, query: str) -> "AccessRequestQuerySet":
        """Each word must occur in the name of who asked, or of the organisation."""
        found = self
        for word in query.split()[:8]:
            found = found.filter(
                Q(user__username__icontains=word)
                | Q(user__full_name__icontains=word)
                | Q(organisation__name__icontains=word)
            )
        return found


class InheritedGateQuerySet(models.QuerySet["InheritedGate"]):
    def closed_to(self, user: "User | AnonymousUser") -> "InheritedGateQuerySet":
        """Those whose source did not accept her, and where she has no role."""
        from models_registry.models import AccessRequest

        if not user.is_authenticated:
            return self.all()
        if user.is_superuser:
            return self.none()
        accepted = AccessRequest.objects.opening(user).values("repository_id")
        organisations = user.memberships.values("organisation_id")
        mine = Q(source__namespace__user=user) | Q(source__namespace__organisation__in=organisations)
        mine_by_pk = self.model._default_manager.filter(mine).values("pk")  # A NULL holder must not decide.
        return self.exclude(source__in=accepted).exclude(pk__in=mine_by_pk)


class AcceptanceQuerySet(models.QuerySet["Acceptance"]):
    def of(self, user: "User | AnonymousUser") -> "AcceptanceQuerySet":
        """What she accepted, and what was accepted for organisations that she belongs to."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(Q(user=user) | Q(organisation__in=user.memberships.values("organisation_id")))
