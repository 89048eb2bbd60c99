"""Blob stores: bytes by their hash, written once. Which one is used says the setting SMALLHUB_BLOBS."""

import secrets
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from blake3 import blake3
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from models_registry.storage.blobs.files import FileBlobStore
from models_registry.storage.blobs.objects import S3BlobStore, S3Place
from models_registry.storage.blobs.protocol import BlobStore, Scratch, ScratchFolder, StoredBlob

__all__ = [
    "BlobStore",
    "FileBlobStore",
    "S3BlobStore",
    "Scratch",
    "ScratchFolder",
    "StoredBlob",
    "blob_store",
    "open_store",
    "self_test",
]


def open_store(url: str, *, scratch: Path) -> BlobStore:
    """The store that a setting names.

    Args:
        scratch: a folder of this machine, for stores that have none of their own.

    Raises:
        ImproperlyConfigured: no store is known for this address.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/"):
        return FileBlobStore(Path(unquote(parts.path)))
    if parts.scheme == "s3":
        try:
            return S3BlobStore(S3Place.of(url), ScratchFolder(scratch))
        except ValueError as error:
            raise ImproperlyConfigured(f"SMALLHUB_BLOBS={url!r} cannot be used: {error}") from error
    raise ImproperlyConfigured(
        f"SMALLHUB_BLOBS={url!r} names no blob store. file:///absolute/folder and s3://bucket/prefix are two."
    )


@lru_cache(maxsize=8)
def _opened(url: str, scratch: Path) -> BlobStore:
    return open_store(url, scratch=scratch)


def blob_store() -> BlobStore:
    """The store of this hub."""
    return _opened(settings.SMALLHUB_BLOBS, settings.SMALLHUB_DATA / "scratch")


def self_test(store: BlobStore | None = None) -> str:
    """Write, read and delete a probe, so that a wrong setting or a full disk shows before an upload meets it.

    Returns:
        "" for a store that works; damage is raised.

    Raises:
        HubError or OSError: the store does not work.
    """
    store = store or blob_store()
    with store.scratch() as scratch:
        scratch.write(b"probe " + secrets.token_bytes(32))
        digest = store.put(scratch)
    with store.open(digest) as stored:
        actual = blake3(stored.read()).hexdigest()
    store.delete(digest)
    return "" if actual == digest else "A probe came back with other bytes."
