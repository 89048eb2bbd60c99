"""Standings: one row per model and benchmark, kept in the transaction that changes what it says.

`refresh` writes what the other rows say by now, however often it is asked, so a rebuild gives the same rows.
"""

import copy
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from evaluation.models import Evaluation, Run, Score, Standing, State, Step
from evaluation.models.standings import last_or
from evaluation.presentation import family, first_answer_ms
from evaluation.services import versions
from models_registry.labels import languages
from models_registry.licences import licence_class
from models_registry.licences.choices import names_of
from models_registry.models import Commit, Kind, Repository, ScanVerdict
from models_registry.services import heads
from models_registry.services.revisions import held_release, latest_release

_BATCH = 200
_MAX_LANGUAGES = 200


@dataclass(frozen=True)
class Report:
    """What a rebuild found: models looked at, and rows that it had to add, change or take away."""

    models: int
    changed: int


@transaction.atomic
def refresh(*, repository: Repository) -> int:
    """Bring the standings of one model up to date; the number of rows that changed.

    Call inside the transaction that ended a run, or moved `latest` or the head.
    """
    if repository.kind != Kind.MODEL:
        return 0
    # Two runs that end together see one another's scores; no key of the row changes, so inserts that name it go on.
    row = Repository.everything.select_for_update(no_key=True, of=("self",)).filter(pk=repository.pk).first()
    if row is None:
        return 0
    wanted = {standing.benchmark_id: standing for standing in _wanted(row)}
    return _write(row, wanted)


def rebuild() -> Report:
    """Bring the standings of all models up to date, each in a transaction of its own."""
    seen = changed = last = 0
    while True:
        batch = list(Repository.everything.filter(kind=Kind.MODEL, pk__gt=last).order_by("pk")[:_BATCH])
        for repository in batch:
            changed += refresh(repository=repository)
        seen += len(batch)
        if len(batch) < _BATCH:
            return Report(seen, changed)
        last = batch[-1].pk


def renew_licences(repositories: Collection[int]) -> None:
    """Say what is known by now of the licences of these models' versions."""
    rows = Standing.everything.filter(repository__in=repositories)
    for licence in rows.order_by().values_list("licence", flat=True).distinct():
        wanted = _of_licence(licence)
        rows.filter(licence=licence).exclude(**wanted).update(**wanted)


def _of_licence(licence: str) -> dict[str, str]:
    names = names_of(licence)
    return {"licence_class": licence_class(licence), "licence_names": f"|{'|'.join(names)}|" if names else ""}


def _write(repository: Repository, wanted: dict[int, Standing]) -> int:
    """Make the stored rows say what is wanted; those that do already are left alone."""
    changed = 0
    for stored in Standing.everything.filter(repository=repository):
        fresh = wanted.pop(stored.benchmark_id, None)
        if fresh is None:
            stored.delete()
        elif fresh.facts() != stored.facts():
            fresh.pk = stored.pk
            fresh.save(force_update=True)
        else:
            continue
        changed += 1
    Standing.everything.bulk_create(wanted.values())
    return changed + len(wanted)


def _wanted(repository: Repository) -> Iterator[Standing]:
    if not Score.objects.filter(repository=repository).exists():
        return
    evaluation, release = _standing_version(repository)
    if evaluation is None or _is_held(evaluation):
        return
    facts = _facts(repository, evaluation) | {"release": release}
    scores = Score.objects.filter(run__evaluation=evaluation).select_related("benchmark", "run__receipt")
    for score in scores:
        if math.isfinite(score.value):  # What is no number has no place.
            yield Standing(repository=repository, **_of_score(score), **facts)


def _standing_version(repository: Repository) -> tuple[Evaluation | None, str]:
    """The evaluation of the version that people get, and the release that it is.

    `latest` once anything was scored of it, else the head of the default branch. None while its releases are held.
    While a new head is measured for the first time the version before it stands, so that a push takes no model off its
    boards.
    """
    evaluations = Evaluation.objects.select_related("commit")
    release = latest_release(repository)
    if release is None and held_release(repository) is not None:
        return None, ""
    if release is not None:
        scored = evaluations.filter(commit=release.commit, runs__score__isnull=False).first()
        if scored is not None:
            return scored, release.name
    head = evaluations.filter(repository=repository, commit__oid=repository.head).first()
    if head is not None and not _is_held(head) and _is_new(head):
        return versions.scored_before(repository, head.commit) or head, ""
    return head, ""


def _is_new(evaluation: Evaluation) -> bool:
    """Whether a part of it has not begun yet, not even once."""
    if evaluation.status == Evaluation.Status.DONE:
        return False
    return evaluation.runs.filter(state__in=[State.WAITING, State.QUEUED], attempt=0).exists()


def _is_held(evaluation: Evaluation) -> bool:
    held = (Evaluation.Verdict.QUARANTINED, ScanVerdict.QUARANTINED)
    return evaluation.verdict in held or evaluation.commit.scan_verdict in held


def _of_score(score: Score) -> dict[str, Any]:
    low, high = score.low, score.high
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        low = high = None
    ends = (score.value, score.value) if low is None or high is None else (low, high)
    sign = 1 if score.higher_is_better else -1
    merits = sorted(sign * end for end in ends)
    receipt = getattr(score.run, "receipt", None)
    return {
        "benchmark": score.benchmark,
        "score": score,
        "receipt": receipt.sha256 if receipt is not None else "",
        "measured_at": score.created_at,
        "value": score.value,
        "low": low,
        "high": high,
        "n": score.n,
        "tier": score.tier,
        "merit": sign * score.value,
        "merit_low": merits[0],
        "merit_high": merits[1],
    }


def _facts(repository: Repository, evaluation: Evaluation) -> dict[str, Any]:
    """What the version takes and is: measured where it was, else from its listing and its card."""
    runs = {run.step: run.result or {} for run in Run.objects.filter(evaluation=evaluation, benchmark=None)}
    cost, inspected = runs.get(Step.COST, {}), runs.get(Step.INSPECT, {})
    described = _described(repository, evaluation.commit)
    codes = dict.fromkeys(code.lower().split("-")[0] for code in languages(described)[:_MAX_LANGUAGES])
    first_ms, memory = first_answer_ms(cost), cost.get("peak_rss_bytes")
    return {
        "commit": evaluation.commit.oid,
        "size_bytes": cost.get("bytes") or described.size_bytes,
        "first_ms": first_ms,
        "memory_bytes": memory,
        "parameters": cost.get("parameters") or inspected.get("parameters") or None,
        "order_ms": last_or(first_ms),
        "order_memory": last_or(memory),
        "family": family(inspected)[:64],
        "task": described.task,
        "licence": described.licence,
        **_of_licence(described.licence),
        "languages": f" {' '.join(codes)} " if codes else "",
    }


def _described(repository: Repository, commit: Commit) -> Repository:
    """The row as it would be with this commit as its head."""
    if repository.head == commit.oid:
        return repository
    described = copy.copy(repository)
    heads.describe(repository=described, commit=commit)
    return described
