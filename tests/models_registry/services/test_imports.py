"""Imports from folders and Git repositories: every ref under its own ids, gone on with after a break, mirrored."""

import hashlib
import os
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from models_registry.exceptions import RepositoryExists
from models_registry.git.objects import Pointer
from models_registry.manifests import listing_of
from models_registry.models import Kind, Repository, RepositoryImport, Visibility
from models_registry.services import content, imports
from models_registry.services.fsck import check_all
from models_registry.services.imports import Origin
from models_registry.services.imports import origins as origins_module
from models_registry.services.imports.exceptions import (
    FolderUnreadable,
    ImportBusy,
    ImportIncomplete,
    OriginLacksObject,
    OriginRefused,
    OriginUnreachable,
)
from tests.factories.accounts import UserFactory
from tests.factories.content import noise
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db


class Elsewhere:
    """A Git repository with large files as git-lfs lays them out, made with git itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "-q", "-b", "trunk", str(folder), at=folder.parent)

    def git(self, *arguments: str, at: Path | None = None) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{who}_{what}": "ada@x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }
        done = subprocess.run(
            ["git", *arguments], cwd=at or self.folder, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, files: dict[str, bytes], *, large: dict[str, bytes] | None = None) -> str:
        for path, body in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(body)
        for path, body in (large or {}).items():
            sha256 = hashlib.sha256(body).hexdigest()
            (self.folder / path).write_bytes(Pointer(sha256, len(body)).text())
            self.place(body)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "Change")
        return self.git("rev-parse", "HEAD")

    def place(self, body: bytes) -> Path:
        sha256 = hashlib.sha256(body).hexdigest()
        place = self.folder / ".git" / "lfs" / "objects" / sha256[:2] / sha256[2:4] / sha256
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
        return place

    def refs(self) -> dict[str, str]:
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split() for line in lines)


@pytest.fixture
def elsewhere(tmp_path):
    made = Elsewhere(tmp_path / "elsewhere")
    made.commit({"README.md": b"# Hi\n", "run.sh": b"#!/bin/sh\n"}, large={"a.bin": noise(200_000, 1)})
    (made.folder / "run.sh").chmod(0o755)
    made.commit({"deep/er/b.txt": "ü".encode()}, large={"b.bin": noise(150_000, 2)})
    made.git("tag", "-a", "v1", "-m", "First")
    made.git("branch", "side", "HEAD~1")
    made.git("tag", "light", "side")
    return made


@pytest.fixture
def record(elsewhere):
    return begin(UserFactory(username="ada"), elsewhere)


def begin(user, elsewhere, **options) -> RepositoryImport:
    return imports.begin_import(
        user=user,
        namespace=user.username,
        name="copy",
        kind=Kind.MODEL,
        origin=str(elsewhere.folder),
        **options,
    )


def refs(record) -> dict[str, str]:
    return dict(record.repository.refs.values_list("name", "target"))


def test_all_refs_come_under_their_own_ids_with_their_large_files(record, elsewhere):
    done = imports.run_import(record)

    repository = Repository.objects.get(pk=record.repository_id)
    assert refs(record) == elsewhere.refs()
    assert (repository.default_branch, repository.head) == ("trunk", elsewhere.git("rev-parse", "trunk"))
    assert repository.visibility == Visibility.PUBLIC
    assert (done.files, done.file_bytes) == (2, 350_000)
    listing = listing_of(repository.commits.get(oid=repository.head))
    assert listing.files["b.bin"].sha256 == hashlib.sha256(noise(150_000, 2)).hexdigest()
    assert listing.files["run.sh"].executable
    assert list(check_all(deep=True)) == []


def test_a_second_run_brings_only_what_is_new(record, elsewhere):
    imports.run_import(record)
    assert imports.run_import(record).moved == {}

    head = elsewhere.commit({"c.txt": b"c"}, large={"c.bin": noise(90_000, 3)})
    done = imports.run_import(record)

    assert done.moved == {"refs/heads/trunk": head}
    assert done.files == 1


@pytest.mark.parametrize("lost", [(200_000, 1), (150_000, 2)])
def test_a_run_that_broke_off_goes_on_where_it_stopped(record, elsewhere, lost):
    elsewhere.place(noise(*lost)).unlink()

    with pytest.raises(OriginLacksObject):
        imports.run_import(record)
    record.refresh_from_db()
    assert (record.state, record.repository.visibility) == ("failed", Visibility.PRIVATE)
    assert elsewhere.git("rev-parse", "trunk") not in refs(record).values()
    elsewhere.place(noise(*lost))
    again = begin(record.user, elsewhere)
    done = imports.run_import(again)

    assert again.pk == record.pk
    assert done.files == 1
    assert refs(record) == elsewhere.refs()


def test_wrong_bytes_are_not_taken_for_the_right_ones(record, elsewhere):
    elsewhere.place(noise(150_000, 2)).write_bytes(noise(150_000, 9))

    with pytest.raises(Exception, match="hash"):
        imports.run_import(record)

    assert "refs/heads/trunk" not in refs(record)


def test_a_mirror_follows_moves_deletions_and_rewritten_branches(elsewhere):
    record = begin(UserFactory(username="ada"), elsewhere, every_s=600)
    imports.run_import(record)
    elsewhere.git("branch", "-D", "side")
    elsewhere.git("commit", "-q", "--amend", "-m", "Otherwise")

    assert imports.due_mirrors() == []
    RepositoryImport.objects.update(next_at=timezone.now())
    done = imports.refresh(record_id=record.pk)

    assert done is not None
    assert refs(record) == elsewhere.refs()
    assert imports.refresh(record_id=record.pk) is None


def test_only_one_process_runs_an_import(record):
    RepositoryImport.objects.filter(pk=record.pk).update(lease_until=timezone.now() + timedelta(minutes=5))

    with pytest.raises(ImportBusy):
        imports.run_import(record)


def test_a_history_that_breaks_the_rules_leaves_nothing_half_done(record, elsewhere):
    os.symlink("README.md", elsewhere.folder / "link")
    elsewhere.git("add", "-A")
    elsewhere.git("commit", "-q", "-m", "A link")
    before = refs(record)

    with pytest.raises(ImportIncomplete, match="link"):
        imports.run_import(record)

    assert refs(record) == before


def test_a_repository_of_another_origin_is_not_overwritten(elsewhere, tmp_path):
    user = UserFactory(username="ada")
    RepositoryFactory(user=user, name="copy")

    with pytest.raises(RepositoryExists):
        begin(user, elsewhere)


def test_what_is_no_repository_says_so(tmp_path):
    with pytest.raises(OriginRefused):
        Origin(str(tmp_path)).refs()
    with pytest.raises(OriginUnreachable):
        Origin("http://127.0.0.1:9/x").refs()
    with pytest.raises(OriginUnreachable):
        Origin.of_hub("http://127.0.0.1:9", "model", "a/b")


def test_an_address_with_a_password_is_refused(elsewhere):
    elsewhere.folder = "https://me:secret@host/x"

    with pytest.raises(OriginRefused) as caught:
        begin(UserFactory(username="ada"), elsewhere)

    assert "secret" not in str(caught.value)


def test_the_page_says_where_a_repository_came_from(client):
    repository = RepositoryFactory()
    row = {"repository": repository, "user": repository.creator, "finished_at": timezone.now()}
    made = RepositoryImport.objects.create(origin="lab/tides", hub="https://hub.example", every_s=600, **row)

    assert "https://hub.example/lab/tides" in client.get(f"/{repository.full_name}").content.decode()
    RepositoryImport.objects.filter(pk=made.pk).update(hub="", origin="/srv/private/folder")
    assert "/srv/private" not in client.get(f"/{repository.full_name}").content.decode()


def test_addresses_are_shown_without_passwords():
    assert origins_module._bare("https://me:secret@host/x") == "https://host/x"


# ── Folders ────────────────────────────────────────────────────────────────────────────────────────


def test_a_folder_becomes_one_commit_and_again_none(tmp_path):
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "sub" / "weights.bin").write_bytes(noise(300_000))
    (folder / ".git").mkdir()
    repository = RepositoryFactory()
    user = repository.creator

    made = imports.import_folder(repository=repository, user=user, folder=folder)
    again = imports.import_folder(repository=repository, user=user, folder=folder)

    files = listing_of(made).files
    assert set(files) == {".gitattributes", "config.json", "sub/weights.bin"}
    assert files["sub/weights.bin"].is_large
    assert again.oid == made.oid
    found = content.Content.objects.get(sha256=files["sub/weights.bin"].sha256)
    assert b"".join(content.read(found)) == noise(300_000)


def test_what_left_the_folder_leaves_the_repository(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    repository = RepositoryFactory()
    imports.import_folder(repository=repository, user=repository.creator, folder=tmp_path)
    (tmp_path / "a.txt").unlink()

    made = imports.import_folder(repository=repository, user=repository.creator, folder=tmp_path)

    assert set(listing_of(made).files) == {".gitattributes", "b.txt"}


def test_links_in_a_folder_are_refused(tmp_path):
    os.symlink("/etc/passwd", tmp_path / "secret")
    repository = RepositoryFactory()

    with pytest.raises(FolderUnreadable):
        imports.import_folder(repository=repository, user=repository.creator, folder=tmp_path)
