"""Webhooks: made, changed, switched and deleted by their owner; the secret goes in and never comes out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.grants import Right
from accounts.models import Scope, User
from accounts.permissions import require_token
from hub.core import outbound
from hub.core.secrets import seal
from models_registry.exceptions import InvalidWebhook, TooManyWebhooks, WebhookNotFound
from models_registry.models import Kind, Repository, Webhook, WebhookDelivery, WebhookWatch
from models_registry.services import deliveries

MAX_WEBHOOKS = 50
MAX_WATCHED = 100
MAX_SECRET = 200
DOMAINS = ("repo", "discussion")
SEAL = deliveries.SEAL
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_KIND = {
    WebhookWatch.Kind.MODEL: Kind.MODEL,
    WebhookWatch.Kind.DATASET: Kind.DATASET,
    WebhookWatch.Kind.SPACE: Kind.APP,
}


@dataclass(frozen=True)
class Watch:
    """What to watch, in the words of the wire: model, dataset, space, user or org, and a name."""

    kind: str
    name: str


@transaction.atomic
def create_webhook(
    *, user: User, url: str, watched: Sequence[Watch], domains: Sequence[str] = DOMAINS, secret: str = ""
) -> Webhook:
    """Let an address hear of changes.

    Raises:
        InvalidWebhook: the address, a name, a domain or the secret breaks a rule; the text says which.
        TooManyWebhooks
    """
    require_token(user, Right.WEBHOOKS, Scope.WRITE, user.namespace)
    User.objects.select_for_update().get(pk=user.pk)  # One at a time, so that the count holds.
    if Webhook.objects.of(user).count() >= MAX_WEBHOOKS:
        raise TooManyWebhooks(limit=MAX_WEBHOOKS)
    webhook = Webhook(owner=user)
    _put(webhook, url=url, domains=domains, secret=secret)
    webhook.save()
    _watch(webhook, watched)
    return webhook


@transaction.atomic
def update_webhook(
    *,
    user: User,
    public_id: str,
    url: str | None = None,
    watched: Sequence[Watch] | None = None,
    domains: Sequence[str] | None = None,
    secret: str | None = None,
) -> Webhook:
    """Change what is given; None keeps what is there, an empty secret takes it away.

    Raises:
        InvalidWebhook, WebhookNotFound
    """
    require_token(user, Right.WEBHOOKS, Scope.WRITE, user.namespace)
    webhook = _own(user, public_id)
    _put(webhook, url=url, domains=domains, secret=secret)
    webhook.save()
    if watched is not None:
        webhook.watches.all().delete()
        _watch(webhook, watched)
    return webhook


@transaction.atomic
def switch_webhook(*, user: User, public_id: str, disabled: bool) -> Webhook:
    """Switch it off, or on again with a clean slate."""
    require_token(user, Right.WEBHOOKS, Scope.WRITE, user.namespace)
    webhook = _own(user, public_id)
    webhook.disabled, webhook.disabled_because, webhook.failures = disabled, "", 0
    webhook.save()
    return webhook


@transaction.atomic
def delete_webhook(*, user: User, public_id: str) -> None:
    """Forget a webhook and its log."""
    require_token(user, Right.WEBHOOKS, Scope.WRITE, user.namespace)
    _own(user, public_id).delete()


@transaction.atomic
def ping_webhook(*, user: User, public_id: str) -> WebhookDelivery:
    """Send a message that tells of nothing, to see whether it arrives."""
    require_token(user, Right.WEBHOOKS, Scope.WRITE, user.namespace)
    webhook = _own(user, public_id)
    payload = {
        "event": {"action": "ping", "scope": "webhook"},
        "webhook": {"id": webhook.public_id, "version": 3},
    }
    return deliveries.write(webhook=webhook, action="ping", scope="webhook", payload=payload)


@transaction.atomic
def redeliver(*, user: User, public_id: str, delivery_id: int) -> WebhookDelivery:
    """Send a message once more, as a delivery of its own.

    Raises:
        WebhookNotFound: not her webhook, or a delivery of another one.
    """
    require_token(user, Right.WEBHOOKS, Scope.WRITE, user.namespace)
    webhook = _own(user, public_id)
    found = webhook.deliveries.filter(pk=delivery_id).first()
    if found is None:
        raise WebhookNotFound
    return deliveries.write(
        webhook=webhook,
        action=found.action,
        scope=found.scope,
        payload=found.payload,
        repository_name=found.repository_name,
    )


def _own(user: User, public_id: str) -> Webhook:
    found: Webhook | None = Webhook.objects.of(user).select_for_update().filter(public_id=public_id[:24]).first()
    if found is None:
        raise WebhookNotFound
    return found


def _put(webhook: Webhook, *, url: str | None, domains: Sequence[str] | None, secret: str | None) -> None:
    if url is not None:
        try:
            outbound.check_url(url, allow=settings.SMALLHUB_WEBHOOK_ALLOW)
        except outbound.BadUrl as error:
            raise InvalidWebhook(reason=str(error)) from error
        webhook.url = url
    if domains is not None:
        if not domains or not set(domains) <= set(DOMAINS):
            raise InvalidWebhook(reason=f"A webhook hears of at least one of {', '.join(DOMAINS)}.")
        webhook.on_repo, webhook.on_discussion = "repo" in domains, "discussion" in domains
    if secret is not None:
        if len(secret) > MAX_SECRET or not all("!" <= letter <= "~" for letter in secret):
            raise InvalidWebhook(reason=f"A secret has up to {MAX_SECRET} letters, digits and signs of ASCII.")
        webhook.sealed_secret = seal(secret, purpose=SEAL) if secret else ""
    webhook.updated_at = timezone.now()


def _watch(webhook: Webhook, watched: Sequence[Watch]) -> None:
    """Write down what is watched. Hidden and missing names are written alike, so that nothing is learnt."""
    unique = {(each.kind, each.name.lower()): each for each in watched}
    if not 1 <= len(unique) <= MAX_WATCHED:
        raise InvalidWebhook(reason=f"A webhook watches 1 to {MAX_WATCHED} names.")
    WebhookWatch.objects.bulk_create(
        WebhookWatch(
            webhook=webhook, kind=kind, name=each.name, key=key, repository=_repository(webhook.owner, kind, each.name)
        )
        for (kind, key), each in unique.items()
    )


def _repository(owner: User, kind: str, name: str) -> Repository | None:
    if kind not in WebhookWatch.Kind.values:
        raise InvalidWebhook(reason=f"“{kind[:40]}” cannot be watched: {', '.join(WebhookWatch.Kind.values)} can.")
    parts = name.split("/")
    is_person = kind in {WebhookWatch.Kind.USER, WebhookWatch.Kind.ORG}
    if len(parts) != (1 if is_person else 2) or not all(_NAME.fullmatch(part) for part in parts):
        raise InvalidWebhook(reason=f"“{name[:140]}” is no name of a {kind}.")
    if is_person:
        return None
    rows = Repository.objects.visible_to(owner).named(_KIND[WebhookWatch.Kind(kind)], *parts)
    found: Repository | None = rows.first()
    return found
