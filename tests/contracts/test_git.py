"""Git itself, unmodified, against a running hub: clone, fetch, push, and what it says when it may not."""

import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from accounts.models import Scope, User
from evaluation.models import Evaluation
from models_registry.manifests import listing_of
from models_registry.models import Kind, Repository, ScanVerdict
from models_registry.services.fsck import check_repository
from models_registry.services.heads import note_scan
from models_registry.services.moves import move_repository
from models_registry.services.pull_requests import open_pull_request
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


@pytest.mark.parametrize("version", ["0", "2"])
def test_a_file_that_is_held_back_is_in_no_clone_of_a_reader(
    git: Git, address: Address, ada: User, version: str
) -> None:
    repository = RepositoryFactory(user=ada)
    put(repository, {"config.json": "{}", "notes.txt": "fine\n"})
    commit = put(repository, {"steps/small.pkl": "cos\nsystem\n(S'echo'\ntR."})
    held = {"steps/small.pkl": "Opening it would run os.system."}
    note_scan(commit=commit, verdict=ScanVerdict.QUARANTINED, held=held)
    git("config", "--global", "protocol.version", version)

    refused = git("clone", "-q", address(repository, UserFactory()), "theirs", check=False)
    signed_in = f"http.extraHeader=Authorization: Bearer {token(ada)}"
    hers = git.clone(address(repository), "-c", signed_in, name="hers")

    assert refused.returncode != 0
    assert "steps/small.pkl” is held back" in refused.stderr
    assert "os.system" in refused.stderr
    assert not (git.folder / "theirs").exists()
    assert (hers / "steps/small.pkl").exists()

    without = ("--filter=blob:none", "--no-checkout")
    rest = git.clone(address(repository), *without, name="rest")
    git("sparse-checkout", "set", "--no-cone", "/*", "!*.pkl", cwd=rest)
    git("checkout", "-q", "main", cwd=rest)
    assert (rest / "notes.txt").read_text() == "fine\n"
    assert not (rest / "steps/small.pkl").exists()
    assert git("show", "HEAD:steps/small.pkl", cwd=rest, check=False).returncode != 0

    note_scan(commit=commit, verdict=ScanVerdict.CLEAN, held={})
    assert (git.clone(address(repository), name="free") / "steps/small.pkl").exists()


def test_a_commit_that_no_ref_names_holds_back_what_can_run_code_until_it_is_named_and_scanned(
    git: Git, address: Address, ada: User
) -> None:
    repository = RepositoryFactory(user=ada)
    work = git.clone(address(repository, ada))
    first = git.commit(work, {"small.pkl": b"cos\nsystem\n(S'echo'\ntR."})
    (work / "small.pkl").unlink()
    git.commit(work, {"notes.txt": b"fine"})
    git("push", "-q", "origin", "main", cwd=work)

    old = repository.commits.get(oid=first)
    assert (set(old.held), old.scan_verdict) == ({"small.pkl"}, ScanVerdict.PENDING)
    assert not Evaluation.everything.filter(commit=old).exists()
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{address(repository)}/resolve/{first}/small.pkl")

    git("tag", "old", first, cwd=work)
    git("push", "-q", "origin", "old", cwd=work)
    assert Evaluation.everything.get(commit=old).only_scan


def test_private_repositories_ask_who_is_there(git: Git, address: Address, ada: User) -> None:
    repository = RepositoryFactory(user=ada, private=True)

    nobody = git("clone", address(repository), check=False)
    stranger = git("clone", address(repository, UserFactory(username="eve")), check=False)
    git.clone(address(repository, ada))

    stale = git("clone", address(repository).replace("://", "://ada:hf_wrong@"), check=False)

    assert "Authentication failed" in stale.stderr
    assert "terminal prompts disabled" in nobody.stderr  # It asked for a name: it was told 401.
    assert "not found" in stranger.stderr


def pushed(git: Git, work: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return git("push", *arguments, cwd=work, check=False)


def test_a_push_is_a_commit_like_any_other(git: Git, hub: Hub, address: Address, ada: User) -> None:
    for kind in Kind:
        repository = RepositoryFactory(user=ada, kind=kind, private=True)
        put(repository, {"kept.txt": "kept\n"})
        work = git.clone(address(repository, ada), name=f"{kind}")
        first = git.commit(work, {"a/b.txt": b"b\n", "run.sh": b"#!/bin/sh\n"}, "Add two files\n\nAnd say why.")
        (work / "run.sh").chmod(0o755)
        head = git.commit(work, {"kept.txt": b"changed\n"})

        git("push", "-q", "origin", "main", cwd=work)

        repository.refresh_from_db()
        listing = listing_of(repository.commits.get(oid=head))
        assert repository.head == head
        assert listing.files["a/b.txt"].last_commit == first
        assert listing.files["kept.txt"].last_commit == head
        assert listing.files["run.sh"].executable
        row = repository.commits.get(oid=first)
        assert (row.author, row.title, row.message) == (ada, "Add two files", "And say why.")
        assert fetched(hub, repository, ada, "a/b.txt") == b"b\n"
        assert_sound(git, git.clone(address(repository, ada), name=f"{kind}-again"), repository)


def fetched(hub: Hub, repository: Repository, user: User, path: str, revision: str = "main") -> bytes:
    """A file through another door."""
    url = f"{hub.url}/{PREFIX[Kind(repository.kind)]}{repository.full_name}/resolve/{revision}/{path}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token(user)}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


def test_branches_and_tags_are_made_moved_and_deleted(git: Git, address: Address, ada: User) -> None:
    repository = RepositoryFactory(user=ada)
    work = git.clone(address(repository, ada))
    git("checkout", "-q", "-b", "side/one", cwd=work)
    head = git.commit(work, {"a.txt": b"a\n"})
    git("tag", "-a", "v1", "-m", "The first", cwd=work)
    git("tag", "light", cwd=work)

    git("push", "-q", "origin", "side/one", "v1", "light", cwd=work)

    refs = dict(repository.refs.values_list("name", "commit"))
    assert refs["refs/heads/side/one"] == refs["refs/tags/v1"] == refs["refs/tags/light"] == head
    assert repository.refs.get(name="refs/tags/v1").target != head
    assert git("ls-remote", "--tags", "origin", cwd=work).stdout.count("v1") == 2

    git("push", "-q", "origin", "--delete", "side/one", "v1", cwd=work)
    protected = pushed(git, work, "origin", "--delete", "main")

    assert set(repository.refs.values_list("name", flat=True)) == {"refs/heads/main", "refs/tags/light"}
    assert "the default branch cannot be deleted" in protected.stderr
    assert list(check_repository(repository)) == []


def test_a_forced_push_keeps_the_old_commits_by_their_id(git: Git, hub: Hub, address: Address, ada: User) -> None:
    repository = RepositoryFactory(user=ada)
    old = put(repository, {"a.txt": "old\n"})
    work = git.clone(address(repository, ada))
    git("reset", "-q", "--hard", "HEAD~1", cwd=work)
    new = git.commit(work, {"a.txt": b"new\n"})

    refused = pushed(git, work, "origin", "main")
    git("push", "-q", "--force", "origin", "main", cwd=work)

    assert "non-fast-forward" in refused.stderr
    repository.refresh_from_db()
    assert repository.head == new
    assert fetched(hub, repository, ada, "a.txt", old.oid) == b"old\n"
    assert list(check_repository(repository)) == []


def test_histories_with_merges_and_restores_come_whole(git: Git, address: Address, ada: User) -> None:
    repository = RepositoryFactory(user=ada)
    work = git.clone(address(repository, ada))
    git.commit(work, {"a.txt": b"1\n", "d/x.txt": b"x\n"})
    git("checkout", "-q", "-b", "side", cwd=work)
    side = git.commit(work, {"side.txt": b"s\n"})
    git("checkout", "-q", "main", cwd=work)
    main = git.commit(work, {"a.txt": b"2\n"})
    git("merge", "-q", "--no-edit", "side", cwd=work)
    git("rm", "-rq", "d", cwd=work)
    git.commit(work, {"d": b"a file now\n"})
    for number in range(30):
        git.commit(work, {f"many/{number}.txt": b"x" * number, "a.txt": str(number).encode()})

    git("push", "-q", "origin", "main", "side", cwd=work)

    listing = listing_of(repository.commits.get(oid=git.head(work)))
    assert listing.files["side.txt"].last_commit == side
    assert listing.files["many/3.txt"].last_commit != listing.files["many/4.txt"].last_commit
    assert listing.files["d"].size == 11
    assert main in set(repository.commits.values_list("oid", flat=True))
    again = git.clone(address(repository), name="again")
    assert git("log", "--format=%H", cwd=again).stdout == git("log", "--format=%H", cwd=work).stdout
    assert_sound(git, again, repository)


def test_a_push_hears_what_became_of_its_benchmark_and_its_data_stay(git: Git, address: Address, ada: User) -> None:
    repository = RepositoryFactory(user=ada, dataset=True)
    work = git.clone(address(repository, ada))
    block = (
        "{scorer: minimal_pairs, task: text-generation, language: [en], files: [a.jsonl], fields: {good: g, bad: b}}"
    )
    for scorer, words in (("minimal_pairs", "is registered"), ("magic", "'magic' is none of")):
        text = f"name: Words\ntasks:\n- id: default\n  smallhub: {block.replace('minimal_pairs', scorer)}\n"
        git.commit(work, {"a.jsonl": b'{"g": "a b", "b": "b a"}\n', "eval.yaml": text.encode()})
        taken = pushed(git, work, "origin", "main")
        assert taken.returncode == 0, taken.stderr
        assert words in taken.stderr, taken.stderr
    assert_sound(git, work, repository)


def test_what_a_repository_may_not_hold_is_refused_in_words(git: Git, address: Address, ada: User) -> None:
    repository = RepositoryFactory(user=ada)
    work = git.clone(address(repository, ada))
    before = repository.git_objects.count(), repository.refs.get(name="refs/heads/main").commit
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 5\n".encode()
    for files, words in (
        ({"large.dat": os.urandom(11 * 2**20)}, "large.dat has 11,534,336 bytes"),
        ({"aux.txt": b"a"}, "device name"),
        ({"Readme": b"a", "README": b"b"}, "clashes with"),
        ({"model.lfs.x": pointer}, "was not uploaded"),
        ({"README.md": b"---\nlicense: [\n---\n"}, "front matter is not valid"),
    ):
        git.commit(work, files)
        refused = pushed(git, work, "origin", "main")
        assert refused.returncode != 0
        assert words in refused.stderr, refused.stderr
        assert "remote:" in refused.stderr
        git("reset", "-q", "--hard", "HEAD~1", cwd=work)
    (work / "link").symlink_to("/etc/passwd")
    git("add", "link", cwd=work)
    git("commit", "-q", "-m", "Link", cwd=work)
    assert "symbolic link" in pushed(git, work, "origin", "main").stderr
    assert (repository.git_objects.count(), repository.refs.get(name="refs/heads/main").commit) == before


def test_who_may_not_write_may_not_push(git: Git, address: Address, ada: User) -> None:
    repository = RepositoryFactory(user=ada)
    eve = UserFactory(username="eve")
    work = git.clone(address(repository))
    git.commit(work, {"a.txt": b"a\n"})

    nobody = pushed(git, work, "origin", "main")
    stranger = pushed(git, work, address(repository, eve), "main")
    reader = pushed(git, work, address(repository).replace("://", f"://ada:{token(ada, Scope.READ)}@"), "main")
    internal = pushed(git, work, address(repository, ada), "main:refs/internal/x", "main:refs/pr/1")

    assert "terminal prompts disabled" in nobody.stderr
    assert "403" in stranger.stderr
    assert "403" in reader.stderr
    assert "only branches and tags" in internal.stderr
    assert "pull requests are opened on the hub" in internal.stderr
    assert repository.refs.count() == 1


def test_of_pushes_at_once_one_wins_and_the_others_hear_of_it(git: Git, address: Address, ada: User) -> None:
    repository = RepositoryFactory(user=ada)
    works = [git.clone(address(repository, ada), name=f"work-{number}") for number in range(4)]
    heads = [git.commit(work, {"a.txt": f"{number}\n".encode()}) for number, work in enumerate(works)]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda work: pushed(git, work, "origin", "main"), works))

    won = [number for number, result in enumerate(results) if result.returncode == 0]
    assert len(won) == 1
    assert repository.refs.get(name="refs/heads/main").commit == heads[won[0]]
    lost = [result.stderr for number, result in enumerate(results) if number not in won]
    assert all("fetch first" in text or "moved in the meantime" in text or "rejected" in text for text in lost), lost
    assert list(check_repository(Repository.objects.get(pk=repository.pk))) == []


def test_an_atomic_push_is_all_or_nothing(git: Git, address: Address, ada: User) -> None:
    repository = RepositoryFactory(user=ada)
    work = git.clone(address(repository, ada))
    git.commit(work, {"a.txt": b"a\n"})

    refused = pushed(git, work, "--atomic", "origin", "main:refs/heads/good", "main:refs/internal/x")
    assert "as a whole" in refused.stderr
    assert repository.refs.count() == 1

    mixed = pushed(git, work, "origin", "main:refs/heads/good", "main:refs/internal/x")
    assert mixed.returncode != 0
    assert repository.refs.filter(name="refs/heads/good").exists()


def test_the_author_of_a_pull_request_pushes_to_it_and_to_nothing_else(
    git: Git, hub: Hub, address: Address, ada: User
) -> None:
    repository = RepositoryFactory(user=ada)
    eve = UserFactory(username="eve")
    opened = open_pull_request(repository=repository, user=eve, title="Mend it").discussion
    work = git.clone(address(repository, eve))
    git("fetch", "-q", "origin", "refs/pr/1", cwd=work)
    git("checkout", "-q", "FETCH_HEAD", cwd=work)
    head = git.commit(work, {"a.txt": b"a\n"})

    git("push", "-q", "origin", "HEAD:refs/pr/1", cwd=work)
    refused = pushed(git, work, "origin", "HEAD:main")

    assert repository.refs.get(name="refs/pr/1").commit == head
    assert [event.data["oid"] for event in opened.events.filter(kind="commit")] == [head]
    assert "rights to do this" in refused.stderr
    assert fetched(hub, repository, eve, "a.txt", "refs%2Fpr%2F1") == b"a\n"


def test_an_old_name_leads_to_the_new_one(git: Git, address: Address, ada: User) -> None:
    repository = RepositoryFactory(user=ada)
    before = address(repository, ada)
    work = git.clone(before)
    move_repository(repository=repository, user=ada, namespace="ada", name="renamed")

    head = git.commit(work, {"a.txt": b"a\n"})
    git("push", "-q", "origin", "main", cwd=work)

    assert repository.refs.get(name="refs/heads/main").commit == head
    assert git.head(git.clone(before, name="again")) == head
