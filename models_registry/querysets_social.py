"""Reads of likes and collections. What a viewer may not see is left out of everybody's lists."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from accounts.grants import Right

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User
    from models_registry.models import Collection, CollectionItem, Like  # noqa: F401 - base classes name them in quotes.


class LikeQuerySet(models.QuerySet["Like"]):
    def of(self, user: "User | AnonymousUser") -> "LikeQuerySet":
        return self.filter(user=user) if user.is_authenticated else self.none()

    def visible_to(self, user: "User | AnonymousUser") -> "LikeQuerySet":
        """Likes of repositories that the viewer may see; drafts of others only where the like is her own."""
        from models_registry.models import Repository

        listed = Q(repository__in=Repository.objects.listed_to(user))
        if not user.is_authenticated:
            return self.filter(listed)
        return self.filter(listed | Q(user=user, repository__in=Repository.objects.visible_to(user)))


class CollectionQuerySet(models.QuerySet["Collection"]):
    def visible_to(self, user: "User | AnonymousUser") -> "CollectionQuerySet":
        """Public ones, and private ones of her own name and organisations, as far as her token sees private things."""
        held = self.filter(Q(namespace__user__isnull=False) | Q(namespace__organisation__isnull=False))
        public = Q(is_private=False)
        if not user.is_authenticated:
            return held.filter(public)
        granted = Q() if user.grants is None else Q(namespace_id__in=user.grants.namespaces(Right.READ))
        if user.is_superuser:
            return held.filter(public | granted) if user.grants is not None else held
        mine = Q(namespace__user=user) | Q(namespace__organisation__in=user.memberships.values("organisation_id"))
        return held.filter(public | (mine & granted))

    def editable_by(self, user: "User | AnonymousUser") -> "CollectionQuerySet":
        """Those that her role lets her change; `services.collections.may_curate` says the same of one."""
        if not user.is_authenticated:
            return self.none()
        writing = user.memberships.filter(role__in=["admin", "write"]).values("organisation_id")
        helping = user.memberships.filter(role="contributor").values("organisation_id")
        own = Q(namespace__organisation__in=helping, creator=user)
        return self.filter(Q(namespace__user=user) | Q(namespace__organisation__in=writing) | own)

    def identified(self, namespace: str, slug: str) -> "CollectionQuerySet":
        """The collection whose id ends this slug; the words before it do not matter."""
        return self.filter(namespace__key=namespace.lower(), public_id=slug[-24:]).select_related("namespace")


class CollectionItemQuerySet(models.QuerySet["CollectionItem"]):
    def visible_to(self, user: "User | AnonymousUser") -> "CollectionItemQuerySet":
        """Items whose repository or collection the viewer may see, with what lists show of them."""
        from models_registry.models import Collection, Repository

        seen = Q(repository__in=Repository.objects.listed_to(user)) | Q(nested__in=Collection.objects.visible_to(user))
        return self.filter(seen).select_related("repository__namespace", "nested__namespace")

    def first_of_each(self, number: int) -> "CollectionItemQuerySet":
        """At most `number` items of each collection, by position."""
        place = Window(RowNumber(), partition_by=[F("collection_id")], order_by=[F("position").asc(), F("id").asc()])
        return self.annotate(place=place).filter(place__lte=number).order_by("collection_id", "position", "pk")

    def numbers(self) -> dict[int, int]:
        """How many there are in each collection."""
        return dict(self.order_by().values_list("collection_id").annotate(models.Count("pk")))
