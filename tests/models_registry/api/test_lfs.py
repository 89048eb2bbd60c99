import json
import time

import pytest

from accounts.models import AccessToken, Scope
from models_registry.models import Content, Visibility
from tests.factories.accounts import UserFactory, bearer
from tests.factories.content import noise, put_plain, sha256
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db

DATA = noise(500_000, seed=21)
LFS = {"content_type": "application/vnd.git-lfs+json"}
RAW = {"content_type": "application/octet-stream"}


@pytest.fixture
def repository():
    return RepositoryFactory(private=True)


def batch(client, repository, operation, *objects, headers=None, suffix=".git", **body):
    wanted = [{"oid": oid, "size": size} for oid, size in objects]
    text = json.dumps({"operation": operation, "transfers": ["basic"], "objects": wanted} | body)
    headers = bearer(repository.creator) if headers is None else headers
    return client.post(f"/{repository.full_name}{suffix}/info/lfs/objects/batch", text, headers=headers, **LFS)


def offer(client, repository, data=DATA, **kwargs):
    """The addresses to upload `data` to."""
    answer = batch(client, repository, "upload", (sha256(data), len(data)), **kwargs).json()
    actions = answer["objects"][0]["actions"]
    return {name: action["href"].removeprefix("http://testserver") for name, action in actions.items()}


def fetch(client, repository, data=DATA, headers=None):
    answer = batch(client, repository, "download", (sha256(data), len(data)), headers=headers).json()
    return answer["objects"][0]["actions"]["download"]["href"].removeprefix("http://testserver")


def body_of(response):
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.parametrize("suffix", [".git", ""])
def test_an_object_goes_up_is_verified_and_comes_down(client, repository, suffix):
    links = offer(client, repository, suffix=suffix)

    assert client.put(links["upload"], DATA, **RAW).status_code == 200
    claim = json.dumps({"oid": sha256(DATA), "size": len(DATA)})
    assert client.post(links["verify"], claim, **LFS).status_code == 200
    got = client.get(fetch(client, repository))
    assert (got.status_code, body_of(got), got["Content-Length"]) == (200, DATA, str(len(DATA)))


def test_data_sets_and_apps_have_their_own_prefix(client):
    dataset = RepositoryFactory(dataset=True)
    text = json.dumps({"operation": "upload", "objects": [{"oid": sha256(DATA), "size": len(DATA)}]})

    answer = client.post(
        f"/datasets/{dataset.full_name}.git/info/lfs/objects/batch", text, headers=bearer(dataset.creator), **LFS
    )

    href = answer.json()["objects"][0]["actions"]["upload"]["href"]
    assert href.startswith(f"http://testserver/datasets/{dataset.full_name}.git/info/lfs/upload/")
    assert client.put(href, DATA, **RAW).status_code == 200


def test_what_is_here_already_needs_no_upload(client, repository):
    put_plain(repository, DATA)

    answer = batch(client, repository, "upload", (sha256(DATA), len(DATA))).json()

    assert "actions" not in answer["objects"][0]
    assert "error" not in answer["objects"][0]


def test_what_somebody_else_has_in_private_is_asked_for_and_verified_in_full(client):
    private, mine = RepositoryFactory(private=True), RepositoryFactory()
    put_plain(private, DATA)

    link = offer(client, mine)["upload"]
    lie = client.put(link, noise(len(DATA), seed=22), **RAW)

    assert (lie.status_code, lie.json()["code"]) == (400, "hash_mismatch")
    refused = batch(client, mine, "download", (sha256(DATA), len(DATA))).json()["objects"][0]
    assert refused["error"]["code"] == 404
    assert client.put(link, DATA, **RAW).status_code == 200
    assert Content.objects.count() == 1


def test_each_object_has_its_own_answer(client, repository, settings):
    settings.SMALLHUB_MAX_FILE_BYTES = 8 * 2**30
    objects = [
        (sha256(DATA), len(DATA)),
        ("../../etc/passwd", 5),
        (sha256(b"huge"), 10 * 10**9),
        (sha256(b"x"), -1),
        (None, 5),
        (sha256(b"y"), "5"),
    ]

    found = batch(client, repository, "upload", *objects).json()["objects"]

    assert "actions" in found[0]
    assert [each["error"]["code"] for each in found[1:]] == [422] * 5
    assert "at most 8589934592 bytes" in found[2]["error"]["message"]


def test_a_missing_object_is_404_by_itself(client, repository):
    put_plain(repository, DATA)

    found = batch(client, repository, "download", (sha256(DATA), len(DATA)), (sha256(b"x"), 1)).json()["objects"]

    assert "actions" in found[0]
    assert found[1]["error"]["code"] == 404


@pytest.mark.parametrize(
    ("operation", "who", "status"),
    [
        ("download", "anonymous", 401),
        ("upload", "anonymous", 401),
        ("download", "stranger", 404),
        ("upload", "stranger", 404),
        ("upload", "read token", 403),
        ("download", "read token", 200),
        ("destroy", "owner", 403),
        ("", "owner", 403),
    ],
)
def test_who_may_do_what(client, repository, operation, who, status):
    headers = {
        "anonymous": {},
        "stranger": bearer(UserFactory()),
        "read token": bearer(repository.creator, Scope.READ),
        "owner": bearer(repository.creator),
    }[who]

    answer = batch(client, repository, operation, (sha256(DATA), len(DATA)), headers=headers)

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/vnd.git-lfs+json"
    assert "message" in answer.json() or status == 200
    assert ("LFS-Authenticate" in answer) == (status == 401)


def test_git_signs_in_with_the_token_as_password(client, repository):
    import base64

    secret = bearer(repository.creator)["Authorization"].removeprefix("Bearer ")
    basic = base64.b64encode(f"anything:{secret}".encode()).decode()

    answer = batch(client, repository, "upload", (sha256(DATA), len(DATA)), headers={"Authorization": f"Basic {basic}"})

    assert answer.status_code == 200


@pytest.mark.parametrize("body", ["", "[]", "{", '{"operation": "upload"}', '{"operation": "upload", "objects": [1]}'])
def test_a_malformed_batch_is_refused(client, repository, body):
    answer = client.post(
        f"/{repository.full_name}.git/info/lfs/objects/batch", body, headers=bearer(repository.creator), **LFS
    )

    assert answer.status_code in (400, 403)


def test_another_hash_is_not_spoken(client, repository):
    assert batch(client, repository, "upload", (sha256(DATA), 1), hash_algo="sha1").status_code == 400


# ── Signed addresses ─────────────────────────────────────────────────────────────────────────────


def test_an_address_takes_only_the_bytes_that_it_was_signed_for(client, repository):
    link = offer(client, repository)["upload"]

    for body in (DATA[:-1], DATA + b"x", b"", noise(len(DATA), seed=1)):
        assert client.put(link, body, **RAW).status_code == 400
    assert not Content.objects.exists()
    assert client.put(link, DATA, **RAW).status_code == 200
    assert client.put(link, DATA, **RAW).status_code == 200  # A retry is no harm.


def test_an_address_is_for_one_verb(client, repository):
    put_plain(repository, DATA)
    link = fetch(client, repository)

    assert client.put(link, DATA, **RAW).status_code == 405
    assert client.get(link.replace("/download/", "/upload/")).status_code == 405
    assert client.put(link.replace("/download/", "/upload/"), DATA, **RAW).status_code == 403
    up = offer(client, repository, noise(1000))["upload"]
    assert client.get(up.replace("/upload/", "/download/")).status_code == 403
    assert client.post(up.replace("/upload/", "/verify/"), "{}", **LFS).status_code == 403


def test_a_download_address_ends_after_a_minute(client, repository, monkeypatch):
    put_plain(repository, DATA)
    link = fetch(client, repository)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 62)

    assert client.get(link).status_code == 403


def test_an_address_ends_with_the_token_and_with_the_right(client):
    public = RepositoryFactory()
    put_plain(public, DATA)
    stranger = UserFactory()
    mine, theirs = fetch(client, public), fetch(client, public, headers=bearer(stranger))

    AccessToken.objects.filter(user=public.creator).delete()
    assert client.get(mine).status_code == 403

    public.visibility = Visibility.PRIVATE
    public.save()
    assert client.get(theirs).status_code == 404

    public.delete()
    assert client.get(theirs).status_code == 404


def test_a_range_of_an_object_is_sent_alone(client, repository):
    put_plain(repository, DATA)

    answer = client.get(fetch(client, repository), headers={"Range": "bytes=100000-299999"})

    assert (answer.status_code, body_of(answer)) == (206, DATA[100_000:300_000])
    assert answer["Content-Range"] == f"bytes 100000-299999/{len(DATA)}"


def test_verify_tells_of_what_is_missing(client, repository):
    links = offer(client, repository)
    claim = json.dumps({"oid": sha256(DATA), "size": len(DATA)})

    assert client.post(links["verify"], claim, **LFS).status_code == 404
    assert client.post(links["verify"], json.dumps({"oid": sha256(b"x"), "size": 1}), **LFS).status_code == 403


def test_nothing_is_ever_locked(client, repository):
    headers = bearer(repository.creator)
    base = f"/{repository.full_name}.git/info/lfs/locks"

    assert client.get(base, headers=headers).json() == {"locks": []}
    assert client.post(f"{base}/verify", "{}", headers=headers, **LFS).json() == {"ours": [], "theirs": []}
    assert client.post(base, "{}", headers=headers, **LFS).status_code == 404
    assert client.get(base).status_code == 401
