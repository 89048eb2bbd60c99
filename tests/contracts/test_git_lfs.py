"""git-lfs itself, unmodified, against a running hub: push, verify, fetch, and what it says when it may not."""

import hashlib
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from accounts.models import User
from models_registry.models import Content, PartialUpload, Repository
from models_registry.services.fsck import check_repository
from tests.contracts.conftest import Hub
from tests.factories.accounts import UserFactory, token
from tests.factories.content import noise
from tests.factories.registry import RepositoryFactory
from tests.requirements import require

MEGABYTES = 300
SECONDS = 240.0  # On two busy cores; alone it takes a tenth of this.

pytestmark = pytest.mark.django_db(transaction=True)


class Checkout:
    """A working copy, with nobody's settings."""

    def __init__(self, folder: Path) -> None:
        self.home, self.folder = folder, folder / "work"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }

    def run(self, *command: str) -> None:
        subprocess.run(command, check=True, cwd=self.home, env=self.environment, capture_output=True, timeout=SECONDS)

    @classmethod
    def beside(cls, folder: Path, lfs_url: str) -> "Checkout":
        """One whose large files live on the hub, and whose Git objects in a bare folder beside it."""
        made = cls(folder)
        made.run("git", "init", "-q", "--bare", str(folder / "bare"))
        made.run("git", "init", "-q", "-b", "main", str(made.folder))
        for name, value in (
            ("user.name", "Ada"),
            ("user.email", "ada@example.org"),
            ("lfs.url", lfs_url),
            ("filter.lfs.clean", "git-lfs clean -- %f"),
            ("filter.lfs.smudge", "git-lfs smudge -- %f"),
            ("filter.lfs.required", "true"),
        ):
            made.git("config", name, value)
        made.git("remote", "add", "origin", str(folder / "bare"))
        made.git("lfs", "track", "*.bin")
        return made

    @classmethod
    def cloned(cls, hub: Hub, repository: Repository, user: User, folder: Path) -> "Checkout":
        """A clone from the hub, with git-lfs at work in both directions."""
        folder.mkdir()
        made = cls(folder)
        made.run("git", "lfs", "install", "--skip-repo")
        made.run("git", "config", "--global", "user.name", "Ada")
        made.run("git", "config", "--global", "user.email", "ada@example.org")
        origin = hub.url.replace("http://", f"http://{user.username}:{token(user)}@")
        made.run("git", "clone", "-q", f"{origin}/{repository.full_name}", str(made.folder))
        return made

    def git(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=self.environment,
            check=check,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def commit(self, files: dict[str, bytes]) -> None:
        for name, body in files.items():
            (self.folder / name).write_bytes(body)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "Files")

    def forget_objects(self) -> None:
        subprocess.run(["rm", "-rf", str(self.folder / ".git" / "lfs" / "objects")], check=True)


def lfs_url(hub: Hub, repository: str, secret: str) -> str:
    return f"{hub.url.replace('http://', f'http://ada:{secret}@')}/{repository}.git/info/lfs"


def test_large_files_are_pushed_once_and_fetched_whole(hub: Hub, tmp_path: Path) -> None:
    require("git", "git-lfs")
    user = UserFactory(username="ada")
    repository = RepositoryFactory(user=user, private=True)
    checkout = Checkout.beside(tmp_path, lfs_url(hub, repository.full_name, token(user)))
    checkout.commit({"large.bin": noise(12_000_000), "small.bin": noise(3000, seed=1)})

    checkout.git("lfs", "push", "origin", "main")
    checkout.git("lfs", "push", "origin", "main")
    checkout.forget_objects()
    checkout.git("lfs", "fetch", "origin", "main")
    checkout.git("lfs", "checkout")

    assert Content.objects.count() == 2
    assert "OK" in checkout.git("lfs", "fsck").stdout
    assert (checkout.folder / "large.bin").read_bytes() == noise(12_000_000)


def test_a_stranger_is_told_and_nothing_is_kept(hub: Hub, tmp_path: Path) -> None:
    require("git", "git-lfs")
    repository = RepositoryFactory(private=True)
    checkout = Checkout.beside(tmp_path, lfs_url(hub, repository.full_name, token(UserFactory(username="ada"))))
    checkout.commit({"large.bin": noise(100_000)})

    pushed = checkout.git("lfs", "push", "origin", "main", check=False)

    assert pushed.returncode != 0
    assert "not found" in pushed.stderr.lower()
    assert not Content.objects.exists()


def test_a_push_of_300_megabytes_comes_back_by_another_door(hub: Hub, tmp_path: Path) -> None:
    """git push takes the object by git-lfs and the pointer by Git; plain HTTP and a fresh clone give the same bytes."""
    require("git", "git-lfs")
    user = UserFactory(username="ada", email="ada@example.org")
    repository = RepositoryFactory(user=user)
    work = Checkout.cloned(hub, repository, user, tmp_path / "one")
    body = noise(MEGABYTES * 10**6)
    digest = hashlib.sha256(body).hexdigest()
    began = time.monotonic()

    work.commit({"weights.safetensors": body})
    work.git("push", "-q", "origin", "main")

    url = f"{hub.url}/{repository.full_name}/resolve/main/weights.safetensors"
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        assert hashlib.file_digest(answer, "sha256").hexdigest() == digest
    again = Checkout.cloned(hub, repository, user, tmp_path / "two")
    with (again.folder / "weights.safetensors").open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == digest
    assert time.monotonic() - began < SECONDS
    assert list(check_repository(Repository.objects.get(pk=repository.pk))) == []


def test_the_public_clients_agent_sends_parts(hub: Hub, tmp_path: Path) -> None:
    """`hf lfs-enable-largefiles` teaches git-lfs the multipart transfer, which then sends large files in parts."""
    require("git", "git-lfs")
    user = UserFactory(username="ada", email="ada@example.org")
    repository = RepositoryFactory(user=user)
    work = Checkout.cloned(hub, repository, user, tmp_path / "one")
    scripts = Path(sys.executable).parent
    work.environment["PATH"] = f"{scripts}:{work.environment['PATH']}"
    work.run(str(scripts / "hf"), "lfs-enable-largefiles", str(work.folder))
    body = noise(150_000_000, seed=4)
    work.commit({"large.bin": body, "small.bin": b"small"})
    work.environment["GIT_TRACE"] = "1"

    said = work.git("push", "-q", "origin", "main").stderr

    assert "lfs-multipart-upload" in said

    assert set(Content.objects.values_list("sha256", flat=True)) == {
        hashlib.sha256(each).hexdigest() for each in (body, b"small")
    }
    assert not PartialUpload.objects.exists()


def test_a_push_whose_object_never_came_is_refused(hub: Hub, tmp_path: Path) -> None:
    require("git", "git-lfs")
    user = UserFactory(username="ada", email="ada@example.org")
    repository = RepositoryFactory(user=user)
    work = Checkout.cloned(hub, repository, user, tmp_path / "one")
    work.commit({"large.bin": noise(10_000)})

    refused = work.git("push", "--no-verify", "origin", "main", check=False)

    assert refused.returncode != 0
    assert "remote: large.bin: the LFS object" in refused.stderr
    assert "git lfs push --all" in refused.stderr
