"""Comparing weights: at once where little has to be read, else by a worker, once for each pair of files."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from models_registry import tasks
from models_registry.exceptions import EntryNotFound
from models_registry.formats import safetensors
from models_registry.formats.errors import BadFormat
from models_registry.formats.safetensors import SafetensorsHeader, Tensor
from models_registry.formats.tensor_diff import TensorChange, compare_tensor, pairs
from models_registry.models import Content, GitObject, Repository, RepositoryContent, WeightsDiff
from models_registry.permissions import Action, require
from models_registry.services import content
from models_registry.services.content.chunk_maps import ChunkMap, chunk_map, unequal_spans
from models_registry.storage.exceptions import CorruptContent
from models_registry.types import Entry

INLINE_BYTES = 32 * 1024 * 1024  # What a page may read itself: about a quarter of a second.
MAX_ROWS = 2_000  # Tensors kept of one comparison, those that changed most first.
SILENCE = timedelta(minutes=5)  # After so long without a word, a worker counts as dead.
_REPORT_EVERY = timedelta(seconds=2)


@dataclass(frozen=True)
class WeightsChange:
    """What is known of how the tensors of one path changed.

    Attributes:
        state: done, queued, running, failed, or large: nobody has asked for it yet.
        result: as `summary` makes it, once done.
        size_bytes: what a comparison has to read.
    """

    path: str
    state: str
    result: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    size_bytes: int = 0
    percent: int = 0


@dataclass(frozen=True)
class Source:
    """One file that is open for comparison."""

    header: SafetensorsHeader
    read: Callable[[int, int], bytes]
    chunks: ChunkMap | None


def weights_change(repository: Repository, path: str, before: Entry, after: Entry) -> WeightsChange:
    """How two files differ, if that can be told now. Reads at most INLINE_BYTES.

    Whoever calls this has checked that the reader may have the contents.
    """
    known = WeightsDiff.objects.filter(repository=repository, before=before.sha256, after=after.sha256).first()
    if known is not None:
        state = "large" if known.state != "done" and _is_silent(known) and known.state != "failed" else known.state
        return WeightsChange(path, state, known.result, known.reason, before.size + after.size, known.percent)
    try:
        old, new = open_weights(repository, before), open_weights(repository, after)
        cost = sum(_cost(old, new, first, second) for _, first, second in pairs(old.header, new.header))
        if cost > INLINE_BYTES:
            return WeightsChange(path, "large", size_bytes=cost)
        return WeightsChange(path, "done", summary(list(compare(old, new))))
    except BadFormat as error:
        return WeightsChange(path, "failed", reason=error.detail)
    except CorruptContent as error:
        return WeightsChange(path, "failed", reason=str(error))


def request_weights_diff(*, repository: Repository, user: User, before: Entry, after: Entry) -> WeightsDiff:
    """Ask a worker for a comparison; asking again wakes one that has fallen asleep."""
    require(user, Action.DOWNLOAD, repository)
    now = timezone.now()
    with transaction.atomic():
        row = WeightsDiff(repository=repository, before=before.sha256, after=after.sha256, heard_at=now)
        WeightsDiff.objects.bulk_create([row], ignore_conflicts=True)
        found = WeightsDiff.objects.select_for_update().get(
            repository=repository, before=before.sha256, after=after.sha256
        )
        if found.state != "done" and (found.state in {"queued", "failed"} or _is_silent(found)):
            found.state, found.heard_at, found.reason = WeightsDiff.State.QUEUED, now, ""
            found.save(update_fields=["state", "heard_at", "reason"])
            transaction.on_commit(partial(tasks.compare_weights.delay, found.pk))
    return found


def perform_weights_diff(diff_id: int) -> None:
    """Compute one comparison. A finished one, or one that another worker is at, is left alone."""
    row = _claimed(diff_id)
    if row is None:
        return
    try:
        result = _computed(row)
    except BadFormat as error:
        _end(row, WeightsDiff.State.FAILED, reason=error.detail[:500])
    except (CorruptContent, EntryNotFound) as error:
        _end(row, WeightsDiff.State.FAILED, reason=str(error)[:500])
    else:
        _end(row, WeightsDiff.State.DONE, result=result)


def compare(old: Source, new: Source) -> Iterator[TensorChange]:
    """All tensors of two files."""
    for name, before, after in pairs(old.header, new.header):
        yield compare_tensor(
            name, before, after, read_before=old.read, read_after=new.read, unequal=partial(_unequal, old, new)
        )


def summary(found: list[TensorChange]) -> dict[str, Any]:
    """Counts of each way, and the tensors that are not the same, those that changed most first."""
    counts = dict.fromkeys(("added", "removed", "changed", "reshaped", "same"), 0)
    for change in found:
        counts[change.way] += 1
    told = [change for change in found if change.way != "same"]
    told.sort(key=lambda change: (-(change.max_abs or 0.0), change.name))
    largest = max((change.max_abs for change in told if change.max_abs is not None), default=None)
    return {
        "counts": counts,
        "max_abs": largest,
        "left_out": max(0, len(told) - MAX_ROWS),
        "tensors": [change.to_json() for change in told[:MAX_ROWS]],
    }


def open_weights(repository: Repository, entry: Entry) -> Source:
    """One file of a repository, small or large.

    Raises:
        BadFormat: it is no safetensors file.
        CorruptContent: what should be there is not.
    """
    if not entry.is_large:
        body = GitObject.objects.filter(repository=repository, oid=entry.oid).values_list("body", flat=True).first()
        if body is None:
            raise CorruptContent(hash=entry.oid)
        raw = bytes(body)
        header = safetensors.read_header(io.BytesIO(raw), size_bytes=len(raw))
        return Source(header, lambda start, stop: raw[start:stop], None)
    link = RepositoryContent.objects.filter(repository=repository, content__sha256=entry.sha256)
    row = link.select_related("content").first()
    if row is None:
        raise CorruptContent(hash=entry.sha256)
    return _open_content(row.content)


def _open_content(found: Content) -> Source:
    def read_range(start: int, stop: int) -> bytes:
        return b"".join(content.read(found, start, stop))

    length = int.from_bytes(read_range(0, 8), "little")
    head = read_range(0, min(found.size_bytes, 8 + min(length, safetensors.MAX_HEADER_BYTES)))
    header = safetensors.read_header(io.BytesIO(head), size_bytes=found.size_bytes)
    return Source(header, read_range, chunk_map(found))


def _unequal(old: Source, new: Source, before: Tensor, after: Tensor) -> list[tuple[int, int]]:
    if old.chunks is None or new.chunks is None:
        return [(0, before.size_bytes)] if before.size_bytes else []
    return unequal_spans(
        old.chunks, new.chunks, before_start=before.start, after_start=after.start, length=before.size_bytes
    )


def _cost(old: Source, new: Source, before: Tensor | None, after: Tensor | None) -> int:
    """Bytes that a comparison of two tensors may read."""
    if before is None or after is None or before.shape != after.shape:
        return 0
    if before.dtype != after.dtype:
        return before.size_bytes + after.size_bytes
    spans = _unequal(old, new, before, after)
    return before.size_bytes + sum(stop - start for start, stop in spans) if spans else 0


def _claimed(diff_id: int) -> WeightsDiff | None:
    with transaction.atomic():
        row = (
            WeightsDiff.objects.select_for_update(of=("self",)).select_related("repository").filter(pk=diff_id).first()
        )
        if row is None or row.state in {"done", "failed"} or (row.state == "running" and not _is_silent(row)):
            return None
        row.state, row.heard_at, row.done_tensors = WeightsDiff.State.RUNNING, timezone.now(), 0
        row.save(update_fields=["state", "heard_at", "done_tensors"])
    return row


def _computed(row: WeightsDiff) -> dict[str, Any]:
    old, new = (_by_sha256(row.repository, sha256) for sha256 in (row.before, row.after))
    names = {tensor.name for tensor in (*old.header.tensors, *new.header.tensors)}
    WeightsDiff.objects.filter(pk=row.pk).update(all_tensors=len(names))
    found, said = [], timezone.now()
    for change in compare(old, new):
        found.append(change)
        if timezone.now() - said > _REPORT_EVERY:
            said = timezone.now()
            WeightsDiff.objects.filter(pk=row.pk).update(done_tensors=len(found), heard_at=said)
    return summary(found)


def _by_sha256(repository: Repository, sha256: str) -> Source:
    link = RepositoryContent.objects.filter(repository=repository, content__sha256=sha256)
    row = link.select_related("content").first()
    if row is None:
        raise EntryNotFound(path=sha256, revision="this repository")
    return _open_content(row.content)


def _end(row: WeightsDiff, state: WeightsDiff.State, *, result: dict[str, Any] | None = None, reason: str = "") -> None:
    WeightsDiff.objects.filter(pk=row.pk, state="running").update(
        state=state, result=result or {}, reason=reason, heard_at=timezone.now()
    )


def _is_silent(row: WeightsDiff) -> bool:
    return row.heard_at < timezone.now() - SILENCE
