"""From a pushed commit's trees to its listing, by what differs from its parent's; every rule is checked on the way."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.conf import settings

from accounts.models import User
from models_registry.exceptions import TooManyFiles
from models_registry.git.checks import ReadCommit, TreeEntry
from models_registry.git.objects import MAX_POINTER_BYTES, Pointer, read_pointer
from models_registry.git.quarantine import BLOB
from models_registry.models import Content, Repository
from models_registry.modes import is_text
from models_registry.paths import clash, folded, path_fault
from models_registry.services import content
from models_registry.services.pushes.arrivals import Arrivals
from models_registry.types import Entry, Listing

HINT_BYTES = 2**20  # What is not text and larger than this would better travel by git-lfs.
MAX_FAULTS = 20
_PATHS_KEPT = 200_000


@dataclass(frozen=True, slots=True)
class _Blob:
    """What is known of a blob whatever its path."""

    size: int
    sha256: str
    pointer: Pointer | None = None
    pointer_size: int = 0


class Listings:
    """Makes listings, and collects what is wrong with the files.

    Attributes:
        faults: sentences that refuse the push; at most `MAX_FAULTS`.
        hints: sentences that do not.
        contents: the large content that pointers name and the pusher may use, by SHA-256.
    """

    def __init__(self, repository: Repository, user: User, arrivals: Arrivals) -> None:
        self.faults: list[str] = []
        self.hints: list[str] = []
        self.contents: dict[str, Content] = {}
        self._repository, self._user, self._arrivals = repository, user, arrivals
        self._blobs: dict[str, _Blob] = {}
        self._missing: set[tuple[str, str]] = set()
        self._sound_paths: set[str] = set()
        self._sound_trees: set[str] = set()
        self._max_files = settings.SMALLHUB_MAX_FILES_PER_REPOSITORY

    def of(self, commit: ReadCommit, parents: Sequence[tuple[str, Listing]]) -> Listing:
        """The listing of a new commit.

        Args:
            parents: tree and listing of each parent, the first parent first.

        Raises:
            TooManyFiles, MalformedObject, MissingObject, PackTooLarge: at once; all else is noted as a fault.
        """
        tree, base = parents[0] if parents else ("", Listing())
        files, folders = dict(base.files), dict(base.folders)
        self._compare(tree, commit.tree, "", files, folders)
        merged = [listing.files for _, listing in parents[1:]]
        for path, entry in files.items():
            if not entry.last_commit:
                files[path] = replace(entry, last_commit=_from_others(entry, merged) or commit.oid)
        return Listing(files=files, folders=folders)

    def _compare(self, old: str, new: str, prefix: str, files: dict[str, Entry], folders: dict[str, str]) -> None:
        """Bring files and folders below `prefix` from one tree to another."""
        if old == new:
            return
        before = {entry.name: entry for entry in self._arrivals.tree(old)} if old else {}
        after = {entry.name: entry for entry in self._arrivals.tree(new)} if new else {}
        self._check_names(new, prefix, after)
        for name, entry in before.items():
            follower = after.get(name)
            if follower is None or follower.is_folder != entry.is_folder:
                self._remove(entry, prefix + name, files, folders)
        for name, entry in after.items():
            earlier = before.get(name)
            if earlier == entry:
                continue
            path = prefix + name
            self._check_path(path)
            if entry.is_folder:
                folders[path] = entry.oid
                below = earlier.oid if earlier is not None and earlier.is_folder else ""
                self._compare(below, entry.oid, path + "/", files, folders)
            else:
                files[path] = self._entry(path, entry)
            if len(files) > self._max_files or len(folders) > self._max_files:
                raise TooManyFiles(limit=self._max_files)

    def _remove(self, entry: TreeEntry, path: str, files: dict[str, Entry], folders: dict[str, str]) -> None:
        if not entry.is_folder:
            files.pop(path, None)
            return
        folders.pop(path, None)
        for below in self._arrivals.tree(entry.oid):
            self._remove(below, f"{path}/{below.name}", files, folders)

    def _entry(self, path: str, entry: TreeEntry) -> Entry:
        blob = self._blob(path, entry.oid)
        made = Entry(path=path, oid=entry.oid, size=blob.size, sha256=blob.sha256, executable=entry.is_executable)
        if blob.pointer is None:
            return made
        found = self._content(path, blob.pointer)
        return replace(made, xet_hash=found.xet_hash if found else "", pointer_size=blob.pointer_size)

    def _blob(self, path: str, oid: str) -> _Blob:
        known = self._blobs.get(oid)
        if known is None:
            known = self._blobs[oid] = self._read_blob(path, oid)
        return known

    def _read_blob(self, path: str, oid: str) -> _Blob:
        oversized = self._arrivals.pushed.oversized.get(oid)
        if oversized is not None:
            limit = self._arrivals.limits.blob_bytes
            self._fault(
                f"{path} has {oversized:,} bytes; files in Git may have {limit:,}. Track it with git lfs: "
                f"git lfs migrate import --include='{path}'"
            )
            return _Blob(oversized, "")
        body = self._arrivals.get(oid, BLOB)
        pointer = read_pointer(body) if len(body) <= MAX_POINTER_BYTES else None
        if pointer is not None:
            return _Blob(pointer.size, pointer.sha256, pointer, len(body))
        if len(body) > HINT_BYTES and not is_text(body[:8192]) and len(self.hints) < MAX_FAULTS:
            self.hints.append(f"{path} is binary and has {len(body):,} bytes: git lfs would store it better.")
        return _Blob(len(body), hashlib.sha256(body).hexdigest())

    def _content(self, path: str, pointer: Pointer) -> Content | None:
        """The content that a pointer names: uploaded here, or readable by who pushes. A hash alone opens nothing."""
        found = self.contents.get(pointer.sha256)
        if found is None:
            if (path, pointer.sha256) in self._missing:
                return None
            found = content.find_readable(repository=self._repository, user=self._user, sha256=pointer.sha256)
        if found is None:
            self._missing.add((path, pointer.sha256))
            self._fault(
                f"{path}: the LFS object {pointer.sha256[:12]}… was not uploaded. Run: git lfs push --all origin"
            )
            return None
        if found.size_bytes != pointer.size:
            self._fault(f"{path}: its LFS pointer says {pointer.size:,} bytes, the object has {found.size_bytes:,}.")
        self.contents[pointer.sha256] = found
        return found

    def _check_path(self, path: str) -> None:
        if path in self._sound_paths:
            return
        fault = path_fault(path)
        if fault:
            self._fault(f"“{_shown(path)}” cannot be a path here. {fault}")
        if len(self._sound_paths) > _PATHS_KEPT:
            self._sound_paths.clear()
        self._sound_paths.add(path)

    def _check_names(self, tree: str, prefix: str, entries: dict[str, TreeEntry]) -> None:
        """Names that some file system takes for one stand beside each other in a tree, so each tree is asked once."""
        if tree in self._sound_trees:
            return
        self._sound_trees.add(tree)
        names: dict[str, str] = {}
        for name in entries:
            other = names.setdefault(folded(name), name)
            if other != name:
                self._fault(f"“{_shown(prefix + name)}” clashes with “{_shown(prefix + other)}” on some file systems.")

    def check_whole(self, listing: Listing) -> None:
        """Once for each head: clashes that no single tree shows, such as letters that unfold to a slash."""
        both = clash(listing.files)
        if both:
            self._fault(f"“{_shown(both[0])}” clashes with “{_shown(both[1])}” on some file systems.")

    def _fault(self, text: str) -> None:
        if len(self.faults) < MAX_FAULTS and text not in self.faults:
            self.faults.append(text)


def _from_others(entry: Entry, others: list[dict[str, Entry]]) -> str:
    """In a merge: the commit that brought this file on another parent's side, "" if the merge itself changed it."""
    for files in others:
        found = files.get(entry.path)
        if found is not None and (found.oid, found.executable) == (entry.oid, entry.executable):
            return found.last_commit
    return ""


def _shown(path: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in path[:300])
