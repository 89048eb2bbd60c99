"""The trending score: what was downloaded and liked lately, fading out with a half-life of a week."""

from datetime import datetime, timedelta

from django.db.models import ExpressionWrapper, F, FloatField, Q, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from models_registry.models import Repository

STEP = timedelta(hours=1)
HALF_LIFE = timedelta(days=7)
LIKE_WEIGHT = 10.0  # A like says as much as so many downloads.
NEGLIGIBLE = 0.01
_SLACK = timedelta(minutes=5)


def refresh_trends(*, now: datetime | None = None) -> int:
    """Bring the scores one step further. Returns how many changed.

    Comes once an hour; what arrives twice changes nothing, for a row waits an hour between two steps. Quiet rows are
    not touched.
    """
    now = now or timezone.now()
    fading = 0.5 ** (STEP / HALF_LIFE)
    due = Q(trended_at=None) | Q(trended_at__lte=now - STEP + _SLACK)
    moving = Q(trending_score__gt=0) | ~Q(downloads=F("trended_downloads")) | ~Q(likes=F("trended_likes"))
    fresh = (F("downloads") - F("trended_downloads")) + (F("likes") - F("trended_likes")) * Value(LIKE_WEIGHT)
    score = ExpressionWrapper(F("trending_score") * Value(fading) + fresh, output_field=FloatField())
    changed = Repository.objects.filter(due, moving).update(
        trending_score=Greatest(score, Value(0.0), output_field=FloatField()),
        trended_downloads=F("downloads"),
        trended_likes=F("likes"),
        trended_at=now,
    )
    Repository.objects.filter(trending_score__gt=0, trending_score__lt=NEGLIGIBLE).update(trending_score=0)
    return changed
