"""The commit service: objects, listing, ref and news in one transaction, or nothing."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from dulwich.objects import ShaFile

from accounts.models import User
from accounts.services import revoke_leaked
from models_registry import manifests
from models_registry.exceptions import (
    CommitTooLarge,
    EntryNotFound,
    FileToDeleteMissing,
    InvalidCommit,
    InvalidPath,
    PathConflict,
    RevisionNotFound,
    SizeMismatch,
    StaleHead,
    TooManyFiles,
    UnknownContent,
)
from models_registry.git import objects as git
from models_registry.git.store import RowObjectStore
from models_registry.merging import Merged
from models_registry.models import Commit, Ref, Repository, StorageUse
from models_registry.paths import clash, is_within, path_fault
from models_registry.services import content, quotas, threads
from models_registry.services.events import note_event
from models_registry.services.heads import hold_until_scanned, note_head
from models_registry.services.revisions import find_commit, find_entry
from models_registry.services.rights import require_commit
from models_registry.signals import commit_published
from models_registry.types import (
    BRANCH,
    PULL,
    AddFile,
    AddLarge,
    CopyFile,
    DeleteFile,
    DeleteFolder,
    Entry,
    Listing,
    Operation,
    RefChange,
    RestoreState,
)

MAX_TITLE = 500
MAX_BODY = 65_536


def commit(
    *,
    repository: Repository,
    user: User,
    branch: str,
    title: str,
    operations: Sequence[Operation],
    body: str = "",
    expected_head: str | None = None,
) -> Commit:
    """Apply `operations` in order on top of a branch's head and move the branch there.

    A branch takes commits of those who may write; a pull request's ref takes those of its author as well.

    The branch's row is locked while the new head is made, and moves only if it still points where it was read; of
    many commits on one head exactly one wins.

    Args:
        expected_head: the head that the caller saw, full or at least 5 hex digits; None takes whatever is there.

    Raises:
        StaleHead: the branch moved since the caller looked.
        RevisionNotFound: no such branch.
        WrongStatus: a pull request that is closed or merged.
        InvalidPath, PathConflict, UnknownContent, SizeMismatch, FileToDeleteMissing, TooManyFiles, CommitTooLarge
    """
    name = branch if branch.startswith("refs/") else BRANCH + branch
    pull_request = require_commit(user=user, repository=repository, ref=name)
    title, body = _words(title, body)
    _check_operations(operations)
    with transaction.atomic():
        ref = lock_ref(repository, name)
        if expected_head and not (len(expected_head) >= 5 and ref.commit.startswith(expected_head.lower())):
            raise StaleHead(expected=expected_head[:40], actual=ref.commit)
        parent = repository.commits.get(oid=ref.commit)
        draft = _Draft(repository, user, manifests.listing_of(parent))
        for operation in operations:
            draft.apply(operation)
        made = _publish(ref=ref, parent=parent, draft=draft, user=user, title=title, body=body)
        if pull_request is not None:
            threads.note_commit(pull_request, commit=made, user=user)
        return made


def merge_commit(
    *, repository: Repository, user: User, ref: Ref, ours: Commit, theirs: Commit, merged: Merged, title: str, body: str
) -> Commit:
    """Write a merge of two heads and move `ref` there. Whether it may be, and that `ref` is locked, the caller saw to.

    Raises:
        StaleHead, PathConflict, TooManyFiles
    """
    title, body = _words(title, body)
    draft = _Draft(repository, user, manifests.listing_of(ours))
    draft.files = dict(merged.files)
    for path, text in merged.texts.items():
        draft.apply(AddFile(path, text.encode()))
    return _publish(ref=ref, parent=ours, others=[theirs.oid], draft=draft, user=user, title=title, body=body)


def first_commit(*, repository: Repository, user: User, files: Sequence[AddFile], title: str) -> Commit:
    """Give a new repository its default branch. Call inside the transaction that makes the repository."""
    ref = Ref(repository=repository, name=BRANCH + repository.default_branch, target="", commit="")
    draft = _Draft(repository, user, Listing())
    for operation in files:
        draft.apply(operation)
    return _publish(ref=ref, parent=None, draft=draft, user=user, title=title, body="")


def adopt_listing(*, repository: Repository, user: User, listing: Listing, title: str) -> Commit:
    """Give a new repository its default branch with files whose blobs and contents it has been given already."""
    ref = Ref(repository=repository, name=BRANCH + repository.default_branch, target="", commit="")
    draft = _Draft(repository, user, Listing())
    draft.files = {path: replace(entry, last_commit="") for path, entry in listing.files.items()}
    return _publish(ref=ref, parent=None, draft=draft, user=user, title=title, body="")


def super_squash(*, repository: Repository, user: User, branch: str, title: str, body: str = "") -> Commit:
    """Replace a branch by one commit without parents that holds the same files. Other refs keep their history.

    Args:
        branch: a branch's name, or the full name of a pull request's ref.

    Raises:
        RevisionNotFound: there is no such branch.
        WrongStatus: a pull request that is closed or merged.
    """
    name = branch if branch.startswith("refs/") else BRANCH + branch
    pull_request = require_commit(user=user, repository=repository, ref=name)
    title, body = _words(title, body)
    with transaction.atomic():
        ref = lock_ref(repository, name)
        kept = manifests.listing_of(repository.commits.get(oid=ref.commit)).files
        draft = _Draft(repository, user, Listing())
        draft.files = {path: replace(entry, last_commit="") for path, entry in kept.items()}
        made = _publish(ref=ref, parent=None, draft=draft, user=user, title=title, body=body)
        if pull_request is not None:
            threads.note_commit(pull_request, commit=made, user=user)
        return made


class _Draft:
    """The files of a commit in the making, and the blobs that it brings."""

    def __init__(self, repository: Repository, user: User, base: Listing) -> None:
        self.repository, self.user = repository, user
        self.base = base
        self.files = dict(base.files)
        self.blobs: dict[str, ShaFile] = {}
        self.contents: list[tuple[content.Content, str]] = []  # With the path of each.

    def apply(self, operation: Operation) -> None:
        match operation:
            case AddFile(path, body):
                self._add_file(path, body)
            case AddLarge(path, sha256, size):
                self._add_large(path, sha256, size)
            case CopyFile(path, source, revision):
                self._copy(path, source, revision)
            case DeleteFile(path):
                if self.files.pop(path, None) is None:  # Clients that do not look name folders the same way.
                    self._delete_folder(path)
            case DeleteFolder(path):
                self._delete_folder(path.rstrip("/"))
            case RestoreState(path, revision):
                self._restore(path, revision)

    def _add_file(self, path: str, body: bytes) -> None:
        revoke_leaked(text=body)  # What others can read here must not open anything of its author.
        blob = git.blob(body)
        oid = blob.id.decode()
        self.blobs[oid] = blob
        before = self.files.get(path)
        self._put(
            Entry(
                path=path,
                oid=oid,
                size=len(body),
                sha256=hashlib.sha256(body).hexdigest(),
                executable=before is not None and before.executable,  # New bytes leave a script what it is.
            )
        )

    def _add_large(self, path: str, sha256: str, size: int | None) -> None:
        found = content.find_readable(repository=self.repository, user=self.user, sha256=sha256)
        if found is None:
            raise UnknownContent(sha256=sha256[:64], path=path[:300])
        if size is not None and size != found.size_bytes:
            raise SizeMismatch(path=path[:300], claimed=size, actual=found.size_bytes)
        self.contents.append((found, path))
        pointer = git.Pointer(sha256=found.sha256, size=found.size_bytes).text()
        blob = git.blob(pointer)
        oid = blob.id.decode()
        self.blobs[oid] = blob
        self._put(
            Entry(
                path=path,
                oid=oid,
                size=found.size_bytes,
                sha256=found.sha256,
                xet_hash=found.xet_hash,
                pointer_size=len(pointer),
            )
        )

    def _copy(self, path: str, source: str, revision: str | None) -> None:
        if revision:
            entry = find_entry(self.repository, find_commit(self.repository, revision), source, revision=revision)
        elif source in self.files:
            entry = self.files[source]
        else:
            raise EntryNotFound(path=source[:300], revision="the branch's head")
        if revision and entry.is_large:
            found = content.find_readable(repository=self.repository, user=self.user, sha256=entry.sha256)
            if found is None:
                raise UnknownContent(sha256=entry.sha256, path=path[:300])
            self.contents.append((found, path))
        self._put(replace(entry, path=path, last_commit=""))

    def _delete_folder(self, path: str) -> None:
        inside = [name for name in self.files if name.startswith(path + "/")]
        if not inside:
            raise FileToDeleteMissing(path=path[:300])
        for name in inside:
            del self.files[name]

    def _restore(self, path: str, revision: str) -> None:
        """A file that is what it was then keeps the commit that it came with."""
        source = manifests.listing_of(find_commit(self.repository, revision)).files
        for name in [name for name in self.files if is_within(name, path)]:
            del self.files[name]
        for name, entry in source.items():
            if is_within(name, path):
                now = self.base.files.get(name)
                same = now is not None and (now.oid, now.executable) == (entry.oid, entry.executable)
                self.files[name] = now if same and now is not None else replace(entry, last_commit="")

    def _put(self, entry: Entry) -> None:
        before = self.files.get(entry.path)
        same = before is not None and (before.oid, before.executable) == (entry.oid, entry.executable)
        self.files[entry.path] = before if same and before is not None else entry

    def check(self) -> None:
        """Refuse what cannot stand together.

        Raises:
            TooManyFiles, PathConflict
        """
        limit = settings.SMALLHUB_MAX_FILES_PER_REPOSITORY
        if len(self.files) > limit:
            raise TooManyFiles(limit=limit)
        if self.files.keys() == self.base.files.keys():
            return
        both = clash(self.files)
        if both:
            raise PathConflict(path=both[0], other=both[1], reason="They would be one on some file systems.")


def _publish(
    *,
    ref: Ref,
    parent: Commit | None,
    draft: _Draft,
    user: User,
    title: str,
    body: str,
    others: Sequence[str] = (),
) -> Commit:
    """Write objects, commit, listing and links, then swap the ref and tell the listeners."""
    draft.check()
    revoke_leaked(text=f"{title}\n{body}".encode())
    repository = draft.repository
    root, folders, trees = git.build_trees(draft.files.values())
    now = timezone.now()
    parents = [*([parent.oid] if parent else []), *others]
    made = git.build_commit(
        tree=root,
        parents=parents,
        author=user.username,
        email=f"{user.username}@users.noreply.smallhub",
        title=title,
        body=body,
        at=now,
    )
    RowObjectStore(repository).add_objects((obj, None) for obj in [*draft.blobs.values(), *trees, made])
    row = _store_commit(repository, made.id.decode(), root, parents, user, title, body, now, draft, folders)
    content.link_all(repository=repository, contents=draft.contents, ref=ref.name)
    hold_until_scanned(repository=repository, commit=row)
    if draft.blobs:  # Who only takes away needs no room.
        quotas.require_room(repository=repository, wanted_bytes=sum(blob.raw_length() for blob in draft.blobs.values()))
    _swap(ref, row.oid)
    if ref.name == BRANCH + repository.default_branch:
        note_head(repository=repository, commit=row)
    if parent is not None:  # The first commit is part of the news that there is a repository.
        moved = RefChange(ref.name, parent.oid, row.oid)
        note_event(repository=repository, action="update", scope="repo.content", refs=[moved])
    commit_published.send(sender=Commit, repository=repository, commit=row, ref=ref.name)
    return row


def _store_commit(
    repository: Repository,
    oid: str,
    tree: str,
    parents: list[str],
    user: User,
    title: str,
    body: str,
    now: datetime,
    draft: _Draft,
    folders: dict[str, str],
) -> Commit:
    row, created = Commit.objects.get_or_create(
        repository=repository,
        oid=oid,
        defaults={
            "tree": tree,
            "parents": parents,
            "author": user,
            "author_name": user.username,
            "title": title,
            "message": body,
            "committed_at": now.replace(microsecond=0),
        },
    )
    if created:  # The same words on the same tree in the same second make the same commit, on another branch.
        files = {
            path: entry if entry.last_commit else replace(entry, last_commit=oid) for path, entry in draft.files.items()
        }
        manifests.store(commit=row, listing=Listing(files=files, folders=folders))
    return row


def lock_ref(repository: Repository, name: str) -> Ref:
    """A branch or a pull request's ref by its full name, for this transaction alone.

    Raises:
        RevisionNotFound: there is none, or it is no ref that commits move.
    """
    StorageUse.objects.lock(repository)  # First in the order in which rows are locked, everywhere.
    ref: Ref | None = repository.refs.select_for_update().filter(name=name).first()
    if ref is None or not ref.name.startswith((BRANCH, PULL)):
        raise RevisionNotFound(revision=name.removeprefix(BRANCH)[:200])
    return ref


def _swap(ref: Ref, new: str) -> None:
    """Move the ref if it still is where it was read.

    Raises:
        StaleHead: it is not.
    """
    if not ref.target:
        ref.target = ref.commit = new
        ref.save()
        return
    moved = Ref.objects.filter(pk=ref.pk, target=ref.target).update(target=new, commit=new)
    if not moved:
        raise StaleHead(expected=ref.target, actual="another commit")


def _words(title: str, body: str) -> tuple[str, str]:
    title = " ".join(title.split())
    if not title:
        raise InvalidCommit(reason="A commit needs a summary.")
    if "\x00" in title + body:
        raise InvalidCommit(reason="A commit message cannot hold NUL.")
    return title[:MAX_TITLE], body[:MAX_BODY]


def _check_operations(operations: Sequence[Operation]) -> None:
    limit = settings.SMALLHUB_COMMIT_BYTES
    if sum(len(operation.content) for operation in operations if isinstance(operation, AddFile)) > limit:
        raise CommitTooLarge(limit=limit)
    for operation in operations:
        if isinstance(operation, RestoreState):
            continue  # It names what was there: no path comes in that was not let in before.
        fault = path_fault(operation.path.rstrip("/") if isinstance(operation, DeleteFolder) else operation.path)
        if fault:
            raise InvalidPath(path=operation.path[:300].encode("ascii", "backslashreplace").decode(), reason=fault)
