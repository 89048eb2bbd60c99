"""Making a hub of a backup: everything is checked before anything is written."""

import json
from pathlib import Path

from django.db import DatabaseError

from accounts.models import User
from models_registry.exceptions import BackupFailed
from models_registry.models import Repository
from models_registry.services.backup import databases
from models_registry.services.backup.making import (
    BLOBS,
    DATABASE,
    FORMAT,
    LIST,
    MANIFEST,
    Backup,
    blob_path,
    key_mark,
    sha256_of,
)
from models_registry.storage.blobs import blob_store
from models_registry.storage.reading import STEP_BYTES


def restore_backup(folder: Path) -> Backup:
    """Fill an empty hub, with the same kind of database and any blob store.

    Raises:
        BackupFailed: the backup is not whole, is of another database or key, or the hub is not empty.
    """
    found = _read(folder)
    digests = (folder / LIST).read_text().split()
    if len(digests) != found.blobs:
        raise BackupFailed(reason="its list of blobs is not whole.")
    _require_empty()
    store = blob_store()
    for digest in digests:
        path = blob_path(folder / BLOBS, digest)
        if not path.is_file():
            raise BackupFailed(reason=f"the blob {digest} is missing from it.")
        with path.open("rb") as source, store.scratch() as scratch:
            while data := source.read(STEP_BYTES):
                scratch.write(data)
            if scratch.digest() != digest:
                raise BackupFailed(reason=f"its blob {digest} is damaged.")
            store.put(scratch)
    databases.load(folder / DATABASE)
    return found


def _read(folder: Path) -> Backup:
    try:
        found = Backup(**json.loads((folder / MANIFEST).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise BackupFailed(reason=f"{folder} holds no whole backup.") from error
    if found.format != FORMAT:
        raise BackupFailed(reason=f"its format {found.format} is unknown to this version.")
    if found.engine != databases.engine():
        raise BackupFailed(reason=f"it is of a {found.engine} database, and DATABASE_URL names another kind.")
    for name, digest in ((DATABASE, found.database_sha256), (LIST, found.list_sha256)):
        if sha256_of(folder / name) != digest:
            raise BackupFailed(reason=f"its file {name} is damaged.")
    if found.key_mark != key_mark():
        raise BackupFailed(
            reason="it was made with another secret key. Set SMALLHUB_SECRET_KEY, or put the key into data/secret_key."
        )
    return found


def _require_empty() -> None:
    try:
        is_empty = not User.objects.exists() and not Repository.everything.exists()
    except DatabaseError:  # No tables yet.
        return
    if not is_empty:
        raise BackupFailed(reason="this hub is not empty.")
