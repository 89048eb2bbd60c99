"""Chunk clients that are sent to the S3 server itself; and a server that does not let the hub in. On a real one."""

import time
import urllib.error
import urllib.request

import pytest
from django.test import Client

from hub.core.ranges import Span
from models_registry.api.cas import DATA_LIFETIME_S
from models_registry.api.sending import stored_address, stored_response
from models_registry.models import Blob, Xorb
from models_registry.services import content
from models_registry.storage.digests import XetHash
from tests import object_server
from tests.factories.content import noise, send
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db
DATA = noise(700_000, 4)


@pytest.fixture(autouse=True)
def _on_s3(object_store, settings):
    settings.SMALLHUB_BLOBS = object_server.own_prefix(object_store)
    yield
    object_server.empty(settings.SMALLHUB_BLOBS)


def fetch(url, first, stop):
    request = urllib.request.Request(url, headers={"Range": f"bytes={first}-{stop - 1}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""


@pytest.fixture
def run():
    """One run of a stored file, as clients are told of it."""
    repository = RepositoryFactory()
    xorb = send(repository, DATA)
    link = repository.content_links.get()
    found = content.reconstruct(link, start=200_000, stop=300_000)
    ((digest, (each,)),) = found.fetches.items()
    return digest, each, xorb


def test_an_address_gives_its_run_and_no_byte_beside_it(run):
    digest, each, xorb = run
    url = stored_address(digest, each, lifetime_s=DATA_LIFETIME_S)

    assert fetch(url, each.first_byte, each.stop_byte) == (206, xorb.body[each.first_byte : each.stop_byte])
    assert fetch(url, 0, each.stop_byte)[0] == 403
    assert fetch(url, each.first_byte, each.stop_byte + 1)[0] == 403
    assert f"X-Amz-Expires={DATA_LIFETIME_S}" in url
    assert DATA_LIFETIME_S <= 60


def test_an_address_ends(run):
    digest, each, _ = run
    url = stored_address(digest, each, lifetime_s=1)
    deadline = time.monotonic() + 15
    while fetch(url, each.first_byte, each.stop_byte)[0] == 206 and time.monotonic() < deadline:
        time.sleep(0.5)

    assert fetch(url, each.first_byte, each.stop_byte)[0] == 403


def test_bytes_that_are_known_to_be_bad_have_no_address(run):
    digest, each, _ = run
    Blob.objects.update(damage="wrong bytes")

    assert stored_address(digest, each, lifetime_s=60) is None


def test_without_the_setting_the_hub_passes_checked_bytes_on(run):
    digest, each, xorb = run
    row = Xorb.objects.get(hash=XetHash(digest))
    response = stored_response(row, Span(each.first_byte + 5, each.stop_byte - 5))

    assert b"".join(response.streaming_content) == xorb.body[each.first_byte + 5 : each.stop_byte - 5]


def test_a_whole_copy_is_made_on_this_machine(run, own_data):
    found = content.Content.objects.get()

    path = content.materialise(found)

    assert path.is_relative_to(own_data / "cache")
    assert path.read_bytes() == DATA
    assert content.cached_path(found) == path


def test_a_wrong_key_makes_the_hub_unready_within_ten_seconds(monkeypatch, settings, own_data):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    address = settings.SMALLHUB_BLOBS
    settings.SMALLHUB_BLOBS = object_server.own_prefix(address)  # A store that has not been opened with the right one.
    started = time.monotonic()

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert "StoreUnavailable" in answer.json()["checks"]["blobs"]
    assert time.monotonic() - started < 10
    monkeypatch.undo()
    settings.SMALLHUB_BLOBS = address
