"""Looking after the store: leftovers of killed processes, damage."""

from collections.abc import Iterator
from dataclasses import dataclass

from models_registry.models import RepositoryContent, Xorb
from models_registry.storage.blobs import StoredBlob, blob_store
from models_registry.storage.cache import whole_file_cache
from models_registry.storage.digests import BlobDigest, XetHash
from models_registry.storage.exceptions import CorruptContent
from models_registry.storage.terms import unpack_terms

LEFTOVER_AGE_S = 24 * 3600.0  # No upload takes so long, so a scratch file of this age has no writer any more.


@dataclass(frozen=True)
class Damage:
    """A xorb whose bytes are gone or wrong, and the repositories with the SHA-256 of the files that need it."""

    xorb: str
    reason: str
    files: tuple[tuple[str, str], ...]


def clean_leftovers(*, older_than_s: float = LEFTOVER_AGE_S) -> int:
    """Remove half-written files, as a server does when it starts. Returns how many."""
    return blob_store().clean_scratch(older_than_s=older_than_s) + whole_file_cache().clean(older_than_s=older_than_s)


def stored_blobs() -> Iterator[StoredBlob]:
    """All that the store holds, whatever rows say."""
    return blob_store().iterate()


def find_damage(*, deep: bool = False) -> Iterator[Damage]:
    """Look at every xorb's blob: is it there, and as long as its row says; `deep` also hashes it."""
    store = blob_store()
    for xorb in Xorb.objects.defer("chunk_table").order_by("pk").iterator():
        digest = BlobDigest(xorb.blob)
        size = store.size(digest)
        if size is None:
            yield Damage(xorb.hash, "missing", _users_of(xorb))
        elif size != xorb.stored_bytes:
            yield Damage(xorb.hash, f"{size} bytes instead of {xorb.stored_bytes}", _users_of(xorb))
        elif deep:
            try:
                store.open_checked(digest).close()
            except CorruptContent:
                yield Damage(xorb.hash, "wrong bytes", _users_of(xorb))


def _users_of(xorb: Xorb) -> tuple[tuple[str, str], ...]:
    """Repositories and files that need a xorb. Reads all terms: for the rare case of damage only."""
    needed = XetHash(xorb.hash)
    rows = RepositoryContent.objects.select_related("repository__namespace", "content").order_by("pk")
    return tuple(
        (row.repository.full_name, row.content.sha256)
        for row in rows.iterator()
        if any(term.xorb == needed for term in unpack_terms(row.terms))
    )
