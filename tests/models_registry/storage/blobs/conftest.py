import pytest

from models_registry.storage import blobs
from tests import object_server


@pytest.fixture
def s3(object_store, tmp_path):
    """A store on the server, under a prefix of its own."""
    url = object_server.own_prefix(object_store)
    yield blobs.open_store(url, scratch=tmp_path / "scratch")
    object_server.empty(url)


@pytest.fixture(params=["files", "s3"])
def any_store(request, tmp_path):
    """Each kind of store in turn."""
    if request.param == "files":
        return blobs.FileBlobStore(tmp_path / "store")
    return request.getfixturevalue("s3")


@pytest.fixture
def put():
    def put_bytes(store, data):
        with store.scratch() as scratch:
            scratch.write(data)
            return store.put(scratch)

    return put_bytes
