"""Marking repositories whose licences have to be judged anew. The row is the truth: a sweep finds what got lost."""

from collections.abc import Collection
from functools import partial

from django.db import transaction
from django.db.models import F

from models_registry.models import LicenceJudgement

_AT_ONCE = 500


def mark(repository_ids: Collection[int]) -> None:
    """Have these judged once what is being written is. Call it inside the transaction that changed something."""
    for start in range(0, len(repository_ids), _AT_ONCE):
        ids = sorted(repository_ids)[start : start + _AT_ONCE]
        known = LicenceJudgement.objects.filter(repository__in=ids)
        if known.update(marks=F("marks") + 1) < len(ids):
            rows = (
                LicenceJudgement(repository_id=pk) for pk in set(ids) - set(known.values_list("repository", flat=True))
            )
            LicenceJudgement.objects.bulk_create(rows, ignore_conflicts=True)
        for pk in ids:
            transaction.on_commit(partial(_dispatch, pk))


def _dispatch(repository_id: int) -> None:
    from models_registry import tasks  # It imports the services that call this.

    tasks.dispatch_licence_judging(repository_id)
