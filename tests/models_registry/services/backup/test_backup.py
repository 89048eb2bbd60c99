"""A copy made under load is a hub of its own, whole to the last byte."""

import os
import shutil
import subprocess
import sys
import threading
import uuid
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection, connections

from models_registry.exceptions import BackupFailed
from models_registry.models import Blob
from models_registry.services.backup import make_backup, restore_backup
from models_registry.services.commits import commit
from models_registry.storage.blobs import blob_store
from models_registry.types import AddLarge
from tests import object_server
from tests.contracts.conftest import ROOT, database_url
from tests.factories.content import noise, put_plain, sha256
from tests.factories.registry import RepositoryFactory
from tests.factories.stores import flip

pytestmark = pytest.mark.django_db(transaction=True)


def put_large(repository, number, size=60_000):
    data = noise(size, number)
    put_plain(repository, data)
    operation = AddLarge(f"{number}.bin", sha256(data), len(data))
    commit(repository=repository, user=repository.creator, branch="main", title=str(number), operations=[operation])


@pytest.fixture
def elsewhere(tmp_path):
    """The environment of an empty hub with its own data, database and store."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "hub.settings.dev",
        "SMALLHUB_DATA": str(tmp_path / "other"),
        "SMALLHUB_SECRET_KEY": django_settings.SECRET_KEY,
        "SMALLHUB_BLOBS": f"file://{tmp_path / 'other-blobs'}",
    }
    (tmp_path / "other").mkdir()
    if connection.vendor == "sqlite":
        yield environment | {"DATABASE_URL": f"sqlite:///{tmp_path / 'other' / 'hub.sqlite3'}"}
        return
    name, mine = f"restored_{uuid.uuid4().hex[:8]}", database_url()
    with psycopg.connect(mine, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        yield environment | {"DATABASE_URL": urlunsplit(urlsplit(mine)._replace(path=f"/{name}"))}
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def manage(environment, *arguments):
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_backup_under_load_restores_to_a_whole_hub_elsewhere(tmp_path, elsewhere):
    repository = RepositoryFactory(name="tiny")
    for number in range(4):
        put_large(repository, number)
    stop = threading.Event()

    def keep_writing():
        number = 100
        while not stop.is_set():
            put_large(repository, number, size=20_000)
            number += 1
        connections.close_all()

    writer = threading.Thread(target=keep_writing)
    writer.start()
    made = make_backup(tmp_path / "backup")
    stop.set()
    writer.join()

    assert made.blobs >= 4
    restored = manage(elsewhere, "restore", str(tmp_path / "backup"))
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert "✓ Everything is whole." in restored.stdout
    again = manage(elsewhere, "restore", str(tmp_path / "backup"))
    assert again.returncode != 0
    assert "not empty" in again.stderr


def test_a_backup_can_be_restored_into_a_bucket(tmp_path, elsewhere, object_store):
    put_large(RepositoryFactory(), 1)
    make_backup(tmp_path / "backup")
    url = object_server.own_prefix(object_store)
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    environment = elsewhere | {"SMALLHUB_BLOBS": url} | {name: os.environ[name] for name in names}

    restored = manage(environment, "restore", str(tmp_path / "backup"))

    assert restored.returncode == 0, restored.stdout + restored.stderr
    object_server.empty(url)


def test_a_second_backup_copies_only_what_is_new_and_drops_what_is_gone(tmp_path):
    repository = RepositoryFactory()
    put_large(repository, 1)
    assert make_backup(tmp_path / "backup").copied_blobs == 1
    put_large(repository, 2)

    made = make_backup(tmp_path / "backup")

    assert (made.blobs, made.copied_blobs) == (2, 1)
    (tmp_path / "backup" / "blobs" / "ab").mkdir(exist_ok=True)
    (tmp_path / "backup" / "blobs" / "ab" / ("ab" * 32)).write_bytes(b"of before")
    make_backup(tmp_path / "backup")
    assert len([path for path in (tmp_path / "backup" / "blobs").rglob("*") if path.is_file()]) == 2


def test_damaged_bytes_make_no_backup(tmp_path):
    put_large(RepositoryFactory(), 1)
    flip(blob_store(), Blob.objects.get().digest, 9)

    with pytest.raises(BackupFailed, match="damaged"):
        make_backup(tmp_path / "backup")
    assert not (tmp_path / "backup" / "manifest.json").exists()


def test_the_key_is_only_copied_when_asked_and_for_the_owner_alone(tmp_path):
    make_backup(tmp_path / "backup")
    assert not (tmp_path / "backup" / "secret_key").exists()
    assert django_settings.SECRET_KEY not in (tmp_path / "backup" / "manifest.json").read_text()

    make_backup(tmp_path / "backup", with_key=True)

    key = tmp_path / "backup" / "secret_key"
    assert key.read_text() == django_settings.SECRET_KEY
    assert key.stat().st_mode & 0o777 == 0o600


def damage_database(folder):
    with (folder / "database").open("r+b") as file:
        file.write(b"!")


def lose_blob(folder):
    shutil.rmtree(next(path for path in (folder / "blobs").iterdir() if path.is_dir()))


def damage_blob(folder):
    next(path for path in (folder / "blobs").rglob("*") if path.is_file()).write_bytes(b"other")


def lose_manifest(folder):
    (folder / "manifest.json").unlink()


@pytest.mark.parametrize("break_it", [damage_database, lose_blob, damage_blob, lose_manifest])
def test_a_backup_that_is_not_whole_is_refused_before_the_database_is_touched(tmp_path, elsewhere, break_it):
    put_large(RepositoryFactory(), 1)
    make_backup(tmp_path / "backup")
    break_it(tmp_path / "backup")

    restored = manage(elsewhere, "restore", str(tmp_path / "backup"))

    assert restored.returncode != 0
    assert "cannot be used" in restored.stderr
    assert "Traceback" not in restored.stderr


def test_a_backup_of_another_key_is_refused(tmp_path, settings):
    make_backup(tmp_path / "backup")
    settings.SECRET_KEY = "another"

    with pytest.raises(BackupFailed, match="another secret key"):
        restore_backup(tmp_path / "backup")
