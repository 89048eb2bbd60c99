import pytest
from django.test import RequestFactory

from hub.core.ranges import Span
from models_registry.api.sending import FileRange, content_response
from models_registry.services import content
from models_registry.storage.blobs import blob_store
from models_registry.storage.exceptions import CorruptContent, RangeNotSatisfiable
from tests.factories.content import noise, put_plain
from tests.factories.registry import RepositoryFactory
from tests.factories.stores import flip

pytestmark = pytest.mark.django_db

DATA = noise(1_200_000, seed=31)


def get(found, method="GET", **headers):
    response = content_response(RequestFactory().generic(method, "/", headers=headers), found, etag='"now"')
    return response, b"".join(response.streaming_content) if response.streaming else response.content


@pytest.fixture
def found():
    return put_plain(RepositoryFactory(), DATA)


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-9", 0, 10), ("bytes=-5", 1_199_995, 1_200_000), ("bytes=600000-", 600_000, 1_200_000)],
)
def test_a_range_comes_from_the_copy_and_from_the_chunks_alike(found, cached, asked, start, stop):
    if cached:
        content.materialise(found)

    response, body = get(found, Range=asked)

    assert (response.status_code, body) == (206, DATA[start:stop])
    assert response["Content-Length"] == str(stop - start)
    assert response["Content-Range"] == f"bytes {start}-{stop - 1}/{len(DATA)}"


@pytest.mark.parametrize("header", [None, "bytes=0-1,4-5", "lines=1-2", "bytes=" + "0-1," * 10_000 + "0-1"])
def test_no_range_or_many_send_everything(found, header):
    response, body = get(found, **({"Range": header} if header else {}))

    assert (response.status_code, body) == (200, DATA)


@pytest.mark.parametrize(("held", "status"), [('"now"', 206), ('"before"', 200), ('W/"now"', 200)])
def test_a_part_of_something_else_is_not_gone_on_with(found, held, status):
    response, _ = get(found, **{"Range": "bytes=0-9", "If-Range": held})

    assert response.status_code == status


def test_head_says_the_length_and_sends_nothing(found):
    response, body = get(found, method="HEAD")

    assert (response["Content-Length"], body) == (str(len(DATA)), b"")


def test_a_range_behind_the_end_is_refused(found):
    with pytest.raises(RangeNotSatisfiable):
        get(found, Range="bytes=1200000-")


def test_damage_in_the_first_piece_is_an_error_before_the_answer_begins(found):
    (blob,) = blob_store().iterate()
    flip(blob_store(), blob.digest, 50)

    with pytest.raises(CorruptContent):
        get(found)


def test_a_file_range_ends_where_it_should_for_servers_without_sendfile(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(DATA)

    part = FileRange(path.open("rb"), Span(10, 700_010))
    pieces = list(iter(lambda: part.read(4096), b""))
    part.close()

    assert b"".join(pieces) == DATA[10:700_010]
