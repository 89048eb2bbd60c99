"""The store's bytes as a fault would change them, whichever store it is; and time that passes for rows."""

from datetime import timedelta

from django.utils import timezone

from models_registry.models import Blob, Commit, Content, RepositoryContent, Xorb
from models_registry.storage.blobs import BlobStore, FileBlobStore, S3BlobStore
from models_registry.storage.digests import BlobDigest


def overwrite(store: BlobStore, digest: str, data: bytes) -> None:
    """Put other bytes in a blob's place, past the store."""
    if isinstance(store, FileBlobStore):
        path = store._path(BlobDigest(digest))
        path.chmod(0o600)
        path.write_bytes(data)
        return
    assert isinstance(store, S3BlobStore)
    store._client().put_object(Bucket=store.place.bucket, Key=store._key(BlobDigest(digest)), Body=data)


def stored(store: BlobStore, digest: str) -> bytes:
    with store.open(BlobDigest(digest)) as file:
        return file.read()


def flip(store: BlobStore, digest: str, at: int) -> None:
    """Change one byte."""
    data = bytearray(stored(store, digest))
    data[at] ^= 1
    overwrite(store, digest, bytes(data))


def cut(store: BlobStore, digest: str, size_bytes: int) -> None:
    """Leave only the first bytes."""
    overwrite(store, digest, stored(store, digest)[:size_bytes])


def is_bare(store: BlobStore) -> bool:
    """Is nothing stored, and nothing left half way?"""
    return not list(store.iterate()) and not store.clean_scratch(older_than_s=-60)


def let_days_pass(days: float) -> None:
    """As if all that is there had been touched, and found useless, so many days earlier."""
    ago = timezone.now() - timedelta(days=days)
    for model in (Blob, Content, RepositoryContent, Xorb):
        model.objects.update(touched_at=ago)
    Commit.objects.filter(unreachable_since__isnull=False).update(unreachable_since=ago)
