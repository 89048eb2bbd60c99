"""Reads of lineage. Links count while their commit is the head of the child's default branch."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User
    from models_registry.models import LineageLink, LineageState  # noqa: F401 - base classes name them.


class LineageLinkQuerySet(models.QuerySet["LineageLink"]):
    def of_heads(self) -> "LineageLinkQuerySet":
        """Those that hold now: of heads of living repositories."""
        return self.filter(commit__oid=F("repository__head"), repository__deleted_at__isnull=True)

    def accepted(self) -> "LineageLinkQuerySet":
        """Without those that would close a circle."""
        return self.filter(refused="")

    def made_from_models(self) -> "LineageLinkQuerySet":
        """Links over which terms pass on: what the child's own files name as the model that it was made from.

        Likeness of weights alone does not count: who uploads a copy of somebody's model would rule over all its heirs.
        """
        found = self.of_heads().accepted().filter(parent__kind="model", is_from_weights=False)
        return found.exclude(relation__in=["trained_on", "evaluated_on"]).exclude(evidence="contradicted")

    def children_of(self, parents: Iterable[int], viewer: "User | AnonymousUser") -> "LineageLinkQuerySet":
        """Links from what was made from these, by their row numbers, of those that lists show the viewer. What is only
        tested on a data set is not made from it.
        """
        from models_registry.models import Repository

        seen = Repository.objects.listed_to(viewer).values("pk")
        found = self.of_heads().accepted().filter(parent__in=list(parents), repository__in=seen)
        return found.exclude(relation="evaluated_on").exclude(evidence="contradicted")


class LineageStateQuerySet(models.QuerySet["LineageState"]):
    def claimable(self, *, at: datetime, silence: datetime) -> "LineageStateQuerySet":
        """Those that wait, and those whose worker fell silent before `silence`."""
        return self.filter(Q(state="waiting", heard_at__lte=at) | Q(state="running", heard_at__lt=silence))
