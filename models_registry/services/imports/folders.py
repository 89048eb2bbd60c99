"""A plain folder in, as one commit."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from accounts.models import User
from models_registry.exceptions import PathConflict
from models_registry.git.objects import blob_oid
from models_registry.manifests import listing_of
from models_registry.models import Commit, Repository
from models_registry.modes import UploadRules
from models_registry.paths import clash, path_fault
from models_registry.services import content
from models_registry.services.commits import commit
from models_registry.services.heads import read_small_file
from models_registry.services.imports.exceptions import FolderUnreadable
from models_registry.services.revisions import find_commit
from models_registry.types import AddFile, AddLarge, DeleteFile, Listing, Operation

_SAMPLE_BYTES = 8192
_SKIPPED = frozenset({".git", ".hg", ".svn", ".cache", "__pycache__", ".DS_Store"})


def import_folder(
    *, repository: Repository, user: User, folder: Path, say: Callable[[str], None] = lambda line: None
) -> Commit:
    """Make the default branch hold what the folder holds, in one commit. What is the same already stays as it is.

    A run that was killed goes on: large files that arrived are linked to the repository and are only hashed again.

    Raises:
        FolderUnreadable: a name cannot be kept here, or an entry is neither a file nor a folder.
        PathConflict: two names are one for some file systems.
        FileTooLarge, TooManyFiles, CommitTooLarge
    """
    head = find_commit(repository, None)
    listing = listing_of(head)
    paths = sorted(_walk(folder))
    both = clash(paths)
    if both:  # Found before large files are stored that no commit would name.
        raise PathConflict(
            path=_shown(both[0]), other=_shown(both[1]), reason="They would be one on some file systems."
        )
    attributes = folder / ".gitattributes"
    rules = UploadRules(
        attributes=attributes.read_bytes() if attributes.is_file() else _attributes(repository, listing), ignore=b""
    )
    operations: list[Operation] = []
    for number, path in enumerate(paths, start=1):
        operation = _operation(repository, user, folder, path, listing, rules)
        if operation is not None:
            say(f"{number} of {len(paths)}: {path}")
            operations.append(operation)
    kept = {*paths, ".gitattributes"}
    operations += [DeleteFile(path) for path in listing.files if path not in kept]
    if not operations:
        return head
    return commit(
        repository=repository,
        user=user,
        branch=repository.default_branch,
        title=f"Import {folder.name}",
        operations=operations,
        expected_head=head.oid,
    )


def _operation(
    repository: Repository, user: User, folder: Path, path: str, listing: Listing, rules: UploadRules
) -> Operation | None:
    """What brings one file in; None if it is there already."""
    file, present = folder / path, listing.files.get(path)
    size = file.stat().st_size
    with file.open("rb") as stream:
        sample = stream.read(_SAMPLE_BYTES)
        if not rules.is_large(path, size=size, sample=sample):
            body = sample + stream.read()
            return None if present and present.oid == blob_oid(body) else AddFile(path, body)
        stream.seek(0)
        found = content.ingest(repository=repository, user=user, stream=stream, size_bytes=size)
    return None if present and present.sha256 == found.sha256 else AddLarge(path, found.sha256, size)


def _walk(folder: Path) -> Iterator[str]:
    """Every file below a folder by its path there. Links are refused rather than followed."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        for name in [*names, *folders]:
            entry = Path(place) / name
            path = entry.relative_to(folder).as_posix()
            if name in _SKIPPED:
                continue
            if entry.is_symlink() or not (entry.is_file() or entry.is_dir()):
                raise FolderUnreadable(path=_shown(path), reason="It is neither a file nor a folder.")
            if entry.is_file():
                fault = path_fault(path)
                if fault:
                    raise FolderUnreadable(path=_shown(path), reason=fault)
                yield path


def _shown(path: str) -> str:
    """A name from the disk, which may be no Unicode, as a terminal takes it."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in path[:200])


def _attributes(repository: Repository, listing: Listing) -> bytes:
    return read_small_file(repository, listing, ".gitattributes", limit=64 * 1024) or b""
