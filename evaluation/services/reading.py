"""Comparisons as pages and doors ask for them: found by two commits, asked for where there is none."""

from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.permissions import require_own_write
from evaluation.exceptions import ItemsNotFound, NotCompared
from evaluation.models import Benchmark, BenchmarkComparison, Comparison, Evaluation, Receipt
from evaluation.scorers import SCORERS
from evaluation.services import comparisons, items, versions
from models_registry.models import Commit, Repository
from models_registry.permissions import Action, can, require

Viewer = User | AnonymousUser


def comparison_of(before: Commit, after: Commit, *, viewer: Viewer) -> Comparison | None:
    """The comparison of two commits, with all that is shown of it to this viewer."""
    rows = Comparison.objects.shown(viewer).filter(evaluation__commit=after, base__commit=before)
    found: Comparison | None = rows.first()
    return found


def comparison_with_the_one_before(evaluation: Evaluation, *, viewer: Viewer) -> Comparison | None:
    """Against the release before, else against the measured commit before; None for the first of all."""
    rows = {row.base_id: row for row in Comparison.objects.shown(viewer).filter(evaluation=evaluation)}
    if not rows:
        return None
    released = versions.base_of_release(evaluation)
    if released in rows:
        return rows[released]
    return max(rows.values(), key=lambda row: row.base_id)


@transaction.atomic
def ask(*, repository: Repository, user: User, before: Commit, after: Commit) -> Comparison:
    """Let two measured commits be compared that nothing else compares.

    Raises:
        NotCompared: one of them is not measured, or they are the same.
    """
    require(user, Action.READ, repository)
    require_own_write(user)
    found = {row.commit_id: row for row in Evaluation.objects.filter(commit__in=[before, after])}
    old, new = found.get(before.pk), found.get(after.pk)
    if old is None or new is None or old == new:
        raise NotCompared(what="Both versions must be measured before they can be compared.")
    row, created = Comparison.objects.get_or_create(evaluation=new, base=old, defaults={"asked_at": timezone.now()})
    if created:
        comparisons.tell_after_commit([row.pk])
    return row


def predictions(row: BenchmarkComparison, ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """What both versions said of some items. Reads the rows of both receipts; nothing where they are not kept."""
    scorer = SCORERS[str(row.benchmark.definition["scorer"])]
    wanted = set(ids)
    sides: list[dict[str, str]] = []
    for evaluation in (row.comparison.base, row.comparison.evaluation):
        receipt = Receipt.objects.filter(run__evaluation=evaluation, run__benchmark=row.benchmark_id).first()
        try:
            rows = items.rows_of(receipt) if receipt is not None else []
        except ItemsNotFound:
            rows = []
        sides.append({str(item["id"]): scorer.prediction(item) for item in rows if str(item["id"]) in wanted})
    return {name: (sides[0].get(name, "—"), sides[1].get(name, "—")) for name in wanted}


def may_read_items(user: Viewer, repository: Repository, benchmark: Benchmark) -> bool:
    """Whether outputs by item may be shown: as with receipts, for who may have the model's files and the data."""
    readable = Benchmark.objects.readable_by(user).filter(pk=benchmark.pk).exists()
    return readable and can(user, Action.DOWNLOAD, repository)
