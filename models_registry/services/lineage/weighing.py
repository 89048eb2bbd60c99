"""A worker's look at a model's weights: their sketch, and which models they come from. Claimed, fenced, done over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from hub.core.exceptions import HubError
from models_registry.formats import sketches
from models_registry.formats.errors import BadFormat
from models_registry.formats.sketches import Sketch
from models_registry.lineage import Claim
from models_registry.manifests import listing_of
from models_registry.models import (
    Commit,
    Kind,
    LineageLink,
    LineageState,
    Repository,
    ScanVerdict,
    SketchShape,
    StorageUse,
)
from models_registry.services.lineage import building, origins
from models_registry.services.lineage.building import Weighed
from models_registry.services.lineage.opening import open_weights
from models_registry.services.lineage.queue import dispatch

SILENCE = timedelta(minutes=10)
PATIENCE = timedelta(hours=1)  # A scan that has not ended by then will not: our own readers run nothing either way.
_REPORT_EVERY = timedelta(seconds=20)
_MAX_SHAPES = 32
_MAX_AGAIN = 200


@dataclass(frozen=True)
class _Work:
    """One claim on a repository's state. `attempt` fences out a worker that was thought dead."""

    state_id: int
    attempt: int
    repository: Repository
    commit: Commit
    key: str
    kept: Sketch | None  # Of the very same files, from before.


def look(*, repository_id: int) -> bool:
    """Look at one model's weights. What is done, or leased to a living worker, is left alone.

    Returns:
        Whether anything was done.
    """
    work = _claim(repository_id)
    if work is None:
        return False
    try:
        sketch, headers = _sketch(work)
        matches = origins.find(repository=work.repository, commit=work.commit, sketch=sketch)
    except (BadFormat, HubError) as error:
        _fail(work, str(error)[:300])
        return True
    is_kept = _keep(work, sketch, headers, matches)
    if is_kept and work.kept is None:
        _look_again(work.repository, matches)
    return True


def look_again_later(repository_ids: list[int]) -> None:
    """Compare these with everything anew; their sketches stay."""
    rows = LineageState.objects.filter(repository__in=repository_ids, state=LineageState.State.DONE)
    found = list(rows.exclude(weights_key="").values_list("repository_id", flat=True)[:_MAX_AGAIN])
    LineageState.objects.filter(repository__in=found, state=LineageState.State.DONE).update(
        state=LineageState.State.WAITING, heard_at=timezone.now()
    )
    for pk in found:
        transaction.on_commit(partial(dispatch, pk))


def _claim(repository_id: int) -> _Work | None:
    now = timezone.now()
    rows = LineageState.objects.claimable(at=now, silence=now - SILENCE).filter(repository=repository_id)
    state = rows.select_related("repository__namespace", "commit").first()
    if state is None or state.commit is None or state.repository.deleted_at is not None:
        return None
    is_scanned = state.commit.scan_verdict != ScanVerdict.PENDING
    if not is_scanned and state.heard_at > now - PATIENCE:
        return None
    won = LineageState.objects.filter(pk=state.pk, state=state.state, attempt=state.attempt).update(
        state=LineageState.State.RUNNING, attempt=state.attempt + 1, heard_at=now
    )
    if not won:
        return None
    key = building.weights_key(listing_of(state.commit))
    kept = sketches.unpack(bytes(state.sketch)) if state.weights_key == key and state.sketch else None
    return _Work(state.pk, state.attempt + 1, state.repository, state.commit, key, kept)


def _sketch(work: _Work) -> tuple[Sketch, list[Claim]]:
    opened = open_weights(work.repository, work.commit)
    if work.kept is not None:
        return work.kept, opened.claims
    if opened.faults and not opened.sources:
        raise BadFormat("lineage_weights", "; ".join(opened.faults)[:300])
    return sketches.take(opened.sources, heard=_reporter(work)), opened.claims


def _reporter(work: _Work) -> Callable[[], None]:
    """Say now and then that this worker lives."""
    said = timezone.now()

    def heard() -> None:
        nonlocal said
        if timezone.now() - said > _REPORT_EVERY:
            said = timezone.now()
            LineageState.objects.filter(pk=work.state_id, attempt=work.attempt).update(heard_at=said)

    return heard


@transaction.atomic
def _keep(work: _Work, sketch: Sketch, headers: list[Claim], matches: list[Weighed]) -> bool:
    """Write it all at once, if this attempt still holds the claim."""
    StorageUse.objects.lock(work.repository)
    state = LineageState.objects.select_for_update().filter(pk=work.state_id).first()
    if state is None or state.attempt != work.attempt or state.state != LineageState.State.RUNNING:
        return False
    state.state, state.heard_at, state.fault = LineageState.State.DONE, timezone.now(), ""
    state.weights_key, state.tensors = work.key, len(sketch.shapes)
    state.headers = [building.claim_as_json(each) for each in headers]
    state.matches = [each.to_json() for each in matches]
    if work.kept is None:
        state.sketch, state.sketched_at = sketches.pack(sketch), state.heard_at
        SketchShape.objects.filter(state=state).delete()
        SketchShape.objects.bulk_create(SketchShape(state=state, shape=shape) for shape in shapes_of(sketch))
    state.save()
    repository = Repository.objects.select_related("namespace").get(pk=work.repository.pk)
    building.write_links(repository=repository, commit=work.commit, state=state)
    return True


def shapes_of(sketch: Sketch) -> list[str]:
    """The shapes that hold most of a model's numbers, as words to look for."""
    weight: dict[str, float] = {}
    sizes = sketch.sizes
    for shape, rows in sketch.groups():
        weight["x".join(map(str, shape))[:100]] = float(sizes[rows].sum())
    return sorted(weight, key=lambda shape: -weight[shape])[:_MAX_SHAPES]


def _fail(work: _Work, reason: str) -> None:
    LineageState.objects.filter(pk=work.state_id, attempt=work.attempt).update(
        state=LineageState.State.FAILED, fault=reason.replace("\x00", ""), heard_at=timezone.now()
    )


def _look_again(repository: Repository, matches: list[Weighed]) -> None:
    """New weights change what was said of models that name this one, and of younger ones that resemble it."""
    children = LineageLink.objects.of_heads().filter(parent=repository, is_from_weights=False)
    named = children.filter(repository__kind=Kind.MODEL).values_list("repository_id", flat=True)[:_MAX_AGAIN]
    younger = [each.repository_id for each in matches if each.verdict == "younger"]
    look_again_later([*named, *younger])


def _outdated() -> list[int]:
    """Models that were compared before a parent that they name was sketched: its worker may have died in between."""
    links = LineageLink.objects.of_heads().filter(is_from_weights=False, repository__kind=Kind.MODEL)
    earlier = links.filter(
        repository__lineage_state__state=LineageState.State.DONE,
        repository__lineage_state__heard_at__lt=F("parent__lineage_state__sketched_at"),
    )
    found = earlier.exclude(repository__lineage_state__weights_key="").order_by("repository_id")
    return list(found.values_list("repository_id", flat=True).distinct()[:_MAX_AGAIN])


def tell_again() -> int:
    """Find what was lost or not looked at yet: rows that wait, silent workers, repositories from before there were
    rows. Returns how many were told.
    """
    now = timezone.now()
    missing = Repository.objects.filter(kind__in=[Kind.MODEL, Kind.DATASET], lineage_state__isnull=True)
    for repository in missing.exclude(head="").order_by("pk")[:_MAX_AGAIN]:
        building.rebuild(repository=repository)
    look_again_later(_outdated())
    waiting = LineageState.objects.claimable(at=now - timedelta(seconds=30), silence=now - SILENCE)
    scanned = waiting.exclude(commit__scan_verdict=ScanVerdict.PENDING)
    late = waiting.filter(commit__scan_verdict=ScanVerdict.PENDING, heard_at__lt=now - PATIENCE)
    found = (scanned.filter(commit__isnull=False) | late).order_by("heard_at", "pk")
    rows = list(found.values_list("repository_id", flat=True)[:_MAX_AGAIN])
    for pk in rows:
        dispatch(pk)
    return len(rows)
