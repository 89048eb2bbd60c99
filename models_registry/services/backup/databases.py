"""Copies of the database: SQLite's by its own backup interface, PostgreSQL's by pg_dump and pg_restore."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.db import connection, connections, transaction

from models_registry.exceptions import BackupFailed

# Every column that names a blob.
BLOB_COLUMNS = (("models_registry_xorb", "blob"), ("models_registry_uploadpart", "blob"))


def engine() -> str:
    return connection.vendor


def dump(target: Path) -> set[str]:
    """Copy the database as it is at one moment. Returns the blobs that the copy names."""
    if connection.vendor == "sqlite":
        return _dump_sqlite(target)
    with _snapshot() as snapshot:
        _run_postgres("pg_dump", "--format=custom", "--no-owner", f"--snapshot={snapshot}", f"--file={target}")
        return _named_blobs(connection)


def load(source: Path) -> None:
    """Put a copy in the place of this hub's database, which must be empty."""
    if connection.vendor == "sqlite":
        connections.close_all()
        with closing(sqlite3.connect(source)) as backup, closing(sqlite3.connect(_sqlite_path())) as target:
            backup.backup(target)
        return
    connections.close_all()
    options = ("--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error")
    _run_postgres("pg_restore", *options, f"--dbname={connection.settings_dict['NAME']}", str(source))


def _dump_sqlite(target: Path) -> set[str]:
    with closing(sqlite3.connect(_sqlite_path())) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy, pages=2_000)
        copy.execute("PRAGMA journal_mode=DELETE")  # One file, without a log beside it.
        return _named_blobs(copy)


def _sqlite_path() -> str:
    return str(connection.settings_dict["NAME"])


def _named_blobs(database: Any) -> set[str]:
    """The blobs that rows name, read by plain SQL: the copy may be of another version of the hub."""
    found: set[str] = set()
    cursor = database.cursor()
    for table, column in BLOB_COLUMNS:
        cursor.execute(f'SELECT "{column}" FROM "{table}"')  # noqa: S608 - names of ours.
        found.update(row[0] for row in cursor.fetchall())
    return found


@contextmanager
def _snapshot() -> Iterator[str]:
    """One moment that pg_dump and this connection share."""
    connection.close()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        yield str(cursor.fetchone()[0])


def _run_postgres(program: str, *options: str) -> None:
    path = shutil.which(program)
    if path is None:
        raise BackupFailed(reason=f"{program} is not installed.")
    settings = connection.settings_dict
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    environment = os.environ | {name: str(settings[key]) for name, key in names.items() if settings.get(key)}
    if "sslmode" in settings.get("OPTIONS", {}):
        environment["PGSSLMODE"] = str(settings["OPTIONS"]["sslmode"])
    done = subprocess.run([path, *options], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupFailed(reason=f"{program}: {done.stderr.strip()[-500:]}")
