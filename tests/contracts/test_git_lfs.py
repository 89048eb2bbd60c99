"""git-lfs itself, unmodified, against a running hub: push, verify, fetch, and what it says when it may not."""

import os
import subprocess
from pathlib import Path

import pytest

from models_registry.models import Content
from tests.contracts.conftest import Hub
from tests.factories.accounts import UserFactory, token
from tests.factories.content import noise
from tests.factories.registry import RepositoryFactory
from tests.requirements import require

pytestmark = pytest.mark.django_db(transaction=True)


class Checkout:
    """A Git repository whose large files live on the hub, and whose Git objects in a bare folder beside it."""

    def __init__(self, folder: Path, lfs_url: str) -> None:
        self.folder = folder / "work"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        subprocess.run(["git", "init", "-q", "--bare", str(folder / "bare")], check=True, env=self.environment)
        subprocess.run(["git", "init", "-q", "-b", "main", str(self.folder)], check=True, env=self.environment)
        for name, value in (
            ("user.name", "Ada"),
            ("user.email", "ada@example.org"),
            ("lfs.url", lfs_url),
            ("filter.lfs.clean", "git-lfs clean -- %f"),
            ("filter.lfs.smudge", "git-lfs smudge -- %f"),
            ("filter.lfs.required", "true"),
        ):
            self.git("config", name, value)
        self.git("remote", "add", "origin", str(folder / "bare"))
        self.git("lfs", "track", "*.bin")

    def git(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=self.environment,
            check=check,
            capture_output=True,
            text=True,
            timeout=120,
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
    checkout = Checkout(tmp_path, lfs_url(hub, repository.full_name, token(user)))
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
    checkout = Checkout(tmp_path, lfs_url(hub, repository.full_name, token(UserFactory(username="ada"))))
    checkout.commit({"large.bin": noise(100_000)})

    pushed = checkout.git("lfs", "push", "origin", "main", check=False)

    assert pushed.returncode != 0
    assert "not found" in pushed.stderr.lower()
    assert not Content.objects.exists()
