import pytest

from models_registry.storage.blobs import FileBlobStore, blob_store


@pytest.fixture
def store() -> FileBlobStore:
    return blob_store()


@pytest.fixture
def stored_bytes(store):
    """How many bytes the store holds now."""
    return lambda: sum(blob.size_bytes for blob in store.iterate())
