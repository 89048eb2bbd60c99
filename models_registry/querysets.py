"""Reads of the registry. Whoever lists or opens repositories starts from `visible_to`."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User
    from models_registry.models import Commit, Ref, Repository  # noqa: F401 - base classes name them in quotes.


class RepositoryQuerySet(models.QuerySet["Repository"]):
    def visible_to(self, user: "User | AnonymousUser") -> "RepositoryQuerySet":
        """Public ones, her own, and those of her organisations; everything for the site's administrator."""
        public = Q(visibility="public")
        if not user.is_authenticated:
            return self.filter(public)
        if user.is_superuser:
            return self.all()
        namespaces = Q(namespace__user=user) | Q(namespace__organisation__in=user.memberships.values("organisation_id"))
        return self.filter(public | namespaces)

    def named(self, kind: str, namespace: str, name: str) -> "RepositoryQuerySet":
        """The repository of that name, however it is spelled, with its namespace."""
        return self.filter(kind=kind, key=f"{namespace}/{name}".lower()).select_related("namespace")

    def search(self, query: str) -> "RepositoryQuerySet":
        """Each word must occur in the name or the card's summary, in any case."""
        found = self
        for word in query.split()[:8]:
            found = found.filter(Q(key__contains=word.lower()) | Q(summary__icontains=word))
        return found

    def counts_by_kind(self) -> dict[str, int]:
        return dict(self.order_by().values_list("kind").annotate(number=models.Count("pk")))

    def tagged(self, *tags: str) -> "RepositoryQuerySet":
        """Those that carry every one of these tags."""
        found = self
        for tag in tags:
            found = found.filter(tag_rows__tag=tag)
        return found


class RefQuerySet(models.QuerySet["Ref"]):
    def branches(self) -> "RefQuerySet":
        return self.filter(name__startswith="refs/heads/")

    def tags(self) -> "RefQuerySet":
        return self.filter(name__startswith="refs/tags/")


class CommitQuerySet(models.QuerySet["Commit"]):
    def light(self) -> "CommitQuerySet":
        """With what a history shows."""
        return self.select_related("author")
