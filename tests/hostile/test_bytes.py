"""Packs, xorbs, shards and requests that somebody has tampered with: a clear refusal, nothing kept, no memory eaten."""

import gzip
import json
import resource
import time
from typing import Any

import lz4.frame
import pytest
from django.test import Client
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from accounts.models import User
from models_registry.models import Blob, Content, Repository, Xorb
from models_registry.storage.xorb import Scheme
from tests.access.table import ROUTES
from tests.factories.accounts import UserFactory, token
from tests.factories.content import Xorb as Packed
from tests.factories.content import chunks_of, noise, put_plain, sha256, shard_of
from tests.factories.registry import RepositoryFactory, put
from tests.hostile.doors import ZERO, history
from tests.models_registry.api.test_cas import Cas
from tests.models_registry.git import packs

pytestmark = pytest.mark.django_db
TRIES = settings(max_examples=60, deadline=5_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
DATA = noise(150_000, seed=81) + bytes(150_000)
RAW = {"content_type": "application/octet-stream"}


@pytest.fixture
def ada() -> User:
    return UserFactory(username="ada")


@pytest.fixture
def repository(ada: User) -> Repository:
    return RepositoryFactory(user=ada, name="tiny")


def kept(repository: Repository) -> tuple[Any, ...]:
    return (
        set(repository.refs.values_list("name", "target")),
        repository.git_objects.count(),
        repository.commits.count(),
        repository.content_links.count(),
        Content.objects.count(),
        Xorb.objects.count(),
        Blob.objects.count(),
    )


@st.composite
def tampered(draw: Any, whole: bytes) -> bytes:
    """These bytes flipped, cut, repeated, spliced or with other counts, once or a few times."""
    body = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.one_of(st.integers(0, 64), st.integers(0, len(whole)))) % max(len(body), 1)
        match draw(st.sampled_from(["flip", "cut", "drop", "splice", "count", "grow"])):
            case "flip" if body:
                body[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del body[at:]
            case "drop":
                del body[at : at + draw(st.integers(1, 40))]
            case "splice":
                other = draw(st.integers(0, len(whole)))
                body[at:at] = whole[other : other + draw(st.integers(1, 200))]
            case "count":
                body[at : at + 4] = draw(
                    st.sampled_from([b"\xff" * 4, bytes(4), b"\x00\x00\x00\x80", b"\xff\xff\xff\x7f"])
                )
            case _:
                body += draw(st.binary(min_size=1, max_size=40))
    assume(bytes(body) != whole)
    return bytes(body)


HEAD, OBJECTS = history("a/b.txt", "c.txt")
NAMES = {packs.COMMIT: packs.COMMIT, packs.TREE: packs.TREE, packs.BLOB: packs.BLOB}
BASE = noise(2000, seed=3)
PACK = packs.pack(
    *(packs.plain(NAMES[kind], body) for kind, body in OBJECTS),
    packs.plain(packs.BLOB, BASE),
    packs.ref_delta(packs.blob_id(BASE), packs.delta(2000, 1010, packs.copy(0, 1000), packs.insert(b"0123456789"))),
)


@TRIES
@given(pack=tampered(PACK))
def test_a_tampered_pack_is_refused_and_leaves_nothing(ada: User, repository: Repository, pack: bytes) -> None:
    before = kept(repository)
    answer = pushed(repository, ada, pack)
    assert answer.status_code in {200, 400, 413, 422}
    if b"ok refs/heads/new" not in answer.content:
        assert b"ng refs/heads/new" in answer.content or answer.status_code != 200
        assert kept(repository) == before
    else:  # What was tampered with are bytes that say nothing, such as those behind the end.
        assert repository.commits.filter(oid=HEAD).exists()
        repository.refs.filter(name="refs/heads/new").delete()


def pushed(repository: Repository, user: User, pack: bytes, *, key: dict[int, str] = {}) -> Any:  # noqa: B006
    secret = key.setdefault(user.pk, token(user)) if user.pk not in key else key[user.pk]
    line = f"{ZERO} {HEAD} refs/heads/new\0report-status"
    body = f"{len(line) + 4:04x}{line}0000".encode() + pack
    return Client(raise_request_exception=False).post(
        f"/{repository.full_name}/git-receive-pack",
        body,
        content_type="application/x-git-receive-pack-request",
        headers={"Authorization": f"Bearer {secret}"},
    )


def test_the_pack_is_sound_as_it_is(ada: User, repository: Repository) -> None:
    assert b"ok refs/heads/new" in pushed(repository, ada, PACK, key={}).content


@pytest.mark.parametrize("scheme", list(Scheme))
def test_a_tampered_xorb_is_refused_and_leaves_nothing(ada: User, repository: Repository, scheme: Scheme) -> None:
    cas = Cas(Client(raise_request_exception=False), repository, ada)
    whole = Packed.of(chunks_of(DATA), scheme)
    before = kept(repository)

    @TRIES
    @given(body=tampered(whole.body))
    def send(body: bytes) -> None:
        answer = cas.post(f"/v1/xorbs/default/{whole.hash}", body)
        if answer.status_code == 200:  # Other frames of the very same chunks: they hash to the name.
            Xorb.objects.all().delete()
            Blob.objects.all().delete()
            return
        assert 400 <= answer.status_code < 500, answer.content
        assert answer.json()["code"]
        assert kept(repository) == before

    send()


def test_a_tampered_shard_is_refused_or_makes_the_true_file(ada: User, repository: Repository) -> None:
    cas = Cas(Client(raise_request_exception=False), repository, ada)
    whole = Packed.of(chunks_of(DATA))
    assert cas.post(f"/v1/xorbs/default/{whole.hash}", whole.body).status_code == 200
    before = kept(repository)

    @TRIES
    @given(body=tampered(shard_of(whole, DATA)))
    def send(body: bytes) -> None:
        answer = cas.post("/v1/shards", body)
        if answer.status_code == 200:
            assert set(Content.objects.values_list("sha256", flat=True)) <= {sha256(DATA)}
            repository.content_links.all().delete()
            Content.objects.all().delete()
            return
        assert 400 <= answer.status_code < 500, answer.content
        assert answer.json()["code"]
        assert kept(repository) == before

    send()


@pytest.mark.parametrize("claimed", [1, 131_072, 2**24 - 1])
def test_a_bomb_in_a_chunk_ends_soon_and_in_little_memory(ada: User, repository: Repository, claimed: int) -> None:
    cas = Cas(Client(raise_request_exception=False), repository, ada)
    bomb = lz4.frame.compress(bytes(400 * 2**20), store_size=False)[: 2**24 - 1]
    head = b"\0" + len(bomb).to_bytes(3, "little") + bytes([Scheme.LZ4]) + claimed.to_bytes(3, "little")
    before, grown, began = kept(repository), peak(), time.process_time()

    answer = cas.post(f"/v1/xorbs/default/{'0' * 64}", head + bomb)

    assert answer.status_code == 400
    assert kept(repository) == before
    assert time.process_time() - began < 5
    assert peak() - grown < 64 * 1024


def peak() -> int:
    """The most memory that this process ever held, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


PACKED = (
    "/api/models/ada/tiny/commit/main", "/api/models/ada/tiny/preupload/main", "/api/models/ada/tiny/paths-info/main",
    "/api/repos/create", "/ada/tiny.git/info/lfs/objects/batch", "/api/validate-yaml", "/api/models/ada/tiny/tag/main",
)  # fmt: skip


@pytest.mark.parametrize("address", PACKED)
def test_a_packed_request_is_never_unpacked_without_end(ada: User, repository: Repository, address: str) -> None:
    bomb = gzip.compress(json.dumps({"key": "header", "value": {"summary": "x"}}).encode() + bytes(200 * 2**20))
    before, grown, began = kept(repository), peak(), time.process_time()

    answer = Client(raise_request_exception=False).post(
        address,
        bomb,
        content_type="application/json",
        headers={"Authorization": f"Bearer {token(ada)}", "Content-Encoding": "gzip"},
    )

    assert 400 <= answer.status_code < 500
    assert kept(repository) == before
    assert time.process_time() - began < 5
    assert peak() - grown < 64 * 1024


RANGES = (
    "bytes=" + ",".join(f"{at}-{at + 1}" for at in range(10_000)), "bytes=0-0,-1", "bytes=" + "-1," * 5000,
    "bytes=-" + "9" * 4000, "bytes=5-1", "bytes=a-b", "bytes=--1", "bytes", "lines=0-1", "bytes=\u0660-1",
    "bytes=0-,0-,0-",
)  # fmt: skip


@pytest.mark.parametrize("span", RANGES)
def test_many_or_odd_ranges_cost_nothing(ada: User, repository: Repository, span: str) -> None:
    """T46: at most one range is served."""
    put_plain(repository, DATA)
    operation = {"path": "m.bin", "algo": "sha256", "oid": sha256(DATA), "size": len(DATA)}
    rows = [{"key": "header", "value": {"summary": "x"}}, {"key": "lfsFile", "value": operation}]
    client, headers = Client(raise_request_exception=False), {"Authorization": f"Bearer {token(ada)}"}
    made = client.post(
        "/api/models/ada/tiny/commit/main",
        "\n".join(map(json.dumps, rows)),
        content_type="application/x-ndjson",
        headers=headers,
    )
    assert made.status_code == 200
    put(repository, {"small.txt": "small"})
    for path in ("m.bin", "small.txt"):
        began = time.process_time()
        answer = client.get(f"/ada/tiny/resolve/main/{path}", headers=headers | {"Range": span}, follow=True)
        assert answer.status_code in {200, 206, 400, 416}
        assert "multipart" not in answer["Content-Type"]
        assert time.process_time() - began < 2


VERBS = ("PROPFIND", "TRACE", "BREW", "X" * 300)
# But for Django's own address for languages, which answers any verb with the way back.
ONE_OF_EACH = [
    route for name, route in ROUTES.items() if "{" not in route.address.replace("{repo}", "") and name != "set_language"
]


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_that_nobody_knows_is_refused_everywhere(ada: User, repository: Repository, verb: str) -> None:
    """T33: before anything is looked up."""
    before = kept(repository)
    known, stranger = Client(raise_request_exception=False), Client(raise_request_exception=False)
    known.force_login(ada)
    wrong = []
    for route in ONE_OF_EACH:
        address = route.address.replace("{repo}", repository.full_name)
        for client in (known, stranger):
            answer = client.generic(verb, address, b"{}", content_type="application/json")
            asked = client is stranger and answer.headers.get("Location", "").startswith("/login")  # A page's 401.
            if answer.status_code not in {401, 403, 404, 405, 415} and not asked:
                wrong.append(f"{address}: {answer.status_code}")
    assert not wrong, "\n".join(sorted(set(wrong)))
    assert kept(repository) == before
