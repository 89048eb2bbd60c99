"""Git itself, unmodified, against a running hub: clone, fetch, push, and what it says when it may not."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from accounts.models import User
from models_registry.models import Kind, Repository
from models_registry.services.fsck import check_repository
from models_registry.services.refs import create_branch, create_tag
from tests.contracts.conftest import Hub
from tests.factories.accounts import UserFactory, token
from tests.factories.registry import RepositoryFactory, put
from tests.requirements import require

pytestmark = pytest.mark.django_db(transaction=True)
PREFIX = {Kind.MODEL: "", Kind.DATASET: "datasets/", Kind.APP: "spaces/"}


class Git:
    """The real git in a folder of its own, with nobody's settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_LFS_SKIP_SMUDGE": "1",
        }
        for name, value in (("user.name", "Ada"), ("user.email", "ada@example.org"), ("init.defaultBranch", "main")):
            self("config", "--global", name, value)

    def __call__(
        self, *arguments: str, cwd: Path | None = None, check: bool = True, **extra: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.folder,
            env=self.environment | extra,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert not check or done.returncode == 0, f"git {arguments}: {done.stderr}"
        return done

    def clone(self, url: str, *options: str, name: str = "work") -> Path:
        self("clone", "-q", *options, url, name)
        return self.folder / name

    def commit(self, work: Path, files: dict[str, bytes], message: str = "Change") -> str:
        for path, body in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_bytes(body)
        self("add", "-A", cwd=work)
        self("commit", "-q", "-m", message, cwd=work)
        return self.head(work)

    def head(self, work: Path) -> str:
        return self("rev-parse", "HEAD", cwd=work).stdout.strip()


@pytest.fixture
def git(tmp_path: Path) -> Git:
    require("git")
    return Git(tmp_path)


@pytest.fixture
def ada() -> User:
    return UserFactory(username="ada", email="ada@example.org")


Address = Callable[..., str]


@pytest.fixture
def address(hub: Hub) -> Address:
    """The address of a repository, with a person's token when one is named."""

    def of(repository: Repository, user: User | None = None, *, suffix: str = "") -> str:
        credentials = f"{user.username}:{token(user)}@" if user else ""
        prefix = PREFIX[Kind(repository.kind)]
        return f"{hub.url.replace('http://', f'http://{credentials}')}/{prefix}{repository.full_name}{suffix}"

    return of


def assert_sound(git: Git, work: Path, repository: Repository) -> None:
    """Both sides agree that nothing is broken."""
    git("fsck", "--strict", "--full", cwd=work)
    assert list(check_repository(Repository.objects.get(pk=repository.pk))) == []


def test_what_the_api_committed_is_cloned_with_the_same_ids(git: Git, address: Address, ada: User) -> None:
    for kind in Kind:
        repository = RepositoryFactory(user=ada, kind=kind)
        put(repository, {"a.txt": "a\n", "deep/er/b.txt": "b\n"})
        head = put(repository, {"a.txt": "changed\n"})
        for version in "012":
            for suffix in ("", ".git"):
                name = f"{kind}{version}{suffix}"

                work = git.clone(address(repository, suffix=suffix), "-c", f"protocol.version={version}", name=name)

                assert git.head(work) == head.oid
                assert (work / "deep/er/b.txt").read_text() == "b\n"
                assert_sound(git, work, repository)


@pytest.mark.parametrize("version", ["0", "2"])
def test_a_fetch_brings_branches_tags_and_only_what_is_new(git: Git, address: Address, ada: User, version: str) -> None:
    repository = RepositoryFactory(user=ada)
    put(repository, {f"{number}.txt": str(number) for number in range(50)})
    work = git.clone(address(repository), "-c", f"protocol.version={version}")
    git("config", "protocol.version", version, cwd=work)
    head = put(repository, {"1.txt": "changed"})
    create_branch(repository=repository, user=ada, name="side/one", start=None)
    create_tag(repository=repository, user=ada, name="v1", revision="main", message="The first.")

    fetched = git("fetch", "--progress", cwd=work).stderr

    assert "Sending 4 objects" in fetched  # A commit, a tree, a file, a tag.
    assert git("rev-parse", "origin/side/one", cwd=work).stdout.strip() == head.oid
    assert git("cat-file", "-t", "v1", cwd=work).stdout.strip() == "tag"
    assert git("fetch", "--progress", cwd=work).stderr == ""
    assert_sound(git, work, repository)


@pytest.mark.parametrize("version", ["0", "2"])
def test_shallow_clones_deepen_and_become_whole(git: Git, address: Address, ada: User, version: str) -> None:
    repository = RepositoryFactory(user=ada)
    for number in range(6):
        put(repository, {"a.txt": str(number), f"{number}.txt": "x"})
    work = git.clone(address(repository), "--depth", "2", "-c", f"protocol.version={version}")
    git("config", "protocol.version", version, cwd=work)

    def commits() -> int:
        return int(git("rev-list", "--count", "HEAD", cwd=work).stdout)

    assert commits() == 2
    git("fetch", "-q", "--depth", "3", cwd=work)
    assert commits() == 3
    git("fetch", "-q", "--deepen", "2", cwd=work)
    assert commits() == 5
    git("fetch", "-q", "--unshallow", cwd=work)
    assert commits() == 7
    assert_sound(git, work, repository)


def test_partial_clones_fetch_files_when_they_are_needed(git: Git, address: Address, ada: User) -> None:
    repository = RepositoryFactory(user=ada)
    put(repository, {"old.txt": "old\n"})
    put(repository, {"old.txt": "new\n"})

    work = git.clone(address(repository), "--filter=blob:none")

    missing = git("rev-list", "--objects", "--all", "--missing=print", cwd=work).stdout
    assert "?" in missing
    assert git("show", "HEAD~1:old.txt", cwd=work).stdout == "old\n"


def test_private_repositories_ask_who_is_there(git: Git, address: Address, ada: User) -> None:
    repository = RepositoryFactory(user=ada, private=True)

    nobody = git("clone", address(repository), check=False)
    stranger = git("clone", address(repository, UserFactory(username="eve")), check=False)
    git.clone(address(repository, ada))

    assert "terminal prompts disabled" in nobody.stderr  # It asked for a name: it was told 401.
    assert "not found" in stranger.stderr
