"""A repository of one's own with another's files. Bytes are not copied: content is linked, small blobs are rows."""

from collections.abc import Iterator

from accounts.models import User
from models_registry.exceptions import PrivateSource
from models_registry.git.store import RowObjectStore
from models_registry.manifests import listing_of
from models_registry.models import AuditEntry, Commit, GitObject, Kind, Repository, ScanVerdict, Visibility
from models_registry.permissions import Action, can, require
from models_registry.services import audit, content, heads
from models_registry.services.commits import adopt_listing
from models_registry.services.events import note_event
from models_registry.services.repositories import new_repository
from models_registry.services.revisions import find_commit
from models_registry.types import Listing

_ROWS = 200  # Small files of up to a megabyte each, held at once.


def duplicate_repository(
    *, source: Repository, user: User, namespace: str, name: str, visibility: Visibility | None = None
) -> Repository:
    """Make a repository whose first commit has the very tree of another's default branch. Its history stays behind.

    What others may not simply read stays so: the copy of a private or gated repository is private, unless its
    administrator says otherwise.

    Raises:
        RepositoryNotFound, GatedRepository: she may not read the source's files.
        PrivateSource: the copy would show to everybody what the source does not.
        NotAMember, InvalidRepositoryName, RepositoryExists, NameReserved: as for any new repository.
        QuotaExceeded: its namespace has no room for it.
    """
    require(user, Action.DOWNLOAD, source)
    closed = source.is_private or source.is_gated
    wanted = visibility or (Visibility.PRIVATE if closed else Visibility(source.visibility))
    if closed and wanted == Visibility.PUBLIC and not can(user, Action.ADMINISTER, source):
        raise PrivateSource(name=source.full_name)
    commit = find_commit(source, None)
    kind = Kind(source.kind)
    with new_repository(user=user, namespace=namespace, name=name, kind=kind, visibility=wanted) as made:
        listing = listing_of(commit)
        _copy_blobs(source, made, listing)
        _link_contents(source, made, listing)
        adopt_listing(repository=made, user=user, listing=listing, title=f"Duplicate from {source.full_name}")
        _keep_verdict(commit, made)
        audit.note(repository=made, actor=user, deed=AuditEntry.Deed.DUPLICATED, source=source.full_name)
        note_event(repository=made, action="create", scope="repo")
    return made


def _copy_blobs(source: Repository, target: Repository, listing: Listing) -> None:
    oids = sorted({entry.oid for entry in listing.files.values()})
    for some in _portions(oids):
        found = GitObject.objects.filter(repository=source, oid__in=some)
        RowObjectStore(target).add_raw((row.oid, row.type, bytes(row.body)) for row in found)


def _link_contents(source: Repository, target: Repository, listing: Listing) -> None:
    hashes = sorted({entry.sha256 for entry in listing.files.values() if entry.is_large})
    for some in _portions(hashes):
        found = [content.find_linked(repository=source, sha256=sha256) for sha256 in some]
        content.link_all(repository=target, contents=[(each, "") for each in found if each is not None])


def _portions(names: list[str]) -> Iterator[list[str]]:
    return (names[start : start + _ROWS] for start in range(0, len(names), _ROWS))


def _keep_verdict(commit: Commit, made: Repository) -> None:
    """What is held back there is held back here from the first moment, until the copy's own scan has run."""
    if commit.held:
        for copy in made.commits.all():
            heads.note_scan(commit=copy, verdict=ScanVerdict(commit.scan_verdict), held=commit.held)
