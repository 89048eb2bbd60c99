"""Messages to webhooks, sent from their rows: claimed by compare-and-swap, tried again with patience, then given up.

A message arrives at least once; its id stays the same, so that a receiver can tell.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from hub.core import outbound
from hub.core.secrets import SealBroken, unseal
from models_registry import signatures
from models_registry.models import Repository, Webhook, WebhookDelivery
from models_registry.permissions import Action, can

logger = logging.getLogger(__name__)

State = WebhookDelivery.State
RETRY_AFTER_S = (30, 120, 600, 3_600, 21_600)
MAX_ATTEMPTS = len(RETRY_AFTER_S) + 1
LEASE = timedelta(seconds=60)  # Several times what one try may take.
DAILY_LIMIT = 1_000
FAILURES_TO_DISABLE = 10
KEPT = timedelta(days=30)
KEPT_BYTES = 1_024
AT_ONCE = 200
SEAL = "webhook-secret"


@dataclass(frozen=True)
class Outcome:
    """How one try went. No status: nothing came back, and `error` says why."""

    status: int | None
    body: str
    duration_ms: int | None
    error: str
    is_final: bool = False

    @property
    def arrived(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def write(
    *, webhook: Webhook, action: str, scope: str, payload: Mapping[str, Any], repository_name: str = ""
) -> WebhookDelivery:
    """A message as a row; the queue hears of it once the transaction stands."""
    row = WebhookDelivery.objects.create(
        webhook=webhook,
        action=action,
        scope=scope,
        payload=dict(payload),
        repository_name=repository_name,
        next_try_at=timezone.now(),
    )
    tell_after_commit([row.pk])
    return row


def tell_after_commit(delivery_ids: Iterable[int]) -> None:
    """Tell the queue once the surrounding transaction stands. What is lost there, the sweep finds."""
    for delivery_id in delivery_ids:
        transaction.on_commit(partial(_tell, delivery_id))


def deliver(*, delivery_id: int) -> None:
    """Send one message, if it is due and nobody else is at it. May be called twice, late, or for a row that is gone."""
    claimed = claim(delivery_id=delivery_id, at=timezone.now())
    if claimed is None:
        return
    finish(delivery=claimed, outcome=_sent(claimed), at=timezone.now())


@transaction.atomic
def claim(*, delivery_id: int, at: datetime) -> WebhookDelivery | None:
    """Lease a message that is due. None: there is nothing to do, or it must not be sent any more."""
    rows = WebhookDelivery.objects.due(at).select_related("webhook__owner")
    found: WebhookDelivery | None = rows.filter(pk=delivery_id).first()
    if found is None:
        return None
    reason = _not_any_more(found) or _spent(found, at)
    if reason:
        same = WebhookDelivery.objects.filter(pk=found.pk, attempt=found.attempt, state=found.state)
        same.update(state=State.DROPPED, error=reason, finished_at=at)
        return None
    mine = WebhookDelivery.objects.due(at).filter(pk=found.pk, attempt=found.attempt)
    if not mine.update(state=State.SENDING, attempt=F("attempt") + 1, next_try_at=at + LEASE):
        transaction.set_rollback(True)  # Another sender was quicker; nothing of ours is counted.
        return None
    found.attempt += 1
    return found


@transaction.atomic
def finish(*, delivery: WebhookDelivery, outcome: Outcome, at: datetime) -> bool:
    """Write how a try went, if this try still holds the lease. Gives up after the last one."""
    given_up = not outcome.arrived and (outcome.is_final or delivery.attempt >= MAX_ATTEMPTS)
    ended = outcome.arrived or given_up
    state = State.DELIVERED if outcome.arrived else (State.FAILED if given_up else State.WAITING)
    pause = timedelta(0) if ended else timedelta(seconds=RETRY_AFTER_S[delivery.attempt - 1])
    mine = WebhookDelivery.objects.filter(pk=delivery.pk, state=State.SENDING, attempt=delivery.attempt)
    changed = mine.update(
        state=state,
        next_try_at=at + pause,
        status=outcome.status,
        response=outcome.body,
        duration_ms=outcome.duration_ms,
        error=outcome.error,
        finished_at=at if ended else None,
    )
    if changed and outcome.arrived:
        Webhook.objects.filter(pk=delivery.webhook_id, failures__gt=0).update(failures=0)
    if changed and given_up:
        _note_failure(delivery.webhook_id)
    return bool(changed)


def tell_again(*, at: datetime) -> int:
    """Tell the queue of everything that is due; says how many. Twice told does no harm."""
    due = list(WebhookDelivery.objects.due(at).order_by("next_try_at", "pk").values_list("pk", flat=True)[:AT_ONCE])
    for delivery_id in due:
        _tell(delivery_id)
    return len(due)


def forget_old(*, at: datetime) -> int:
    """Delete messages that ended long ago."""
    return WebhookDelivery.objects.filter(finished_at__lt=at - KEPT).delete()[0]


def _sent(delivery: WebhookDelivery) -> Outcome:
    webhook = delivery.webhook
    body = json.dumps(delivery.payload, separators=(",", ":"), ensure_ascii=False).encode()
    try:
        secret = unseal(webhook.sealed_secret, purpose=SEAL) if webhook.sealed_secret else ""
        headers = signatures.headers_of(
            secret, timestamp_s=int(timezone.now().timestamp()), delivery=str(delivery.public_id), body=body
        )
        answer = outbound.post(webhook.url, body=body, headers=headers, allow=settings.SMALLHUB_WEBHOOK_ALLOW)
    except (outbound.BadUrl, SealBroken) as error:
        return Outcome(None, "", None, str(error)[:300], is_final=True)
    except OSError as error:
        return Outcome(None, "", None, (str(error) or type(error).__name__)[:300])
    text = answer.body[:KEPT_BYTES].decode("utf-8", "replace").replace("\x00", "")
    moved = 300 <= answer.status < 400
    error_text = "Redirects are not followed." if moved else ""
    return Outcome(answer.status, text, answer.duration_ms, error_text)


def _not_any_more(delivery: WebhookDelivery) -> str:
    """Why this message must not leave, though it was written: switched off, or its owner may not know any more."""
    webhook = delivery.webhook
    if webhook.disabled:
        return "The webhook is switched off."
    if not webhook.owner.is_active:
        return "Its owner has left."
    public_id = (delivery.payload.get("repo") or {}).get("id", "")
    repository = Repository.objects.select_related("namespace").filter(public_id=public_id).first()
    if repository is not None and not can(webhook.owner, Action.READ, repository):
        return "Its owner may not see the repository any more."
    return ""


def _spent(delivery: WebhookDelivery, at: datetime) -> str:
    """Count a first try against the day. Later tries of the same message are free."""
    if delivery.attempt:
        return ""
    rows, today = Webhook.objects.filter(pk=delivery.webhook_id), at.date()
    if rows.exclude(day=today).update(day=today, sent_that_day=1):
        return ""
    if rows.filter(sent_that_day__lt=DAILY_LIMIT).update(sent_that_day=F("sent_that_day") + 1):
        return ""
    return f"More than {DAILY_LIMIT} messages in one day."


def _note_failure(webhook_id: int) -> None:
    """One more message was given up; after many in a row the webhook is switched off, with a notice for its owner."""
    rows = Webhook.objects.filter(pk=webhook_id)
    rows.update(failures=F("failures") + 1)
    notice = f"{FAILURES_TO_DISABLE} messages in a row could not be delivered."
    rows.filter(failures__gte=FAILURES_TO_DISABLE, disabled=False).update(disabled=True, disabled_because=notice)


def _tell(delivery_id: int) -> None:
    from models_registry import tasks

    tasks.dispatch_delivery(delivery_id)
