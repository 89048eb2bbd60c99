"""The S3 store on a real server; the faults of a server by a proxy of ours before it."""

import threading
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime

import pytest
from blake3 import blake3
from botocore.exceptions import ClientError

from models_registry.storage import blobs
from models_registry.storage.blobs.objects import PART_BYTES, S3Place
from models_registry.storage.digests import BlobDigest
from models_registry.storage.exceptions import CorruptContent, StoreFull, StoreUnavailable
from tests import object_server
from tests.models_registry.storage.blobs.fault_proxy import FaultProxy

BIG = bytes(range(256)) * 80_000


def fetch(url, byte_range=None, method="GET"):
    request = urllib.request.Request(url, method=method, headers={"Range": byte_range} if byte_range else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""


def url_of(place: S3Place, **changes) -> str:
    options = {"endpoint_url": place.endpoint_url, "region": place.region, "path_style": "1"} | changes
    query = "&".join(f"{name}={value}" for name, value in options.items())
    return f"s3://{place.bucket}/{place.prefix.rstrip('/')}?{query}"


@pytest.fixture
def behind_proxy(s3, tmp_path):
    """The same place through a proxy that can be told to misbehave."""
    with FaultProxy(s3.place.endpoint_url) as proxy:
        yield proxy, blobs.open_store(url_of(s3.place, endpoint_url=proxy.url), scratch=tmp_path / "scratch")


def test_a_damaged_object_is_found_and_mended(s3, put):
    digest = put(s3, b"hello" * 100)
    s3._client().put_object(Bucket=s3.place.bucket, Key=s3._key(digest), Body=b"jello" * 100)

    with pytest.raises(CorruptContent):
        s3.open_checked(digest)
    put(s3, b"hello" * 100)

    assert s3.open_checked(digest).read() == b"hello" * 100


def test_a_good_object_is_not_written_again_where_the_server_knows_the_condition(s3, put):
    """And where it does not, the same bytes are written once more, which harms nobody."""
    digest = put(s3, b"hello")
    seen = []
    s3._client().meta.events.register("before-call.s3.PutObject", lambda params, **_: seen.append(params["headers"]))

    put(s3, b"hello")

    assert [headers["If-None-Match"] for headers in seen] == ["*"]
    assert all("Content-MD5" in headers for headers in seen)
    assert s3.open(digest).read() == b"hello"


def test_a_server_that_refuses_conditions_is_asked_first(s3, put, monkeypatch):
    digest = put(s3, b"hello")
    client = s3._client()
    real, sent = client.put_object, []

    def refusing(**given):
        if "IfNoneMatch" in given:
            raise ClientError({"Error": {"Code": "NotImplemented"}}, "PutObject")
        sent.append(given["Key"])
        return real(**given)

    monkeypatch.setattr(client, "put_object", refusing)

    put(s3, b"hello")
    other = put(s3, b"other")

    assert sent == [s3._key(other)]
    assert s3.open(digest).read() == b"hello"


def test_a_taken_key_is_compared_and_left_alone(s3, put, monkeypatch):
    """As a server that knows conditions answers."""
    digest = put(s3, b"hello")
    client = s3._client()

    def taken(**given):
        raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")

    monkeypatch.setattr(client, "put_object", taken)

    assert put(s3, b"hello") == digest


def test_a_link_gives_its_range_and_nothing_else(s3, put):
    digest = put(s3, BIG)
    link = s3.address(digest, start=100, stop=1100, lifetime_s=30)

    assert fetch(link, "bytes=100-1099") == (206, BIG[100:1100])
    assert fetch(link)[0] == 403
    assert fetch(link, "bytes=0-1099")[0] == 403
    assert fetch(link, "bytes=100-1099", method="PUT")[0] == 403


@pytest.mark.parametrize(
    ("old", "new"),
    [("X-Amz-Expires=30", "X-Amz-Expires=3000"), ("Signature=", "Signature=0"), ("/objects/", "/objects/0")],
)
def test_a_tampered_link_opens_nothing(s3, put, old, new):
    link = s3.address(put(s3, BIG), start=0, stop=10, lifetime_s=30)
    assert old in link

    assert fetch(link.replace(old, new), "bytes=0-9")[0] in {403, 404}
    assert fetch(link.replace("X-Amz-Credential=", "X-Amz-Credential=X"), "bytes=0-9")[0] == 403


def test_a_link_of_another_object_opens_nothing(s3, put):
    link = s3.address(put(s3, b"one" * 50), start=0, stop=10, lifetime_s=30)
    other = put(s3, b"two" * 50)
    mine = link.split("/objects/")[1].split("?")[0]

    assert fetch(link.replace(mine, other), "bytes=0-9")[0] == 403


def test_a_link_ends_after_its_time_and_never_lives_longer_than_a_minute(s3, put):
    digest = put(s3, b"hello" * 10)
    short = s3.address(digest, start=0, stop=10, lifetime_s=1)
    assert "X-Amz-Expires=60" in s3.address(digest, start=0, stop=10, lifetime_s=86_400)
    assert fetch(short, "bytes=0-9")[0] == 206

    deadline = time.monotonic() + 15
    while fetch(short, "bytes=0-9")[0] == 206 and time.monotonic() < deadline:
        time.sleep(0.5)

    assert fetch(short, "bytes=0-9")[0] == 403


def test_links_of_a_wrong_key_open_nothing(s3, put, monkeypatch, tmp_path):
    digest = put(s3, b"hello" * 10)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    stranger = blobs.open_store(url_of(s3.place), scratch=tmp_path)

    assert fetch(stranger.address(digest, start=0, stop=10, lifetime_s=30), "bytes=0-9")[0] == 403


def test_a_wrong_key_is_named_within_ten_seconds(s3, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    started = time.monotonic()

    with pytest.raises(StoreUnavailable, match=r"SignatureDoesNotMatch|403"):
        blobs.self_test(blobs.open_store(url_of(s3.place), scratch=tmp_path))
    assert time.monotonic() - started < 10


def test_a_server_that_is_away_is_named_within_ten_seconds(s3, tmp_path):
    started = time.monotonic()

    with pytest.raises(StoreUnavailable, match="EndpointConnectionError"):
        blobs.self_test(blobs.open_store(url_of(s3.place, endpoint_url="http://127.0.0.1:9"), scratch=tmp_path))
    assert time.monotonic() - started < 10


def test_a_missing_bucket_is_named(s3, tmp_path):
    url = url_of(s3.place).replace(s3.place.bucket, "no-such-bucket")

    with pytest.raises(StoreUnavailable, match="NoSuchBucket"):
        blobs.self_test(blobs.open_store(url, scratch=tmp_path))


def test_a_full_server_is_said_to_be_full(s3, put, monkeypatch):
    def full(**given):
        raise ClientError({"Error": {"Code": "QuotaExceeded"}}, "PutObject")

    monkeypatch.setattr(s3._client(), "put_object", full)

    with pytest.raises(StoreFull):
        put(s3, b"hello")


def test_an_upload_that_stops_half_way_is_aborted(s3, put, monkeypatch):
    client = s3._client()
    real, parts = client.upload_part, []

    def second_fails(**given):
        parts.append(given["PartNumber"])
        if len(parts) == 2:
            raise ClientError({"Error": {"Code": "InternalError"}}, "UploadPart")
        return real(**given)

    monkeypatch.setattr(client, "upload_part", second_fails)

    with pytest.raises(StoreUnavailable):
        put(s3, BIG)
    assert client.list_multipart_uploads(Bucket=s3.place.bucket, Prefix=s3.place.prefix).get("Uploads", []) == []
    assert list(s3.iterate()) == []


def test_uploads_of_killed_processes_are_cleaned_when_they_are_old(s3):
    client = s3._client()
    key = s3._key(BlobDigest("a" * 64))
    client.create_multipart_upload(Bucket=s3.place.bucket, Key=key)

    assert s3.clean_scratch(older_than_s=3600) == 0
    assert s3.clean_scratch(older_than_s=-60) == 1
    assert client.list_multipart_uploads(Bucket=s3.place.bucket, Prefix=s3.place.prefix).get("Uploads", []) == []


def test_foreign_objects_under_the_prefix_are_not_listed(s3, put):
    digest = put(s3, b"hello")
    s3._client().put_object(Bucket=s3.place.bucket, Key=f"{s3.place.prefix}objects/README", Body=b"x")

    listed = list(s3.iterate())

    assert [blob.digest for blob in listed] == [digest]
    assert abs(listed[0].modified_at_s - datetime.now(UTC).timestamp()) < 120


def test_with_every_tenth_answer_an_error_nothing_is_lost_and_nothing_left_over(behind_proxy, s3, put):
    proxy, store = behind_proxy
    proxy.fail_every(10)
    values = [bytes([number]) * (2000 + number) for number in range(40)] + [BIG]
    stored = []
    for value in values:
        try:
            stored.append((put(store, value), value))
        except StoreUnavailable:
            continue  # Refused in clear words: the client sends it again.

    assert len(stored) >= len(values) * 0.9
    assert proxy.failed > 5
    for digest, value in stored:
        assert s3.open(digest).read() == value
    s3.clean_scratch(older_than_s=-60)
    assert s3._client().list_multipart_uploads(Bucket=s3.place.bucket, Prefix=s3.place.prefix).get("Uploads", []) == []


def test_an_answer_that_is_lost_after_the_write_is_asked_for_again(behind_proxy, s3, put):
    proxy, store = behind_proxy
    proxy.drop_answers_of("PUT", 1)

    digest = put(store, b"hello")

    assert proxy.failed == 1
    assert s3.open(digest).read() == b"hello"


def test_what_a_slow_listing_server_hides_for_a_while_is_waited_for(s3, put, monkeypatch):
    client = s3._client()
    real, hidden = client.head_object, [2]

    def lagging(**given):
        if hidden[0]:
            hidden[0] -= 1
            raise ClientError({"Error": {"Code": "404"}}, "HeadObject")
        return real(**given)

    monkeypatch.setattr(client, "head_object", lagging)

    assert s3.open(put(s3, b"hello")).read() == b"hello"


def test_a_hundred_parallel_puts_keep_the_key_true(s3, put):
    digest = BlobDigest(blake3(b"same" * 1000).hexdigest())
    wrong = []

    def work(number):
        if put(s3, b"same" * 1000) != digest or s3.open(digest).read() != b"same" * 1000:
            wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert object_server.plain_client(url_of(s3.place)).head_object(Bucket=s3.place.bucket, Key=s3._key(digest))
    assert len(BIG) > PART_BYTES
