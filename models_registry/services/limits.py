"""Limits over time, counted in the database so that they hold however many processes serve."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from models_registry.exceptions import TooOften
from models_registry.models import ActionCount, Repository
from models_registry.permissions import Action, can

OPEN, COMMENT, PROPOSE, ATTACH, MEASURE = "open", "comment", "propose-bytes", "attach", "measure"


@dataclass(frozen=True)
class _Limit:
    setting: str
    window_s: int


_LIMITS = {
    OPEN: _Limit("SMALLHUB_OPENINGS_PER_HOUR", 3600),
    COMMENT: _Limit("SMALLHUB_COMMENTS_PER_HOUR", 3600),
    ATTACH: _Limit("SMALLHUB_ATTACHMENTS_PER_HOUR", 3600),
    MEASURE: _Limit("SMALLHUB_PROPOSALS_MEASURED_PER_DAY", 86_400),
    PROPOSE: _Limit("SMALLHUB_PROPOSED_BYTES_PER_DAY", 86_400),
}


def spend(*, user: User, action: str, amount: int = 1, at: datetime | None = None) -> None:
    """Take from what this person may do of `action` in the current window. 0 in the setting means no limit.

    One conditional update decides, so that of many requests at once exactly as many pass as there is room for.

    Raises:
        TooOften: with the seconds until the window ends.
    """
    limit = _LIMITS[action]
    most = getattr(settings, limit.setting)
    if not most:
        return
    now = at or timezone.now()
    begun = now - timedelta(seconds=limit.window_s)
    with transaction.atomic():
        row = ActionCount(user=user, action=action, started_at=now)
        ActionCount.objects.bulk_create([row], ignore_conflicts=True)
        mine = ActionCount.objects.filter(user=user, action=action)
        mine.filter(started_at__lte=begun).update(started_at=now, amount=0)
        if mine.filter(amount__lte=most - amount).update(amount=F("amount") + amount):
            return
        started_at = mine.values_list("started_at", flat=True).get()
    left_s = limit.window_s - (now - started_at).total_seconds()
    raise TooOften(seconds=max(1, round(left_s)))


def spend_delivery(*, user: User, repository: Repository, size_bytes: int) -> None:
    """Count content that somebody who may not write here delivers for a pull request.

    Raises:
        TooOften: more than a day's share.
    """
    if not can(user, Action.WRITE, repository):
        spend(user=user, action=PROPOSE, amount=size_bytes)
