import json
import statistics
import time

import pytest
from django.core.cache import cache

from accounts.models import AccessToken, Scope
from models_registry.models import Content, RepositoryContent, Visibility
from models_registry.storage import hashing
from models_registry.storage.blobs import blob_store
from models_registry.storage.digests import XetHash
from models_registry.storage.shard import read_shard
from tests.factories.accounts import UserFactory, bearer
from tests.factories.content import Xorb, build_shard, chunks_of, noise, put_plain, send, send_xorb, shard_of
from tests.factories.registry import RepositoryFactory
from tests.factories.stores import flip

pytestmark = pytest.mark.django_db

DATA = noise(900_000, seed=11)
RAW = {"content_type": "application/octet-stream"}


class Cas:
    """The chunk store as a client of one repository sees it."""

    def __init__(self, client, repository, user=None, kind="write", scope=Scope.WRITE):
        self.client, self.repository = client, repository
        headers = bearer(user, scope) if user else {}
        answer = client.get(f"/api/models/{repository.full_name}/xet-{kind}-token/main", headers=headers)
        self.answer = answer
        if answer.status_code == 200:
            self.token = answer.json()["accessToken"]
            self.base = answer.json()["casUrl"].removeprefix("http://testserver")

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, path, **headers):
        return self.client.get(self.base + path, headers=self.headers | headers)

    def post(self, path, body):
        return self.client.post(self.base + path, body, headers=self.headers, **RAW)

    def upload(self, data):
        xorb = Xorb.of(chunks_of(data))
        assert self.post(f"/v1/xorbs/default/{xorb.hash}", xorb.body).json() == {"was_inserted": True}
        assert self.post("/v1/shards", shard_of(xorb, data)).json() == {"result": 1}
        return xorb, hashing.file_hash(xorb.table.leaves())


@pytest.fixture
def repository():
    return RepositoryFactory(private=True)


@pytest.fixture
def cas(client, repository):
    return Cas(client, repository, repository.creator)


def body_of(response):
    return b"".join(response.streaming_content) if response.streaming else response.content


def path_of(url):
    return url.removeprefix("http://testserver")


# ── Tokens ───────────────────────────────────────────────────────────────────────────────────────


def test_a_token_is_given_twice_in_body_and_headers(cas):
    body = cas.answer.json()

    assert cas.answer["X-Xet-Access-Token"] == body["accessToken"]
    assert cas.answer["X-Xet-Token-Expiration"] == str(body["exp"])
    assert cas.answer["X-Xet-Cas-Url"] == body["casUrl"]
    assert 3500 < body["exp"] - time.time() <= 3600
    assert body["casUrl"].startswith("http://testserver/cas/")


def test_the_address_of_the_store_differs_between_repositories(client, cas):
    other = RepositoryFactory()

    assert Cas(client, other, other.creator).base != cas.base


@pytest.mark.parametrize(
    ("kind", "anonymous", "stranger", "reader"), [("read", 401, 404, 200), ("write", 401, 404, 403)]
)
def test_who_gets_a_token(client, repository, kind, anonymous, stranger, reader):
    path = f"/api/models/{repository.full_name}/xet-{kind}-token/main"

    assert client.get(path).status_code == anonymous
    assert client.get(path, headers=bearer(UserFactory())).status_code == stranger
    assert client.get(path, headers=bearer(repository.creator, Scope.READ)).status_code == reader


def test_strangers_read_public_repositories_and_write_none(client):
    public = RepositoryFactory()

    assert Cas(client, public, kind="read").answer.status_code == 200
    assert Cas(client, public, kind="write").answer.status_code == 401
    assert Cas(client, public, UserFactory(), kind="write").answer.status_code == 403


def test_an_unknown_revision_has_no_token(client, repository):
    headers = bearer(repository.creator)
    path = f"/api/models/{repository.full_name}/xet-write-token/nowhere"

    assert client.get(path, headers=headers)["X-Error-Code"] == "RevisionNotFound"
    assert client.get(path + "?create_pr=1", headers=headers).status_code == 200


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer x", "Bearer hf_" + "a" * 34, "Basic eDp5"])
def test_without_a_xet_token_nothing_is_said(client, cas, value):
    for path in ("/v1/shards", "/v1/xorbs/default/" + "0" * 64):
        answer = client.post(cas.base + path, b"x", headers={"Authorization": value}, **RAW)
        assert answer.status_code == 401


def test_a_token_opens_its_own_repository_only(client, cas):
    other = RepositoryFactory(user=cas.repository.creator)
    foreign = Cas(client, other, other.creator)

    answer = client.post(foreign.base + "/v1/shards", b"x", headers=cas.headers, **RAW)

    assert answer.status_code == 401


def test_a_token_for_reading_writes_nothing(client, repository):
    reading = Cas(client, repository, repository.creator, kind="read")
    xorb = Xorb.of(chunks_of(DATA))

    assert reading.post(f"/v1/xorbs/default/{xorb.hash}", xorb.body).status_code == 403
    assert reading.post("/v1/shards", build_shard()).status_code == 403
    assert reading.post("/v2/shards", build_shard()).status_code == 403


def test_a_token_ends_with_the_access_token_it_was_asked_with(cas):
    cas.upload(DATA)
    AccessToken.objects.all().delete()

    assert cas.get("/v1/reconstructions/" + "0" * 64).status_code == 401


def test_a_token_ends_with_the_right(client):
    public = RepositoryFactory()
    stranger = Cas(client, public, UserFactory(), kind="read")
    public.visibility = Visibility.PRIVATE
    public.save()

    assert stranger.get("/v1/reconstructions/" + "0" * 64).status_code == 404


def test_an_expired_token_is_refused(cas, monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3700)

    assert cas.get("/v1/reconstructions/" + "0" * 64).status_code == 401


# ── Upload ───────────────────────────────────────────────────────────────────────────────────────


def test_a_file_goes_up_and_comes_down(cas):
    xorb, file_hash = cas.upload(DATA)

    answer = cas.get(f"/v1/reconstructions/{file_hash}", Range=f"bytes=0-{len(DATA) - 1}").json()

    assert answer["offset_into_first_range"] == 0
    assert [(term["hash"], term["unpacked_length"]) for term in answer["terms"]] == [(xorb.hash, len(DATA))]
    (fetch,) = answer["fetch_info"][xorb.hash]
    assert fetch["range"] == {"start": 0, "end": len(xorb.table)}
    span = fetch["url_range"]
    got = cas.client.get(path_of(fetch["url"]), headers={"Range": f"bytes={span['start']}-{span['end']}"})
    assert got.status_code == 206
    assert body_of(got) == xorb.body
    assert got["Content-Range"] == f"bytes 0-{len(xorb.body) - 1}/{len(xorb.body)}"


def test_the_newer_reconstruction_says_the_same(cas):
    xorb, file_hash = cas.upload(DATA)

    old = cas.get(f"/v1/reconstructions/{file_hash}").json()
    new = cas.get(f"/v2/reconstructions/{file_hash}").json()

    assert old["terms"] == new["terms"]
    (fetch,), (entry,) = old["fetch_info"][xorb.hash], new["xorbs"][xorb.hash]
    assert entry["ranges"] == [{"chunks": fetch["range"], "bytes": fetch["url_range"]}]


def test_a_range_is_cut_to_whole_chunks(cas):
    xorb, file_hash = cas.upload(DATA)
    start = xorb.table.raw_offset(3) + 5

    answer = cas.get(f"/v1/reconstructions/{file_hash}", Range=f"bytes={start}-{start + 9}").json()

    assert answer["offset_into_first_range"] == 5
    assert answer["terms"][0]["range"] == {"start": 3, "end": 4}


def test_a_range_behind_the_end_is_416(cas):
    _, file_hash = cas.upload(DATA)

    answer = cas.get(f"/v1/reconstructions/{file_hash}", Range=f"bytes={len(DATA)}-")

    assert answer.status_code == 416
    assert answer["Content-Range"] == f"bytes */{len(DATA)}"


def test_an_unknown_file_is_404_and_no_hash_is_400(cas):
    assert cas.get("/v2/reconstructions/" + "0" * 64).status_code == 404
    assert cas.get("/v2/reconstructions/zz").status_code == 400


def test_a_wrong_xorb_is_400_with_its_code(cas):
    xorb = Xorb.of(chunks_of(DATA))

    wrong = cas.post("/v1/xorbs/default/" + "0" * 64, xorb.body)
    broken = cas.post(f"/v1/xorbs/default/{xorb.hash}", xorb.body[:-1])

    assert (wrong.status_code, wrong["X-Error-Code"]) == (400, "hash_mismatch")
    assert (broken.status_code, broken["X-Error-Code"]) == (400, "malformed_xorb")
    assert "hashes to" in wrong.json()["error"]


def test_a_xorb_over_the_limit_is_413_before_it_is_read(cas):
    answer = cas.client.generic(
        "POST", cas.base + "/v1/xorbs/default/" + "0" * 64, b"x", headers=cas.headers, CONTENT_LENGTH=str(10**9)
    )

    assert answer.status_code == 413


def test_head_tells_the_size_of_what_was_delivered_here_only(client, cas):
    xorb, _ = cas.upload(DATA)
    other = RepositoryFactory(user=cas.repository.creator)
    elsewhere = Cas(client, other, other.creator)

    here = client.head(f"{cas.base}/v1/xorbs/default/{xorb.hash}", headers=cas.headers)
    there = client.head(f"{elsewhere.base}/v1/xorbs/default/{xorb.hash}", headers=elsewhere.headers)

    assert (here.status_code, here["Content-Length"]) == (200, str(len(xorb.body)))
    assert there.status_code == 404


def test_grants_are_404_or_clients_would_lose_data(cas):
    for path in ("/v1/xorb-grants/default/" + "0" * 64, "/v1/xorb-commits/default/" + "0" * 64 + "/grant/1"):
        assert cas.post(path, b"{}").status_code == 404
        assert cas.get(path).status_code == 404


def test_an_unknown_prefix_is_404(cas):
    assert cas.post("/v1/xorbs/other/" + "0" * 64, b"x").status_code == 404


def test_progress_is_streamed_and_ends_with_the_result(cas):
    xorb = Xorb.of(chunks_of(DATA))
    send_xorb(cas.repository, xorb)

    lines = [json.loads(line) for line in body_of(cas.post("/v2/shards", shard_of(xorb, DATA))).splitlines()]

    assert lines[-1] == {"type": "result", "result": 1}
    assert Content.objects.count() == 1


def test_a_lie_found_while_streaming_ends_with_an_error_line(cas):
    xorb = Xorb.of(chunks_of(DATA))
    send_xorb(cas.repository, xorb)

    lines = [
        json.loads(line) for line in body_of(cas.post("/v2/shards", shard_of(xorb, DATA, sha="0" * 64))).splitlines()
    ]

    assert (lines[-1]["type"], lines[-1]["code"], lines[-1]["retryable"]) == ("error", "hash_mismatch", False)
    assert not Content.objects.exists()


@pytest.mark.parametrize("path", ["/v1/shards", "/v2/shards"])
def test_a_broken_shard_is_400(cas, path):
    answer = cas.post(path, b"nonsense")

    assert (answer.status_code, answer["X-Error-Code"]) == (400, "malformed_shard")


def test_telemetry_goes_nowhere_whatever_token_it_carries(client, cas):
    assert client.post("/v1/telemetry", b"{}", headers=cas.headers, **RAW).status_code == 204


# ── Data addresses ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def fetched(cas):
    """A data address of a file's middle, and the bytes it covers."""
    xorb, file_hash = cas.upload(DATA)
    start, stop = xorb.table.raw_offset(2), xorb.table.raw_offset(5)
    answer = cas.get(f"/v1/reconstructions/{file_hash}", Range=f"bytes={start}-{stop - 1}").json()
    (fetch,) = answer["fetch_info"][xorb.hash]
    return path_of(fetch["url"]), fetch["url_range"]["start"], fetch["url_range"]["end"] + 1, xorb


def test_a_data_address_covers_its_run_and_nothing_more(client, fetched):
    url, first, stop, xorb = fetched

    inside = client.get(url, headers={"Range": f"bytes={first + 3}-{stop - 4}"})
    whole = client.get(url)

    assert body_of(inside) == xorb.body[first + 3 : stop - 3]
    assert body_of(whole) == xorb.body[first:stop]
    for span in (f"{first - 1}-{stop - 1}", f"{first}-{stop}", "0-0", f"{stop}-", "-1"):
        answer = client.get(url, headers={"Range": f"bytes={span}"})
        assert answer.status_code == 416, span


def test_a_data_address_ends_after_a_minute(client, fetched, monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 62)

    assert client.get(fetched[0]).status_code == 403


def test_a_forged_data_address_is_refused(client, fetched):
    url = fetched[0]

    for forged in (url[:-1] + ("a" if url[-1] != "a" else "b"), url[:-20], url + "x"):
        assert client.get(forged).status_code == 403


def test_a_data_address_ends_with_the_token_the_right_and_the_repository(client, cas, fetched):
    url = fetched[0]
    assert client.get(url).status_code == 206

    AccessToken.objects.all().delete()
    assert client.get(url).status_code == 403

    cas.repository.delete()
    assert client.get(url).status_code in (403, 404)


def test_a_data_address_ends_with_the_link(client, cas, fetched):
    RepositoryContent.objects.all().delete()

    assert client.get(fetched[0]).status_code == 404


def test_a_flipped_byte_is_found_and_not_sent(client, fetched):
    url, first, _, _ = fetched
    assert client.get(url).status_code == 206
    (blob,) = blob_store().iterate()
    flip(blob_store(), blob.digest, first + 100)

    answer = client.get(url)

    assert (answer.status_code, answer["X-Error-Code"]) == (500, "corrupt_content")


# ── Dedupe, and what it must not tell ────────────────────────────────────────────────────────────


def ask(cas, chunk, prefix="default"):
    return cas.get(f"/v1/chunks/{prefix}/{XetHash.from_bytes(hashing.chunk_hash(chunk))}")


@pytest.mark.parametrize("prefix", ["default", "default-merkledb"])
def test_a_known_chunk_is_answered_with_a_shard(cas, prefix):
    xorb, _ = cas.upload(DATA)

    assert [claim.hash for claim in read_shard(ask(cas, chunks_of(DATA)[0], prefix).content).xorbs] == [xorb.hash]


def test_the_first_question_of_an_upload_gets_a_hint_and_later_ones_do_not(client, cas):
    cache.clear()
    cas.upload(DATA)
    again = Cas(client, cas.repository, cas.repository.creator)

    assert [ask(again, noise(100, seed)).status_code for seed in (1, 2)] == [200, 404]


def test_a_private_chunk_is_answered_like_one_that_nobody_has(client):
    """Status, body and headers alike; the time within what a machine's noise leaves."""
    cache.clear()
    private, public = RepositoryFactory(private=True), RepositoryFactory()
    secret = send(private, DATA)
    stranger = Cas(client, public, public.creator)
    hashes = {
        "secret": XetHash.from_bytes(secret.table.hash_at(0)),
        "random": XetHash.from_bytes(hashing.chunk_hash(b"x")),
    }
    answers, seconds = {}, {name: [] for name in hashes}
    for _ in range(60):
        for name, digest in hashes.items():
            start = time.perf_counter()
            answer = stranger.get(f"/v1/chunks/default/{digest}")
            seconds[name].append(time.perf_counter() - start)
            headers = {key: value for key, value in answer.items() if key != "X-Request-Id"}
            answers[name] = (answer.status_code, answer.content, headers)

    assert answers["secret"] == answers["random"]
    assert statistics.median(seconds["secret"]) < 1.5 * statistics.median(seconds["random"])


def test_uploading_what_a_private_repository_holds_is_answered_as_new(client):
    private, public = RepositoryFactory(private=True), RepositoryFactory()
    secret = send(private, DATA)
    stranger = Cas(client, public, public.creator)
    fresh = Xorb.of(chunks_of(noise(900_000, seed=12)))

    answers = [stranger.post(f"/v1/xorbs/default/{xorb.hash}", xorb.body) for xorb in (secret, fresh)]
    heads = [
        client.head(f"{stranger.base}/v1/xorbs/default/{xorb.hash}", headers=stranger.headers)
        for xorb in (secret, fresh)
    ]

    assert answers[0].json() == answers[1].json() == {"was_inserted": True}
    assert [head.status_code for head in heads] == [200, 200]


def test_a_shard_on_a_private_xorb_is_refused_like_one_on_no_xorb(client):
    private, public = RepositoryFactory(private=True), RepositoryFactory()
    secret = send(private, DATA)
    stranger = Cas(client, public, public.creator)
    other = noise(900_000, seed=12)
    never = Xorb.of(chunks_of(other))

    answers = [stranger.post("/v2/shards", shard_of(xorb, data)) for xorb, data in ((secret, DATA), (never, other))]

    texts = [answer.content.decode().replace(secret.hash, "…").replace(never.hash, "…") for answer in answers]
    assert texts[0] == texts[1]
    assert [answer.status_code for answer in answers] == [400, 400]


def test_a_file_hash_of_another_repository_opens_nothing(client):
    private, public = RepositoryFactory(private=True), RepositoryFactory()
    found = put_plain(private, DATA)
    stranger = Cas(client, public, public.creator)

    answers = [stranger.get(f"/v2/reconstructions/{digest}") for digest in (found.xet_hash, "0" * 64)]

    assert [answer.status_code for answer in answers] == [404, 404]
