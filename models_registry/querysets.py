"""Reads of the registry. Whoever lists or opens repositories starts from `visible_to`."""

from datetime import datetime
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.db.models import Q

from accounts.grants import Right
from models_registry.querysets_licences import under_licence

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User
    from models_registry.models import (  # noqa: F401 - base classes name them in quotes.
        Commit,
        Discussion,
        Mention,
        Ref,
        Release,
        Repository,
        RepositoryContent,
        Reservation,
        StorageUse,
        Webhook,
        WebhookDelivery,
    )


def _granted(user: "User", *rights: Right) -> Q:
    """Where the token of this request gives her one of these rights; no condition without a fine-grained one."""
    if user.grants is None or any(user.grants.allow(right, namespace=None) for right in rights):
        return Q()
    found = Q(pk__in=[])
    for right in rights:
        found |= Q(namespace_id__in=user.grants.namespaces(right)) | Q(public_id__in=user.grants.repositories(right))
    return found


class RepositoryQuerySet(models.QuerySet["Repository"]):
    def visible_to(self, user: "User | AnonymousUser") -> "RepositoryQuerySet":
        """Public ones, her own, and those of her organisations; everything for the site's administrator.

        A fine-grained token shows no private ones but those that it was given.
        """
        public = Q(visibility="public")
        if not user.is_authenticated:
            return self.filter(public)
        granted = _granted(user, Right.READ)
        if user.is_superuser:
            return self.filter(public | granted) if user.grants is not None else self.all()
        namespaces = Q(namespace__user=user) | Q(namespace__organisation__in=user.memberships.values("organisation_id"))
        return self.filter(public | (namespaces & granted))

    def listed_to(self, user: "User | AnonymousUser") -> "RepositoryQuerySet":
        """Those that lists show her: what she sees, without the drafts of others."""
        return self.visible_to(user).offered_to(user)

    def offered_to(self, user: "User | AnonymousUser") -> "RepositoryQuerySet":
        """Without drafts, but for those that she may write.

        A draft answers at its address like everything else; it is not offered to people who look for something.
        """
        published = Q(is_draft=False)
        if not user.is_authenticated:
            return self.filter(published)
        if user.is_superuser:
            return self
        writes = user.memberships.filter(role__in=["admin", "write"]).values("organisation_id")
        helps = user.memberships.filter(role="contributor").values("organisation_id")
        own = Q(namespace__user=user) | Q(namespace__organisation__in=writes)
        return self.filter(published | own | Q(namespace__organisation__in=helps, creator=user))

    def downloadable_by(self, user: "User | AnonymousUser") -> "RepositoryQuerySet":
        """Those whose files she may have: what she sees, without gated ones of others that did not accept her."""
        from models_registry.inherited import closed_meanwhile
        from models_registry.models import AccessRequest, InheritedGate

        late, closed = closed_meanwhile(user)
        visible = self.visible_to(user)
        is_open = Q(gated="") & (Q(inherited_gate="") & ~Q(pk__in=closed) if late else Q(inherited_gate=""))
        if not user.is_authenticated:
            return visible.filter(is_open)
        granted = _granted(user, Right.READ, Right.GATED)
        if user.is_superuser:
            return visible.filter(is_open | granted) if granted else visible  # OR drops an empty condition.
        mine = Q(namespace__user=user) | Q(namespace__organisation__in=user.memberships.values("organisation_id"))
        accepted = Q(gated="") | Q(pk__in=AccessRequest.objects.opening(user).values("repository_id"))
        inherited = Q(inherited_gate="") | ~Q(pk__in=InheritedGate.objects.closed_to(user).values("child_id"))
        if late:
            inherited = (Q(pk__in=late - closed)) | (~Q(pk__in=late) & inherited)
        return visible.filter(is_open | (granted & (mine | (Q(visibility="public") & accepted & inherited))))

    def named(self, kind: str, namespace: str, name: str) -> "RepositoryQuerySet":
        """The repository of that name, however it is spelled, with its namespace."""
        return self.filter(kind=kind, key=f"{namespace}/{name}".lower()).select_related("namespace")

    def formerly(self, kind: str, namespace: str, name: str) -> "RepositoryQuerySet":
        """The repository that had this name before it was moved, with its namespace."""
        former = Q(former_names__kind=kind, former_names__key=f"{namespace}/{name}".lower())
        return self.filter(former).select_related("namespace")

    def administered_by(self, user: "User | AnonymousUser") -> "RepositoryQuerySet":
        """Those of her own name, of organisations of which she is an admin, and what she started as a contributor."""
        if not user.is_authenticated:
            return self.none()
        admin = user.memberships.filter(role="admin").values("organisation_id")
        contributor = user.memberships.filter(role="contributor").values("organisation_id")
        started = Q(creator=user, namespace__organisation__in=contributor)
        return self.filter(Q(namespace__user=user) | Q(namespace__organisation__in=admin) | started)

    def written_by(self, user: "User") -> "RepositoryQuerySet":
        """Those of her own name, and of organisations in which she may write."""
        writes = user.memberships.filter(role__in=["admin", "write"]).values("organisation_id")
        return self.filter(Q(namespace__user=user) | Q(namespace__organisation__in=writes))

    def deleted(self) -> "RepositoryQuerySet":
        """Deleted and not purged yet, the last one first."""
        return self.filter(deleted_at__isnull=False).select_related("namespace", "deleted_by").order_by("-deleted_at")

    def with_tab_counts(self) -> "RepositoryQuerySet":
        """With the figures on the tabs: `open_threads` (open discussions and pull requests) and `release_count`."""
        from models_registry.models import Discussion, Release

        def number(rows: models.QuerySet[Any]) -> models.Subquery:
            of_this = rows.filter(repository=models.OuterRef("pk")).order_by().values("repository")
            return models.Subquery(of_this.annotate(number=models.Count("pk")).values("number"))

        return self.annotate(
            open_threads=number(Discussion.objects.open()), release_count=number(Release.objects.all())
        )

    def search(self, query: str) -> "RepositoryQuerySet":
        """Each word must occur in the name or the card's summary, in any case."""
        found = self
        for word in query.split()[:8]:
            found = found.filter(Q(key__contains=word.lower()) | Q(summary__icontains=word))
        return found

    def counts_by_kind(self) -> dict[str, int]:
        return dict(self.order_by().values_list("kind").annotate(number=models.Count("pk")))

    def under_licence(self, *values: str) -> "RepositoryQuerySet":
        """Those under any of these licences or classes of licences."""
        return self.filter(reduce(or_, map(under_licence, values))) if values else self

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


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def of(self, user: "User | AnonymousUser") -> "WebhookQuerySet":
        return self.filter(owner=user) if user.is_authenticated else self.none()

    def watching(self, repository: "Repository", *, discussion: bool) -> "WebhookQuerySet":
        """Live webhooks that watch this repository or its owner, for the domain that is asked for."""
        kind = {"app": "space"}.get(repository.kind, repository.kind)
        by_name = Q(watches__kind=kind, watches__key=repository.key)
        by_owner = Q(watches__kind__in=["user", "org"], watches__key=repository.key.split("/", 1)[0])
        domain = Q(on_discussion=True) if discussion else Q(on_repo=True)
        watched = Q(watches__repository=repository) | by_name | by_owner
        return self.filter(domain, watched, disabled=False, owner__is_active=True).distinct()


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def due(self, at: datetime) -> "WebhookDeliveryQuerySet":
        """Those to send now: whose time has come, and those whose sender fell silent."""
        return self.filter(state__in=["waiting", "sending"], next_try_at__lte=at)


class ReleaseQuerySet(models.QuerySet["Release"]):
    def newest_first(self) -> "ReleaseQuerySet":
        """Versions by precedence, then free names by age."""
        return self.order_by("-precedence", "-created_at", "-pk")

    def eligible(self) -> "ReleaseQuerySet":
        """Those that `latest` may name: past the gate, not yanked, not held back by the scan, no public draft."""
        passed = self.published().filter(gate="passed", yanked_at__isnull=True)
        return passed.exclude(commit__scan_verdict="quarantined")

    def published(self) -> "ReleaseQuerySet":
        """Without those of a public draft, which nobody was told of."""
        return self.exclude(is_draft=True, repository__visibility="public")

    def latest_first(self) -> "ReleaseQuerySet":
        """In the order in which they would be `latest`: finished versions and free names before pre-releases."""
        return self.order_by("is_prerelease", "-precedence", "-created_at", "-pk")


class DiscussionQuerySet(models.QuerySet["Discussion"]):
    def open(self) -> "DiscussionQuerySet":
        """Open threads; drafts are open as well."""
        return self.filter(status__in=["open", "draft"])

    def closed(self) -> "DiscussionQuerySet":
        """Closed ones, merged or not."""
        return self.filter(status__in=["closed", "merged"])

    def of_kind(self, kind: str) -> "DiscussionQuerySet":
        """`discussion` or `pull_request`; anything else leaves both."""
        if kind not in {"discussion", "pull_request"}:
            return self
        return self.filter(is_pull_request=kind == "pull_request")

    def search(self, query: str) -> "DiscussionQuerySet":
        """Each word must occur in the title, in any case."""
        found = self
        for word in query.split()[:8]:
            found = found.filter(title__icontains=word)
        return found


class MentionQuerySet(models.QuerySet["Mention"]):
    def of(self, user: "User") -> "MentionQuerySet":
        """Where this person is named, in what she may still read."""
        from models_registry.models import Repository

        return self.filter(
            user=user,
            event__hidden_at=None,
            event__discussion__repository__in=Repository.objects.visible_to(user).values("pk"),
        )


class RepositoryContentQuerySet(models.QuerySet["RepositoryContent"]):
    @transaction.atomic
    def delete(self) -> tuple[int, dict[str, int]]:
        """Take links away, and their bytes off the repositories' counts."""
        totals = list(self.order_by().values_list("repository_id").annotate(models.Sum("content__size_bytes")))
        deleted = super().delete()
        for repository_id, total in totals:
            use = StorageUseQuerySet(self.model._meta.apps.get_model("models_registry", "StorageUse"))
            use.filter(repository=repository_id).update(content_bytes=models.F("content_bytes") - total)
        return deleted


class StorageUseQuerySet(models.QuerySet["StorageUse"]):
    def lock(self, repository: "Repository") -> "StorageUse":
        """The repository's row, locked until the transaction ends: its history stands still for that long."""
        self.bulk_create([self.model(repository=repository)], ignore_conflicts=True)
        return self.select_for_update().get(repository=repository)

    def add(self, repository: "Repository", *, content_bytes: int = 0, git_bytes: int = 0) -> None:
        """Count bytes that came, or with a minus went."""
        self.bulk_create([self.model(repository=repository)], ignore_conflicts=True)
        self.filter(repository=repository).update(
            content_bytes=models.F("content_bytes") + content_bytes, git_bytes=models.F("git_bytes") + git_bytes
        )

    def used_by(self, namespace_id: int) -> int:
        """All bytes of a namespace's repositories."""
        found = self.filter(repository__namespace=namespace_id).aggregate(
            total=models.Sum(models.F("content_bytes") + models.F("git_bytes"))
        )
        return int(found["total"] or 0)


class ReservationQuerySet(models.QuerySet["Reservation"]):
    def held_by(self, namespace_id: int, *, at: datetime) -> int:
        """Bytes that uploads to a namespace's repositories have asked for."""
        rows = self.filter(repository__namespace=namespace_id, expires_at__gt=at)
        return int(rows.aggregate(total=models.Sum("size_bytes"))["total"] or 0)
