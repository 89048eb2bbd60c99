"""Git's addresses with what no git would send: refused soon, in words, and nothing is kept."""

import io
import resource
import time
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from evaluation.models import Evaluation
from models_registry.git.packing import write_pack
from models_registry.git.pktline import DATA, DELIMITER, FLUSH, PROGRESS, line, packet, read_packets
from models_registry.models import GitObject, Manifest, Repository, Visibility
from models_registry.services import content
from models_registry.services.fsck import check_repository
from models_registry.services.pushes import receiving
from models_registry.services.releases import create_release
from tests.factories.accounts import UserFactory, token
from tests.factories.content import noise, put_plain, sha256
from tests.factories.registry import RepositoryFactory, put
from tests.models_registry.git import packs

pytestmark = pytest.mark.django_db
ZERO = "0" * 40
MAIN = "refs/heads/main"


@pytest.fixture
def ada() -> User:
    return UserFactory(username="ada", email="ada@example.org")


@pytest.fixture
def repository(ada: User) -> Repository:
    return RepositoryFactory(user=ada)


class Objects:
    """Objects for a push, by whatever rules the test wants."""

    def __init__(self) -> None:
        self.all: list[tuple[int, bytes]] = []

    def add(self, kind: int, body: bytes) -> str:
        self.all.append((kind, body))
        names = {packs.COMMIT: b"commit", packs.TREE: b"tree", packs.BLOB: b"blob", packs.TAG: b"tag"}
        return packs.object_id(names[kind], body).hex()

    def blob(self, body: bytes = b"x") -> str:
        return self.add(packs.BLOB, body)

    def tree(self, *entries: tuple[str, bytes, str]) -> str:
        return self.add(packs.TREE, b"".join(b"%s %s\0%s" % (m.encode(), n, bytes.fromhex(o)) for m, n, o in entries))

    def commit(self, tree: str, *parents: str, head: str = "", when: str = "1700000000 +0000") -> str:
        author = head or f"author A <a@b> {when}\ncommitter A <a@b> {when}\n"
        named = "".join(f"parent {parent}\n" for parent in parents)
        return self.add(packs.COMMIT, f"tree {tree}\n{named}{author}\nTitle\n".encode())

    def pack(self) -> bytes:
        return b"".join(write_pack(len(self.all), self.all))


def send(repository: Repository, user: User, body: bytes, service: str = "git-receive-pack", **headers: str) -> Any:
    return Client().generic(
        "POST",
        f"/{repository.full_name}/{service}",
        body,
        content_type=f"application/x-{service}-request",
        headers={"Authorization": f"Bearer {token(user)}"} | headers,
    )


def order(*commands: tuple[str, str, str], capabilities: str = "report-status side-band-64k") -> bytes:
    lines = [f"{old} {new} {name}" for old, new, name in commands]
    lines[0] += f"\0{capabilities}"
    return b"".join(packet(each.encode()) for each in lines) + FLUSH


def push(repository: Repository, user: User, objects: Objects, head: str, name: str = "refs/heads/new") -> str:
    """Push one ref. Returns report and remarks as one text."""
    return told(send(repository, user, order((ZERO, head, name)) + objects.pack()))


def told(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    found = read_packets(io.BytesIO(answer.content), limit=10_000)
    bands: dict[int, bytes] = {DATA: b"", PROGRESS: b""}
    for each in found:
        if isinstance(each, bytes):
            bands[each[0]] += each[1:]
    return (bands[DATA] + bands[PROGRESS]).decode()


@pytest.fixture
def unchanged(repository: Repository) -> Iterator[None]:
    """Whatever the test pushes leaves nothing behind."""

    def state() -> tuple[Any, ...]:
        return (
            set(repository.git_objects.values_list("oid", flat=True)),
            set(repository.refs.values_list("name", "target")),
            repository.commits.count(),
            set(repository.content_links.values_list("content", flat=True)),
        )

    before = state()
    yield
    assert state() == before


def with_entry(mode: str, name: bytes, objects: Objects, oid: str = "") -> str:
    return objects.commit(objects.tree((mode, name, oid or objects.blob())))


def deep(objects: Objects, levels: int, width: int) -> str:
    """A tree that names itself many times on each level: few bytes, endless files."""
    tree = objects.tree(*[("100644", b"%03d" % number, objects.blob()) for number in range(width)])
    for _ in range(levels):
        tree = objects.tree(*[("40000", b"%03d" % number, tree) for number in range(width)])
    return objects.commit(tree)


HOSTILE: dict[str, tuple[Any, str]] = {
    "symbolic link": (lambda o: with_entry("120000", b"a", o), "symbolic link"),
    "submodule": (lambda o: with_entry("160000", b"a", o), "submodule"),
    "group-writable": (lambda o: with_entry("100664", b"a", o), "mode 100664"),
    "mode with a zero before": (lambda o: with_entry("0100644", b"a", o), "mode"),
    ".git": (lambda o: with_entry("100644", b".git", o), "belong to Git"),
    "git~1": (lambda o: with_entry("100644", b"GIT~1", o), "belong to Git"),
    "climbing": (lambda o: with_entry("100644", b"..", o), "“.” or “..”"),
    "slash": (lambda o: with_entry("100644", b"a/b", o), "slash"),
    "backslash": (lambda o: with_entry("100644", b"a\\b", o), "backslash"),
    "control": (lambda o: with_entry("100644", b"a\x07", o), "control"),
    "no UTF-8": (lambda o: with_entry("100644", b"\xff", o), "not UTF-8"),
    "no name": (lambda o: with_entry("100644", b"", o), "no name"),
    "no object": (lambda o: with_entry("100644", b"a", o, ZERO), "no object"),
    "missing blob": (lambda o: with_entry("100644", b"a", o, "1" * 40), "blob 1111"),
    "missing folder": (lambda o: with_entry("40000", b"a", o, "1" * 40), "tree 1111"),
    "folder that is a file": (lambda o: with_entry("40000", b"a", o), "it is a blob"),
    "missing tree": (lambda o: o.commit("1" * 40), "tree 1111"),
    "missing parent": (lambda o: o.commit(o.tree(), "1" * 40), "commit 1111"),
    "parent twice": (lambda o: o.commit(o.tree(), *[o.commit(o.tree())] * 2), "parent twice"),
    "unsorted": (lambda o: o.commit(o.tree(("100644", b"b", o.blob()), ("100644", b"a", o.blob()))), "not sorted"),
    "same name twice": (lambda o: o.commit(o.tree(*[("100644", b"a", o.blob())] * 2)), "comes twice"),
    "file and folder of a name": (
        lambda o: o.commit(o.tree(("100644", b"a", o.blob()), ("40000", b"a", o.tree()))),
        "comes twice",
    ),
    "case": (lambda o: o.commit(o.tree(("100644", b"A", o.blob()), ("100644", b"a", o.blob()))), "clashes"),
    "Unicode form": (
        lambda o: o.commit(o.tree(("100644", "e\u0301".encode(), o.blob()), ("100644", "\u00e9".encode(), o.blob()))),
        "clashes",
    ),
    "too deep": (lambda o: deep(o, 40, 1), "folders deep"),
    "endless files": (lambda o: deep(o, 8, 100), "may hold"),
    "no commit": (lambda o: o.add(packs.COMMIT, b"hello"), "not in order"),
    "no author": (lambda o: o.commit(o.tree(), head="author A\ncommitter A <a> 1 +0000\n"), "author or committer"),
    "year 30000": (lambda o: o.commit(o.tree(), when="999999999999 +0000"), "beyond the year"),
    "a tag as branch": (
        lambda o: o.add(packs.TAG, f"object {o.commit(o.tree())}\ntype commit\ntag v1\n\nx\n".encode()),
        "must point to a commit",
    ),
    "a blob as branch": (lambda o: o.blob(), "it is a blob"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.usefixtures("unchanged")
def test_hostile_objects_are_refused_in_words(repository: Repository, ada: User, name: str, settings: Any) -> None:
    settings.SMALLHUB_MAX_FILES_PER_REPOSITORY = 3_000
    make, words = HOSTILE[name]
    objects = Objects()
    began = time.process_time()

    said = push(repository, ada, objects, make(objects))

    assert "ng refs/heads/new" in said
    assert words in said, said
    assert time.process_time() - began < 10


NAMES = ("refs/heads/a..b", "refs/heads/-x", "refs/heads/a.lock", "refs/heads/" + "a" * 40, "refs/x", "HEAD", "main")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("unchanged")
def test_names_that_git_or_the_hub_would_misread_are_refused(repository: Repository, ada: User, name: str) -> None:
    objects = Objects()
    assert f"ng {name}" in push(repository, ada, objects, with_entry("100644", b"a", objects), name)


@pytest.mark.usefixtures("unchanged")
def test_a_branch_cannot_be_a_folder_of_branches_too(repository: Repository, ada: User) -> None:
    objects = Objects()
    said = push(repository, ada, objects, with_entry("100644", b"a", objects), "refs/heads/main/sub")
    assert "cannot keep both" in said


def test_what_is_sound_is_taken_and_the_rest_of_the_pack_dropped(repository: Repository, ada: User) -> None:
    objects = Objects()
    head = with_entry("100755", b"run.sh", objects)
    stray = objects.blob(b"nobody names this")

    said = push(repository, ada, objects, head)

    assert "unpack ok\n" in said
    assert "ok refs/heads/new" in said
    assert repository.commits.get(oid=head).author is None  # Another person's mail stands in it.
    assert not repository.git_objects.filter(oid=stray).exists()
    assert list(check_repository(Repository.objects.get(pk=repository.pk))) == []


@pytest.mark.usefixtures("unchanged")
def test_a_hash_alone_opens_nothing(repository: Repository, ada: User) -> None:
    private = RepositoryFactory(private=True)
    put_plain(private, noise(5000))
    objects = Objects()
    head = with_entry("100644", b"a.bin", objects, objects.blob(pointer(noise(5000))))

    said = push(repository, ada, objects, head)

    assert "was not uploaded" in said


def test_content_that_the_pusher_may_read_is_linked(repository: Repository, ada: User) -> None:
    public = RepositoryFactory(visibility=Visibility.PUBLIC)
    put_plain(public, noise(5000))
    objects = Objects()
    head = with_entry("100644", b"a.bin", objects, objects.blob(pointer(noise(5000))))

    assert "ok refs/heads/new" in push(repository, ada, objects, head)

    found = content.find_readable(repository=repository, user=UserFactory(), sha256=sha256(noise(5000)))
    assert found is not None
    assert list(check_repository(Repository.objects.get(pk=repository.pk))) == []


def pointer(data: bytes, size: int | None = None) -> bytes:
    size = len(data) if size is None else size
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256(data)}\nsize {size}\n".encode()


@pytest.mark.usefixtures("unchanged")
def test_a_pointer_with_another_size_is_refused(repository: Repository, ada: User) -> None:
    public = RepositoryFactory()
    put_plain(public, noise(5000))
    objects = Objects()
    head = with_entry("100644", b"a.bin", objects, objects.blob(pointer(noise(5000), 7)))
    assert "its LFS pointer says 7 bytes" in push(repository, ada, objects, head)


def test_the_tag_of_a_release_stays(repository: Repository, ada: User) -> None:
    commit = put(repository, {"a.txt": "a"})
    create_release(repository=repository, user=ada, name="v1.0.0", revision="main", notes="")
    before = repository.refs.get(name="refs/tags/v1.0.0").target

    said = told(send(repository, ada, order((before, ZERO, "refs/tags/v1.0.0"))))
    moved = told(send(repository, ada, order((before, commit.parents[0], "refs/tags/v1.0.0")) + Objects().pack()))

    assert "ng refs/tags/v1.0.0" in said
    assert "ng refs/tags/v1.0.0" in moved
    assert repository.refs.get(name="refs/tags/v1.0.0").target == before


def test_what_a_collection_took_while_a_push_was_checked_makes_it_start_over(
    repository: Repository, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parent is deleted between the checks and the transaction, as a collection would."""
    lost = put(repository, {"lost.txt": "lost"})
    objects = Objects()
    head = objects.commit(objects.tree(("100644", b"a", objects.blob())), lost.oid)
    checked = receiving.store

    def collected(**arguments: Any) -> Any:
        Manifest.objects.filter(commit=lost).delete()
        GitObject.objects.filter(repository=repository, oid=lost.oid).delete()
        return checked(**arguments)

    monkeypatch.setattr(receiving, "store", collected)

    said = push(repository, ada, objects, head)

    assert "ng refs/heads/new" in said
    assert not repository.commits.filter(oid=head).exists()


def test_pushed_commits_are_measured_and_shown_whoever_wrote_them(
    repository: Repository, ada: User, client: Client
) -> None:
    old = repository.refs.get(name=MAIN).commit
    objects = Objects()
    who = "author <script>alert(1)</script> <x@y> 1 +0000\ncommitter \xc3 <> 1 +0000\n"
    refused = objects.commit(objects.tree(), old, head=who)
    assert "author or committer" in push(repository, ada, objects, refused)
    side = objects.commit(objects.tree(("100644", b"b", objects.blob())), old)
    head = objects.add(
        packs.COMMIT,
        f"tree {objects.tree(('100755', b'a', objects.blob()))}\nparent {old}\nparent {side}\n".encode()
        + b"author \xff & Co. <e@x> 1700000000 -0730\ncommitter  <> 1700000000 +0000\n\n",
    )

    said = told(send(repository, ada, order((old, head, MAIN)) + objects.pack()))

    assert "ok refs/heads/main" in said
    assert Evaluation.objects.filter(commit__oid=head).exists()
    name = repository.full_name
    for address in (
        f"/{name}",
        f"/{name}/tree/main",
        f"/{name}/commits/main",
        f"/{name}/commit/{head}",
        f"/api/models/{name}/commits/main",
        f"/api/models/{name}/tree/main?expand=true",
        f"/api/models/{name}",
    ):
        assert client.get(address).status_code == 200, address


# ── Requests ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("service", ["git-receive-pack", "git-upload-pack"])
@pytest.mark.usefixtures("unchanged")
def test_gzip_bombs_are_refused_soon(repository: Repository, ada: User, service: str) -> None:
    head = order((ZERO, "1" * 40, "refs/heads/new")) if service == "git-receive-pack" else b""
    body = bomb(head, megabytes=600)
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    answer = send(repository, ada, body, service, **{"Content-Encoding": "gzip"})

    if head:
        assert "larger than" in told(answer)
    else:
        assert answer.status_code == 413 or answer.content[4:8] == b"ERR "
    assert time.process_time() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def bomb(head: bytes, *, megabytes: int) -> bytes:
    """Zeros behind a beginning, a thousand times smaller than they will be."""
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(2**20)
    return b"".join([packed.compress(head), *(packed.compress(zeros) for _ in range(megabytes)), packed.flush()])


@pytest.mark.usefixtures("unchanged")
def test_a_million_refs_are_refused_soon(repository: Repository, ada: User) -> None:
    began = time.process_time()
    flood = b"".join(packet(f"{ZERO} {'1' * 40} refs/heads/{number}".encode()) for number in range(200_000)) * 5
    assert send(repository, ada, flood + FLUSH).status_code == 400
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "body",
    [
        b"garbage",
        b"0003",
        packet(b"no command"),
        order((ZERO, "1" * 40, MAIN), (ZERO, "2" * 40, MAIN)),
        order((ZERO, "g" * 40, MAIN)),
        order((ZERO, "1" * 40, "a\nb")),
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_what_is_no_push_is_a_bad_request(repository: Repository, ada: User, body: bytes) -> None:
    assert send(repository, ada, body).status_code == 400


@pytest.mark.usefixtures("unchanged")
def test_a_damaged_pack_is_reported_and_moves_nothing(repository: Repository, ada: User) -> None:
    said = told(send(repository, ada, order((ZERO, "1" * 40, "refs/heads/new")) + b"PACK"))
    assert "unpack The pack is damaged" in said
    assert "ng refs/heads/new unpacker error" in said


def test_the_question_before_a_long_push_is_answered(repository: Repository, ada: User) -> None:
    answer = send(repository, ada, FLUSH)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "body",
    [
        line("command=ls-refs") + DELIMITER + line("peel") + FLUSH,
        line("command=fetch") + DELIMITER + line(f"want {'1' * 40}") + line("done") + FLUSH,
        line("command=fetch") + DELIMITER + line("want nonsense") + FLUSH,
        line("command=fetch") + DELIMITER + line("deepen x") + FLUSH,
        line("command=fetch") + DELIMITER + line("filter sparse:oid=x") + FLUSH,
        line("command=fetch") + DELIMITER + line("deepen-since 99999999999999") + FLUSH,
        line("command=bundle-uri") + FLUSH,
        b"0000",
        b"junk",
    ],
)
def test_fetches_that_make_no_sense_are_answered_in_words(repository: Repository, ada: User, body: bytes) -> None:
    for version in ("version=2", ""):
        answer = send(repository, ada, body, "git-upload-pack", **{"Git-Protocol": version})
        assert answer.status_code in {200, 400}
        if answer.status_code == 200 and not answer.streaming:
            assert answer.content[4:8] == b"ERR "


def test_only_the_smart_protocol_is_spoken_and_only_in_its_own_type(repository: Repository, ada: User) -> None:
    client, base = Client(), f"/{repository.full_name}.git"
    assert client.get(f"{base}/info/refs").status_code == 403
    assert client.get(f"{base}/info/refs?service=git-shell").status_code == 403
    client.force_login(ada)
    for service in ("git-upload-pack", "git-receive-pack"):
        assert client.post(f"{base}/{service}", data=b"0000", content_type="text/plain").status_code == 415


def test_strangers_are_asked_who_they_are_and_told_the_same_of_what_is_missing(ada: User) -> None:
    private = RepositoryFactory(user=ada, private=True)
    client = Client()
    hidden = client.get(f"/{private.full_name}/info/refs?service=git-upload-pack")
    missing = client.get("/ada/missing/info/refs?service=git-upload-pack")
    assert hidden.status_code == missing.status_code == 401
    assert hidden["WWW-Authenticate"].startswith("Basic realm=")
    assert hidden["WWW-Authenticate"] == missing["WWW-Authenticate"]
    assert hidden["Cache-Control"].startswith("no-cache")
