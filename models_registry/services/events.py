"""What webhooks hear of. The messages are written with the change itself: both stand or neither does."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from django.utils import timezone

from accounts.models import User
from models_registry import addresses
from models_registry.models import Kind, Repository, Webhook, WebhookDelivery
from models_registry.permissions import Action, can
from models_registry.services import deliveries
from models_registry.types import RefChange

EventAction = Literal["create", "delete", "update", "move"]
EventScope = Literal[
    "repo", "repo.content", "repo.config", "repo.evaluation", "repo.licence", "discussion", "discussion.comment"
]
_WIRE_KIND = {Kind.MODEL: "model", Kind.DATASET: "dataset", Kind.APP: "space"}
_WIRE_PLURAL = {Kind.MODEL: "models", Kind.DATASET: "datasets", Kind.APP: "spaces"}


def note_event(
    *,
    repository: Repository,
    action: EventAction,
    scope: EventScope,
    refs: Iterable[RefChange] = (),
    discussion: Mapping[str, Any] | None = None,
    comment: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
    more_for: Callable[[User], Mapping[str, Any]] | None = None,
) -> int:
    """Write a delivery for each webhook that watches this; says how many. Call inside the change's transaction.

    Webhooks of people who may not see the repository hear nothing. Call it before a row is deleted, after any other
    change.

    Args:
        refs: which refs moved, for `repo.content`.
        discussion: `{id, title, url, status, author: {id}, num, isPullRequest, changes?}`, with ids of the wire.
        comment: `{id, author: {id}, content?, hidden, url}`.
        more: fields of our own beside those of the wire, such as `release`.
        more_for: the same, where what may be said depends on whose webhook hears it.
    """
    about_discussion = scope.startswith("discussion")
    webhooks = list(Webhook.objects.watching(repository, discussion=about_discussion).select_related("owner"))
    heard = [each for each in webhooks if can(each.owner, Action.READ, repository)]
    if not heard:
        return 0
    payload = _payload(repository, action, scope, refs, discussion, comment) | dict(more or {})
    own = {each.owner_id: dict(more_for(each.owner)) for each in heard} if more_for is not None else {}
    now = timezone.now()
    rows = [
        WebhookDelivery(
            webhook=webhook,
            action=action,
            scope=scope,
            repository_name=repository.full_name,
            payload=payload | own.get(webhook.owner_id, {}) | {"webhook": {"id": webhook.public_id, "version": 3}},
            next_try_at=now,
        )
        for webhook in heard
    ]
    made = WebhookDelivery.objects.bulk_create(rows)
    deliveries.tell_after_commit(row.pk for row in made)
    return len(made)


def _payload(
    repository: Repository,
    action: str,
    scope: str,
    refs: Iterable[RefChange],
    discussion: Mapping[str, Any] | None,
    comment: Mapping[str, Any] | None,
) -> dict[str, Any]:
    payload: dict[str, Any] = {"event": {"action": action, "scope": scope}, "repo": _repo(repository)}
    moved = [{"ref": each.ref, "oldSha": each.old, "newSha": each.new} for each in refs]
    if moved:
        payload["updatedRefs"] = moved
    if discussion is not None:
        payload["discussion"] = dict(discussion)
    if comment is not None:
        payload["comment"] = dict(comment)
    return payload


def _repo(repository: Repository) -> dict[str, Any]:
    kind = Kind(repository.kind)
    found: dict[str, Any] = {
        "type": _WIRE_KIND[kind],
        "name": repository.full_name,
        "id": repository.public_id,
        "private": repository.is_private,
        "url": {
            "web": addresses.absolute(addresses.page(repository)),
            "api": addresses.absolute(f"/api/{_WIRE_PLURAL[kind]}/{repository.full_name}"),
        },
        "owner": {"id": str(repository.namespace_id)},
    }
    if repository.head:
        found["headSha"] = repository.head
    return found
