"""Which repository may read which content. A link row is the only answer; knowing a hash opens nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from models_registry.models import Blob, Content, Repository, RepositoryContent, StorageUse, Xorb
from models_registry.services import quotas
from models_registry.storage.digests import Sha256, XetHash
from models_registry.storage.exceptions import BeingCollected, HashMismatch, UnknownXorb
from models_registry.storage.terms import Term, pack_terms, xorbs_of

_BATCH = 500


@dataclass(frozen=True)
class NewFile:
    """A whole file as it came: its digests, and where its chunks lie."""

    sha256: Sha256
    xet_hash: XetHash
    size_bytes: int
    terms: Sequence[Term]


def find_readable(*, repository: Repository, user: User | AnonymousUser, sha256: str) -> Content | None:
    """The content of this digest, if it is linked to this repository or to one whose files this person may have.

    Its `xet_hash` and `terms` are those by which it came to the repository where it was found, for showing and linking;
    the instance is not for saving.

    Raises:
        BadDigest: this is no SHA-256.
    """
    links = RepositoryContent.objects.filter(content__sha256=Sha256(sha256)).select_related("content")
    found = links.filter(repository=repository).first()
    if found is None:
        readable = Repository.objects.downloadable_by(user).values("pk")
        found = links.filter(repository__in=readable).order_by("pk").first()
    return _as_linked(found) if found else None


def find_linked(*, repository: Repository, sha256: str) -> Content | None:
    """The same, if it is linked to this very repository.

    Raises:
        BadDigest: this is no SHA-256.
    """
    links = RepositoryContent.objects.filter(repository=repository, content__sha256=Sha256(sha256))
    found = links.select_related("content").first()
    return _as_linked(found) if found else None


def link(*, repository: Repository, content: Content, path: str = "", ref: str = "") -> bool:
    """Let this repository read this content. Who calls has checked that the caller delivered it or may read it.

    Says whether it was not linked before.

    Args:
        path, ref: where it is committed, if it is; people are told of the first.

    Raises:
        QuotaExceeded, BeingCollected
    """
    return link_all(repository=repository, contents=[(content, path)], ref=ref) > 0


@transaction.atomic
def link_all(*, repository: Repository, contents: Sequence[tuple[Content, str]], ref: str = "") -> int:
    """The same for several, each with its path or "". Returns how many were new.

    Rows are locked in one order everywhere: the repository's, xorbs, contents, the namespace's quota.
    """
    StorageUse.objects.lock(repository)
    by_row = {content.pk: (content, path) for content, path in reversed(contents)}
    new = [by_row[pk][0] for pk in sorted(by_row) if _link(repository, *by_row[pk], ref)]
    if new:
        total = sum(content.size_bytes for content in new)
        quotas.count(repository=repository, content_bytes=total, keys=[content.sha256 for content in new])
    return len(new)


def is_linked(repository: Repository, *, sha256: Sha256, xet_hash: XetHash, terms: Sequence[Term]) -> bool:
    """Does this repository hold this very file, in these very chunks, already?"""
    found = RepositoryContent.objects.filter(repository=repository, content__sha256=sha256, xet_hash=xet_hash).first()
    return found is not None and bytes(found.terms) == pack_terms(terms)


@transaction.atomic
def record(*, repository: Repository, files: Sequence[NewFile]) -> list[Content]:
    """Write the rows of files whose bytes are durable and verified, all or none. Returns their contents in order.

    Raises:
        HashMismatch: the rows that exist contradict a file, which no honest bytes can do.
        UnknownXorb: a pack of chunks was collected while the file was on its way; it must be sent again.
        QuotaExceeded, BeingCollected
    """
    StorageUse.objects.lock(repository)
    _hold_xorbs({term.xorb for file in files for term in file.terms})
    found = {file.sha256: _content(file) for file in sorted(files, key=lambda file: file.sha256)}
    link_all(repository=repository, contents=[(content, "") for content in found.values()])
    return [found[file.sha256] for file in files]


def _content(file: NewFile) -> Content:
    packed = pack_terms(file.terms)
    row = Content(sha256=file.sha256, xet_hash=file.xet_hash, size_bytes=file.size_bytes, terms=packed)
    Content.objects.bulk_create([row], ignore_conflicts=True)
    content = Content.objects.filter(sha256=file.sha256).first()
    if content is None:
        raise BeingCollected
    if content.size_bytes != file.size_bytes:
        raise HashMismatch(what="file", actual=file.sha256, expected=f"{content.size_bytes} bytes")
    content.xet_hash, content.terms = file.xet_hash, packed
    return content


def _hold_xorbs(hashes: set[XetHash]) -> None:
    """Keep the packs that files are made of, until the rows that name them are written."""
    wanted = sorted(hashes)
    for at in range(0, len(wanted), _BATCH):
        batch = wanted[at : at + _BATCH]
        rows = Xorb.objects.filter(hash__in=batch).order_by("hash").select_for_update()
        held = list(rows.values_list("hash", flat=True))
        if len(held) != len(batch):
            raise UnknownXorb(hash=min(set(batch) - set(held)))
        Xorb.objects.filter(hash__in=batch).update(touched_at=timezone.now())


def _link(repository: Repository, content: Content, path: str, ref: str) -> bool:
    """A link that exists stays as it is; noted are that it was wanted again, and where it was committed first."""
    where = {"path": path[:1024], "ref": ref[:255]}
    now = timezone.now()
    if not Content.objects.filter(pk=content.pk).update(touched_at=now):
        raise BeingCollected
    rows = RepositoryContent.objects.filter(repository=repository, content=content)
    if path:
        rows.filter(path="").update(**where)
    if rows.update(touched_at=now):
        _mend(rows, content)
        return False
    RepositoryContent.objects.create(
        repository=repository, content=content, xet_hash=content.xet_hash, terms=bytes(content.terms), **where
    )
    return True


def _mend(rows: QuerySet[RepositoryContent], content: Content) -> None:
    """Where a file came again whose chunks are known to be damaged, take it as it came now."""
    old = rows.first()
    if old is None or bytes(old.terms) == bytes(content.terms):
        return
    bad = Blob.objects.exclude(damage="").values("digest")
    if Xorb.objects.filter(hash__in=xorbs_of(bytes(old.terms)), blob__in=bad).exists():
        rows.update(xet_hash=content.xet_hash, terms=bytes(content.terms))
        Content.objects.filter(pk=content.pk).update(xet_hash=content.xet_hash, terms=bytes(content.terms))


def _as_linked(row: RepositoryContent) -> Content:
    content = row.content
    content.xet_hash, content.terms = row.xet_hash, row.terms
    return content
