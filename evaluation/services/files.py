"""Files of one commit, laid out for a job: in a private folder that is removed with the job."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db.models import Q

from evaluation.exceptions import FilesUnavailable
from evaluation.models import Run, State
from models_registry.manifests import listing_of
from models_registry.models import Commit, Content, GitObject
from models_registry.services import content
from models_registry.types import Entry

_BATCH = 200
_GRACE_S = 60.0


def jobs_folder() -> Path:
    folder: Path = settings.SMALLHUB_DATA / "jobs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextmanager
def laid_out(*, commit: Commit, job: str, wanted: Callable[[str], bool] | None = None) -> Iterator[Path]:
    """A folder with the files of a commit under their own paths, for the length of the block.

    Large content is a hard link to the store's whole-file cache where the disk allows it, so nothing is copied; what
    is read from the store is checked on the way. The files are read-only, and only this user may enter.

    Args:
        job: names the folder, as `job_name` gives it, so that the sweep can tell whose it was.
        wanted: which paths are needed; None takes all.

    Raises:
        FilesUnavailable, CorruptContent, StoreUnavailable: a file cannot be had from the store.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"{job}-", dir=jobs_folder()))
    try:
        _lay_out(commit, folder, wanted)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def job_name(*, run_id: int, attempt: int) -> str:
    return f"{run_id}-{attempt}"


def remove_leftovers() -> int:
    """Remove job folders whose attempt is no longer at work, as a killed worker leaves them. Returns how many."""
    before = time.time() - _GRACE_S
    old = [entry for entry in jobs_folder().iterdir() if _is_older(entry, before)]
    if not old:
        return 0
    jobs = {entry: _owner(entry.name) for entry in old}
    owners = [owner for owner in jobs.values() if owner is not None]
    any_owner = Q()
    for run_id, attempt in owners:
        any_owner |= Q(pk=run_id, attempt=attempt)
    rows = Run.objects.filter(any_owner, state=State.RUNNING) if owners else Run.objects.none()
    alive = set(rows.values_list("pk", "attempt"))
    dead = [entry for entry, owner in jobs.items() if owner not in alive]
    for entry in dead:
        shutil.rmtree(entry, ignore_errors=True)
    return len(dead)


def _is_older(entry: Path, before: float) -> bool:
    try:
        return entry.stat().st_mtime < before
    except FileNotFoundError:  # Its job has just ended.
        return False


def _owner(name: str) -> tuple[int, int] | None:
    parts = name.split("-")
    if len(parts) < 3 or not (parts[0].isdigit() and parts[1].isdigit()):
        return None
    return int(parts[0]), int(parts[1])


def _lay_out(commit: Commit, folder: Path, wanted: Callable[[str], bool] | None) -> None:
    entries = [entry for path, entry in listing_of(commit).files.items() if wanted is None or wanted(path)]
    small = [entry for entry in entries if not entry.is_large]
    for start in range(0, len(small), _BATCH):
        _write_small(commit, folder, small[start : start + _BATCH])
    for entry in entries:
        if entry.is_large:
            _place_large(folder, entry)


def _write_small(commit: Commit, folder: Path, entries: list[Entry]) -> None:
    oids = {entry.oid for entry in entries}
    rows = GitObject.objects.filter(repository_id=commit.repository_id, oid__in=oids).values_list("oid", "body")
    bodies = {oid: bytes(body) for oid, body in rows}
    for entry in entries:
        if entry.oid not in bodies:
            raise FilesUnavailable(path=entry.path)
        target = _target(folder, entry)
        target.write_bytes(bodies[entry.oid])
        target.chmod(0o444)


def _place_large(folder: Path, entry: Entry) -> None:
    found = Content.objects.filter(sha256=entry.sha256).first()
    if found is None:
        raise FilesUnavailable(path=entry.path)
    source, target = content.materialise(found), _target(folder, entry)
    try:
        os.link(source, target)
    except OSError:  # Another disk, or a file system without links.
        shutil.copyfile(source, target)
        target.chmod(0o444)


def _target(folder: Path, entry: Entry) -> Path:
    """Where a file goes. The commit service has checked its path; this is the second lock on the same door."""
    target = folder / entry.path
    if not target.resolve().is_relative_to(folder.resolve()):
        raise FilesUnavailable(path=entry.path)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return target
