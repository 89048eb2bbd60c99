"""Which repository may read which content. A link row is the only answer; knowing a hash opens nothing."""

from collections.abc import Sequence

from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from accounts.models import User
from models_registry.models import Content, Repository, RepositoryContent
from models_registry.storage.digests import Sha256, XetHash
from models_registry.storage.exceptions import HashMismatch
from models_registry.storage.terms import Term, pack_terms


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


def link(*, repository: Repository, content: Content, path: str = "", ref: str = "") -> None:
    """Let this repository read this content. Who calls has checked that the caller delivered it or may read it.

    Args:
        path, ref: where it is committed, if it is; people are told of the first.
    """
    where = {"path": path[:1024], "ref": ref[:255]}
    row = RepositoryContent(
        repository=repository, content=content, xet_hash=content.xet_hash, terms=bytes(content.terms), **where
    )
    # A link that exists stays as it is; of two at once one wins.
    RepositoryContent.objects.bulk_create([row], ignore_conflicts=True)
    if path:
        RepositoryContent.objects.filter(repository=repository, content=content, path="").update(**where)


def is_linked(repository: Repository, *, sha256: Sha256, xet_hash: XetHash, terms: Sequence[Term]) -> bool:
    """Does this repository hold this very file, in these very chunks, already?"""
    found = RepositoryContent.objects.filter(repository=repository, content__sha256=sha256, xet_hash=xet_hash).first()
    return found is not None and bytes(found.terms) == pack_terms(terms)


@transaction.atomic
def record(
    *, repository: Repository, sha256: Sha256, xet_hash: XetHash, size_bytes: int, terms: Sequence[Term]
) -> tuple[Content, bool]:
    """Write the rows of a file whose bytes are durable and verified. Says whether this repository did not have it.

    Raises:
        HashMismatch: the rows that exist contradict the file, which no honest bytes can do.
    """
    packed = pack_terms(terms)
    row = Content(sha256=sha256, xet_hash=xet_hash, size_bytes=size_bytes, terms=packed)
    Content.objects.bulk_create([row], ignore_conflicts=True)
    content = Content.objects.get(sha256=sha256)
    if content.size_bytes != size_bytes:
        raise HashMismatch(what="file", actual=sha256, expected=f"{content.size_bytes} bytes")
    content.xet_hash, content.terms = xet_hash, packed
    is_new = not RepositoryContent.objects.filter(repository=repository, content=content).exists()
    link(repository=repository, content=content)
    return content, is_new


def _as_linked(row: RepositoryContent) -> Content:
    content = row.content
    content.xet_hash, content.terms = row.xet_hash, row.terms
    return content
