"""What must hold between rows and bytes, and of names; and what nothing needs any more."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from models_registry.manifests import unpack
from models_registry.models import (
    Blob,
    BlobState,
    Commit,
    Content,
    FormerName,
    Manifest,
    Repository,
    RepositoryContent,
    UploadPart,
    Xorb,
)
from models_registry.services import content
from models_registry.services.fsck.faults import Fault, Use
from models_registry.storage.terms import unpack_terms, xorbs_of


def check_names() -> Iterator[Fault]:
    """A name that was somebody's never leads to somebody else's repository."""
    for former in FormerName.objects.select_related("namespace").order_by("pk").iterator():
        taken = Repository.objects.filter(kind=former.kind, key=former.key).exclude(namespace=former.namespace)
        for repository in taken.select_related("namespace"):
            yield Fault(f"{repository.kind} {repository.full_name}", f"its name was {former.namespace.name}'s before")


def check_stores(*, deep: bool = False) -> Iterator[Fault]:
    """Packs have their bytes and their row in the books; files are whole, of packs that exist."""
    yield from _check_books()
    yield from _check_files()
    for damage in content.find_damage(deep=deep):
        users = ", ".join(sorted({name for name, _ in damage.files})) or "no repository"
        what = f"{damage.reason}; needed by {users}"
        yield Fault(f"chunks {damage.xorb[:12]}", what, uses=tuple(_uses(damage.files)))


def find_leftovers() -> Iterator[Fault]:
    """Blobs that nothing names, and commits that nothing leads to, for longer than the time of grace."""
    cutoff = timezone.now() - timedelta(days=settings.SMALLHUB_GRACE_DAYS)
    packs = Xorb.objects.filter(blob=OuterRef("digest"))
    parts = UploadPart.objects.filter(blob=OuterRef("digest"))
    for blob in Blob.objects.filter(~Exists(packs), ~Exists(parts), touched_at__lte=cutoff).iterator():
        yield Fault(f"blob {blob.digest[:12]}", f"{blob.size_bytes} bytes that nothing names", is_note=True)
    for commit in Commit.objects.filter(unreachable_since__lte=cutoff).select_related("repository__namespace"):
        name = f"{commit.repository.kind} {commit.repository.full_name} at {commit.oid[:12]}"
        yield Fault(name, "no ref leads to this commit", is_note=True)
    yield from _unknown_blobs()


def _unknown_blobs() -> Iterator[Fault]:
    count = size_bytes = 0
    known = set(Blob.objects.values_list("digest", flat=True).iterator())
    for stored in content.stored_blobs():
        if stored.digest not in known:
            count, size_bytes = count + 1, size_bytes + stored.size_bytes
    if count:
        yield Fault("the blob store", f"{count} blobs of {size_bytes} bytes that no row knows", is_note=True)


def _check_books() -> Iterator[Fault]:
    booked = Blob.objects.filter(digest=OuterRef("blob"), state=BlobState.PRESENT)
    for digest in Xorb.objects.filter(~Exists(booked)).values_list("hash", flat=True).iterator():
        yield Fault(f"chunks {digest[:12]}", "its bytes are not in the books of the store")


def _check_files() -> Iterator[Fault]:
    """Every file's terms name packs that exist, and add up to its size."""
    known = set(Xorb.objects.values_list("hash", flat=True).iterator())
    links = RepositoryContent.objects.select_related("repository__namespace", "content")
    for link in links.order_by("pk").iterator(chunk_size=200):
        where = f"{link.repository.kind} {link.repository.full_name}"
        fault = _fault_of(bytes(link.terms), link.content.size_bytes, known)
        if fault:
            yield Fault(where, f"the content {link.content.sha256[:12]} {fault}")
    for found in Content.objects.order_by("pk").iterator(chunk_size=200):
        fault = _fault_of(bytes(found.terms), found.size_bytes, known)
        if fault:
            yield Fault(f"content {found.sha256[:12]}", fault)


def _fault_of(packed: bytes, size_bytes: int, known: set[str]) -> str:
    missing = xorbs_of(packed) - known
    if missing:
        return f"needs chunks {min(missing)[:12]}, which do not exist"
    total = sum(term.raw_bytes for term in unpack_terms(packed))
    return "" if total == size_bytes else f"is of chunks of {total} bytes, not of {size_bytes}"


def _uses(files: Iterable[tuple[str, str]]) -> Iterator[Use]:
    """The newest commit and path of each damaged file. Reads listings: for the rare case of damage only."""
    wanted: dict[str, set[str]] = {}
    for name, sha256 in files:
        wanted.setdefault(name, set()).add(sha256)
    for repository in Repository.everything.select_related("namespace"):
        left = wanted.get(repository.full_name, set()).copy()
        rows = Manifest.objects.filter(commit__repository=repository).order_by("-commit_id") if left else ()
        for manifest in rows:
            if not left:
                break
            revision = Commit.objects.values_list("oid", flat=True).get(pk=manifest.commit_id)
            for entry in unpack(bytes(manifest.packed)).files.values():
                if entry.sha256 in left:
                    left.discard(entry.sha256)
                    yield Use(repository.full_name, revision, entry.path)
