"""A history in: refs compared, objects fetched and checked, large files brought first, then all refs moved at once.

A run that was killed goes on where it stopped: large files that arrived are linked to the repository and are not
fetched again, one that was half here goes on from its last byte, and commits that are here are not asked for.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from models_registry.git.objects import MAX_POINTER_BYTES, Pointer, read_pointer
from models_registry.git.quarantine import BLOB, Quarantine
from models_registry.git.unpacking import Limits
from models_registry.models import Content, Ref, Repository, RepositoryImport
from models_registry.models.imports import ImportState
from models_registry.permissions import Action, require
from models_registry.services import content, pushes
from models_registry.services.imports import discussions
from models_registry.services.imports.exceptions import ImportBusy, ImportIncomplete, OriginLacksObject
from models_registry.services.imports.origins import Origin, OriginRefs
from models_registry.services.pushes import ZERO, RefUpdate
from models_registry.services.settings import Changes, update_settings
from models_registry.types import BRANCH, PULL, TAG

LEASE = timedelta(minutes=30)
# An operator chose the origin, so more may come at once than with a push.
LIMITS = replace(Limits(), objects=2_000_000, total_bytes=8 * 2**30, commits=200_000, seconds=3600.0)
_MOST_HAVES = 256

Say = Callable[[str], None]


@dataclass
class Imported:
    """What a run brought.

    Attributes:
        moved: refs that were made or moved, with what they name now.
        files: large files that were fetched, and their bytes.
        warnings: what is not as it was there.
    """

    moved: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    files: int = 0
    file_bytes: int = 0
    warnings: list[str] = field(default_factory=list)


def import_history(*, record: RepositoryImport, origin: Origin, say: Say = lambda line: None) -> Imported:
    """Bring branches, tags and pull requests of `origin` into the record's repository, and make them equal.

    Raises:
        ImportBusy: another process is at it.
        OriginUnreachable, OriginRefused, OriginLacksObject: the origin did not answer, or said no.
        ImportIncomplete: the history breaks a rule of this hub; nothing of it was kept but large files.
    """
    with _leased(record):
        try:
            done = _run(record.repository, record.user, origin, say, is_mirror=record.is_mirror)
        except Exception as error:
            _ended(record, ImportState.FAILED, str(error))
            raise
        _ended(record, ImportState.DONE, "")
    return done


def _run(repository: Repository, user: User, origin: Origin, say: Say, *, is_mirror: bool) -> Imported:
    require(user, Action.WRITE, repository)
    done = Imported()
    there = origin.refs()
    pulls: set[int] = set()
    if origin.api:
        pulls, done.warnings = discussions.bring_threads(repository, origin)
        there = replace(there, refs=_with_threads(there.refs, pulls))
    here = dict(repository.refs.values_list("name", "target"))
    changed = {name: oid for name, oid in there.refs.items() if here.get(name) != oid}
    say(f"{len(there.refs)} refs there, {len(changed)} of them new here.")
    with pushes.quarantine() as pushed:
        if changed:
            _fetch(repository, user, origin, changed, pushed)
            say(f"{len(pushed):,} objects read.")
            _bring_large(repository, user, origin, pushed, done, say)
            _move(repository, user, pushed, changed, done)
    _follow_head(repository, there, done)
    if is_mirror:
        gone = {name for name in here if name.startswith((BRANCH, TAG))} - set(there.refs)
        _drop_gone(repository, user, gone, done)
    discussions.settle(repository, pulls)
    _check(repository, there)
    return done


def _with_threads(refs: dict[str, str], pulls: set[int]) -> dict[str, str]:
    """Refs without those of pull requests whose threads are not here: nobody could find them."""
    known = {f"{PULL}{number}" for number in pulls}
    return {name: oid for name, oid in refs.items() if not name.startswith(PULL) or name in known}


def _fetch(repository: Repository, user: User, origin: Origin, changed: dict[str, str], pushed: Quarantine) -> None:
    """Take the missing objects as one pack. Commits without their refs are offered as well: a squash left them."""
    known = set(repository.commits.filter(oid__in=list(changed.values())).values_list("oid", flat=True))
    wanted = sorted(set(changed.values()) - known)
    if not wanted:
        return
    newest = repository.commits.order_by("-pk").values_list("oid", flat=True)[:_MOST_HAVES]
    with tempfile.TemporaryFile(dir=_folder(), prefix="import-") as file:
        origin.fetch(wanted, have=list(newest), parents=lambda oid: _parents(repository, oid), into=file)
        if file.tell():
            file.seek(0)
            pushes.take_pack(repository=repository, user=user, pack=file, into=pushed, limits=LIMITS)


def _parents(repository: Repository, oid: str) -> list[str]:
    return repository.commits.filter(oid=oid).values_list("parents", flat=True).first() or []


def _bring_large(
    repository: Repository, user: User, origin: Origin, pushed: Quarantine, done: Imported, say: Say
) -> None:
    """Fetch what the new pointers name, hash it, and link it to the repository; what is linked already stays.

    A file that the origin lacks stops nothing but the end: all the others come first, so that the next run is short.
    """
    wanted = list(_pointers(pushed))
    held = set(
        Content.objects.filter(links__repository=repository, sha256__in=[each.sha256 for each in wanted]).values_list(
            "sha256", flat=True
        )
    )
    missing = [pointer for pointer in wanted if pointer.sha256 not in held]
    lacking: OriginLacksObject | None = None
    for number, pointer in enumerate(missing, start=1):
        say(f"Large file {number} of {len(missing)}: {pointer.size:,} bytes.")
        try:
            _bring_one(repository, user, origin, pointer)
        except OriginLacksObject as error:
            say(str(error))
            lacking = lacking or error
            continue
        done.files, done.file_bytes = done.files + 1, done.file_bytes + pointer.size
    if lacking is not None:
        raise lacking


def _bring_one(repository: Repository, user: User, origin: Origin, pointer: Pointer) -> None:
    part = _folder() / f"{repository.public_id}-{pointer.sha256}.part"
    with origin.large(pointer, part) as path, path.open("rb") as stream:
        content.ingest(repository=repository, user=user, stream=stream, size_bytes=pointer.size, sha256=pointer.sha256)


def _pointers(pushed: Quarantine) -> Iterator[Pointer]:
    """Each large file that the new objects point to, once."""
    seen: set[str] = set()
    for oid in pushed.of_kind(BLOB):
        found = pushed.get(oid)
        pointer = read_pointer(found[1]) if found and len(found[1]) <= MAX_POINTER_BYTES else None
        if pointer is not None and pointer.sha256 not in seen:
            seen.add(pointer.sha256)
            yield pointer


def _move(repository: Repository, user: User, pushed: Quarantine, changed: dict[str, str], done: Imported) -> None:
    updates = [RefUpdate(name, None, oid, is_copy=name.startswith(PULL)) for name, oid in changed.items()]
    outcome = pushes.receive(
        repository=repository, user=user, pushed=pushed, updates=updates, limits=LIMITS, check_cards=False
    )
    if outcome.refused:
        reasons = [*outcome.lines, *(f"{name}: {reason}" for name, reason in outcome.refused.items())]
        raise ImportIncomplete(reason=" ".join(reasons)[:400])
    done.moved |= changed
    done.warnings += outcome.lines


def _follow_head(repository: Repository, there: OriginRefs, done: Imported) -> None:
    """Take the origin's default branch for ours, and drop the branch that a new repository starts with."""
    wanted = there.default_branch
    repository.refresh_from_db()
    if not wanted or wanted == repository.default_branch:
        return
    before = repository.default_branch
    update_settings(repository=repository, user=repository.imported_from.user, changes=Changes(default_branch=wanted))
    if BRANCH + before not in there.refs:
        Ref.objects.filter(repository=repository, name=BRANCH + before).delete()
        done.removed.append(BRANCH + before)


def _drop_gone(repository: Repository, user: User, gone: set[str], done: Imported) -> None:
    updates = [RefUpdate(name, None, ZERO) for name in sorted(gone) if name not in done.removed]
    with pushes.quarantine() as nothing:
        outcome = pushes.receive(repository=repository, user=user, pushed=nothing, updates=updates)
    done.removed += [update.name for update in updates if update.name not in outcome.refused]
    done.warnings += [f"{name}: {reason}" for name, reason in outcome.refused.items()]


def _check(repository: Repository, there: OriginRefs) -> None:
    """Every ref names here what it names there.

    Raises:
        ImportIncomplete: one does not.
    """
    here = dict(repository.refs.values_list("name", "target"))
    for name, oid in there.refs.items():
        if here.get(name) != oid:
            raise ImportIncomplete(reason=f"{name} names {here.get(name, 'nothing')[:12]} here and {oid[:12]} there.")


@contextmanager
def _leased(record: RepositoryImport) -> Iterator[None]:
    """Only one process at a time; one that was killed is followed after the lease."""
    now = timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    taken = RepositoryImport.objects.filter(free, pk=record.pk).update(
        lease_until=now + LEASE, state=ImportState.RUNNING
    )
    if not taken:
        raise ImportBusy(name=record.repository.full_name)
    try:
        yield
    finally:
        RepositoryImport.objects.filter(pk=record.pk).update(lease_until=None)


def _ended(record: RepositoryImport, state: ImportState, error: str) -> None:
    now = timezone.now()
    record.state, record.error = state, error[:500]
    record.next_at = now + timedelta(seconds=record.every_s) if record.every_s is not None else None
    if state == ImportState.DONE:
        record.finished_at = now
    record.save(update_fields=["state", "error", "next_at", "finished_at"])


def _folder() -> Path:
    place = Path(settings.SMALLHUB_DATA) / "imports"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place
