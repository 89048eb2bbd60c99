"""Data sets of benchmarks as repositories on this hub: made and renewed through the registry's services."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from accounts.models import User
from accounts.services import create_user
from models_registry.manifests import listing_of
from models_registry.models import Commit, Kind, Repository, Visibility
from models_registry.modes import TEXT_LIMIT, UploadRules
from models_registry.services import content
from models_registry.services.commits import commit
from models_registry.services.repositories import create_repository
from models_registry.services.revisions import find_commit
from models_registry.types import AddFile, AddLarge, DeleteFile, Listing, Operation

PUBLISHER = "smallhub"
_KEPT = ".gitattributes"  # Every repository begins with it.


@dataclass(frozen=True)
class Published:
    """A data set's repository and the commit that holds the wanted files; `changed` if that commit is new."""

    repository: Repository
    commit: Commit
    changed: bool


def publisher(name: str = PUBLISHER) -> User:
    """The user that publishes what comes with the product; made without a password if missing."""
    return User.objects.filter(username__iexact=name).first() or create_user(username=name)


def publish_dataset(
    *, user: User, name: str, files: Mapping[str, Path | bytes], visibility: Visibility, title: str
) -> Published:
    """Make the repository `user/name` hold exactly these files; commits only when something differs.

    Args:
        files: content by path in the repository.
        visibility: for a new repository; that of an old one is its owner's to decide and stays.
    """
    repository = Repository.objects.named(Kind.DATASET, user.username, name).first()
    if repository is None:
        repository = create_repository(
            user=user, namespace=user.username, name=name, kind=Kind.DATASET, visibility=visibility
        )
    head = find_commit(repository, None)
    operations = _differences(repository, user, listing_of(head), files)
    if not operations:
        return Published(repository, head, changed=False)
    made = commit(
        repository=repository,
        user=user,
        branch=repository.default_branch,
        title=title,
        operations=operations,
        expected_head=head.oid,
    )
    repository.refresh_from_db()
    return Published(repository, made, changed=True)


def files_of(folder: Path) -> dict[str, Path | bytes]:
    """The plain files below a folder by their path in it, without what editors and Python leave behind."""
    found = sorted(entry for entry in folder.rglob("*") if entry.is_file() and not entry.is_symlink())
    paths = {entry.relative_to(folder).as_posix(): entry for entry in found}
    return {path: entry for path, entry in paths.items() if not _is_hidden(path)}


def _is_hidden(path: str) -> bool:
    return any(part.startswith((".", "__")) for part in path.split("/"))


def _differences(
    repository: Repository, user: User, listing: Listing, files: Mapping[str, Path | bytes]
) -> list[Operation]:
    rules = UploadRules.of(repository, listing)
    operations: list[Operation] = []
    for path, source in files.items():
        sha256 = _sha256(source)
        before = listing.files.get(path)
        if before is None or before.sha256 != sha256:
            operations.append(_addition(repository, user, rules, path, source, sha256))
    gone = listing.files.keys() - files.keys() - {_KEPT}
    return operations + [DeleteFile(path) for path in sorted(gone)]


def _addition(
    repository: Repository, user: User, rules: UploadRules, path: str, source: Path | bytes, sha256: str
) -> Operation:
    """Small text goes into the commit, everything else into the chunk store, by the rules every uploader is under."""
    if isinstance(source, bytes):
        return AddFile(path, source)
    size = source.stat().st_size
    with source.open("rb") as stream:
        sample = stream.read(512)
        if size <= TEXT_LIMIT and not rules.is_large(path, size=size, sample=sample):
            stream.seek(0)
            return AddFile(path, stream.read())
        stream.seek(0)
        content.ingest(repository=repository, user=user, stream=stream, size_bytes=size, sha256=sha256)
    return AddLarge(path, sha256, size)


def _sha256(source: Path | bytes) -> str:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
