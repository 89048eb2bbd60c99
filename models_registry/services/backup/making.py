"""Making a backup."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from blake3 import blake3
from django.conf import settings
from django.utils import timezone

from models_registry.exceptions import BackupFailed
from models_registry.services.backup import databases
from models_registry.storage.blobs import BlobStore, blob_store
from models_registry.storage.digests import BlobDigest
from models_registry.storage.exceptions import CorruptContent
from models_registry.storage.reading import STEP_BYTES

FORMAT = 1
MANIFEST, DATABASE, BLOBS, LIST, KEY = "manifest.json", "database", "blobs", "blobs.txt", "secret_key"
_TRIES = 3


@dataclass(frozen=True)
class Backup:
    """What a backup holds, as its manifest says.

    Attributes:
        key_mark: a hash of the secret key, so that a restore can tell whether it has the right one.
    """

    format: int
    begun_at: str
    engine: str
    database_sha256: str
    list_sha256: str
    blobs: int
    blob_bytes: int
    copied_blobs: int
    key_mark: str


def make_backup(folder: Path, *, with_key: bool = False) -> Backup:
    """Copy the hub into a folder, or bring the copy there up to date. Needs no pause of the hub.

    Args:
        with_key: also copy the secret key, for those who keep it nowhere else. Whoever has it can forge sessions.

    Raises:
        BackupFailed: stored bytes that the database names are damaged, or a tool is missing.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    begun_at = timezone.now().isoformat()
    (folder / MANIFEST).unlink(missing_ok=True)
    for _ in range(_TRIES):
        fresh = folder / f"{DATABASE}.new"
        fresh.unlink(missing_ok=True)
        named = databases.dump(fresh)
        _sync(fresh)
        copied, missing = _copy_blobs(folder / BLOBS, sorted(named))
        if not missing:
            break
    else:
        raise BackupFailed(reason=f"stored bytes are damaged or gone: {', '.join(missing[:5])}. Ask manage.py fsck.")
    fresh.replace(folder / DATABASE)
    _prune(folder / BLOBS, named)
    _write(folder / LIST, "".join(f"{digest}\n" for digest in sorted(named)))
    if with_key:
        (folder / KEY).touch(mode=0o600)
        _write(folder / KEY, settings.SECRET_KEY)
    made = Backup(
        format=FORMAT,
        begun_at=begun_at,
        engine=databases.engine(),
        database_sha256=sha256_of(folder / DATABASE),
        list_sha256=sha256_of(folder / LIST),
        blobs=len(named),
        blob_bytes=sum(blob_path(folder / BLOBS, digest).stat().st_size for digest in named),
        copied_blobs=copied,
        key_mark=key_mark(),
    )
    _write(folder / MANIFEST, json.dumps(asdict(made), indent=2) + "\n")
    return made


def key_mark() -> str:
    """Tells keys apart without telling them."""
    return hashlib.sha256(b"smallhub.backup\0" + settings.SECRET_KEY.encode()).hexdigest()[:16]


def blob_path(blobs: Path, digest: str) -> Path:
    return blobs / digest[:2] / BlobDigest(digest)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy_blobs(blobs: Path, digests: Iterable[str]) -> tuple[int, list[str]]:
    """Copy those that are not here. Returns how many, and those that could not be had."""
    store, copied, missing = blob_store(), 0, []
    for digest in digests:
        target = blob_path(blobs, digest)
        if target.exists() and target.stat().st_size == store.size(BlobDigest(digest)):
            continue
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _copy(store, BlobDigest(digest), target):
            copied += 1
        else:
            missing.append(digest)
    return copied, missing


def _copy(store: BlobStore, digest: BlobDigest, target: Path) -> bool:
    aside, hasher = target.with_suffix(".new"), blake3()
    try:
        with store.open(digest) as source, aside.open("wb") as copy:
            while data := source.read(STEP_BYTES):
                hasher.update(data)
                copy.write(data)
            copy.flush()
            os.fsync(copy.fileno())
    except CorruptContent:
        aside.unlink(missing_ok=True)
        return False
    if hasher.hexdigest() != digest:
        aside.unlink()
        return False
    aside.replace(target)
    return True


def _prune(blobs: Path, named: set[str]) -> None:
    """Remove what an earlier backup needed and this one does not."""
    for path in blobs.glob("??/*"):
        if path.name not in named:
            path.unlink()


def _write(path: Path, text: str) -> None:
    aside = path.with_name(path.name + ".new")
    aside.touch(mode=0o600)
    aside.write_text(text)
    _sync(aside)
    aside.replace(path)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
