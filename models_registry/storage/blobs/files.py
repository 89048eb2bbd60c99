"""Blobs as files on a disk of this machine, or on a folder that several machines share."""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from models_registry.storage.blobs.protocol import Scratch, ScratchFolder, StoredBlob, digest_of, disk_errors
from models_registry.storage.digests import BlobDigest
from models_registry.storage.exceptions import BadDigest, BlobConflict, CorruptContent


class FileBlobStore:
    """Blobs as files `objects/ab/cd/<digest>` below a folder, with scratch files in `tmp` on the same file system."""

    is_local = True

    def __init__(self, root: Path) -> None:
        self.root = root
        self._objects = root / "objects"
        self._objects.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._tmp = ScratchFolder(root / "tmp")

    def scratch(self) -> Scratch:
        return self._tmp.new()

    def put(self, scratch: Scratch) -> BlobDigest:
        digest = scratch.digest()
        target = self._path(digest)
        scratch.seal()
        with disk_errors():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._place(scratch.path, target, digest)
            # Read back in either case: a bad disk shows now, and the time tells nobody what was there before.
            if (actual := _digest_at(target)) != digest:
                target.unlink()
                raise BlobConflict(key=digest, actual=actual)
            for folder in (target.parent, target.parent.parent, self._objects):
                _sync_folder(folder)
        return digest

    def _place(self, source: Path, target: Path, digest: BlobDigest) -> None:
        """Give the file its name, unless a good copy has it."""
        try:
            os.link(source, target)
        except FileExistsError:
            if _digest_at(target) != digest:  # A damaged copy; the good bytes are at hand.
                os.replace(source, target)

    def open(self, digest: BlobDigest) -> BinaryIO:
        try:
            return open(self._path(digest), "rb")
        except FileNotFoundError as error:
            raise CorruptContent(hash=digest) from error

    def open_checked(self, digest: BlobDigest) -> BinaryIO:
        """The same after hashing the whole file, for senders that do not look at the bytes themselves.

        A file that was good is not hashed again for some minutes unless something touched it.

        Raises:
            CorruptContent: the bytes are gone, or are not those of the key.
        """
        file = self.open(digest)
        status = os.fstat(file.fileno())
        state = (digest, status.st_ino, status.st_size, status.st_ctime_ns)
        if not _good_files.holds(state):
            if digest_of(file) != digest:
                file.close()
                raise CorruptContent(hash=digest)
            _good_files.add(state)
        file.seek(0)
        return file

    def address(self, digest: BlobDigest, *, start: int, stop: int, lifetime_s: int) -> str | None:
        return None

    def size(self, digest: BlobDigest) -> int | None:
        try:
            return self._path(digest).stat().st_size
        except FileNotFoundError:
            return None

    def delete(self, digest: BlobDigest) -> bool:
        try:
            self._path(digest).unlink()
        except FileNotFoundError:
            return False
        return True

    def iterate(self) -> Iterator[StoredBlob]:
        for first in sorted(os.scandir(self._objects), key=lambda entry: entry.name):
            for second in sorted(os.scandir(first.path), key=lambda entry: entry.name):
                for entry in os.scandir(second.path):
                    try:
                        status = entry.stat()
                        yield StoredBlob(BlobDigest(entry.name), status.st_size, status.st_mtime)
                    except (FileNotFoundError, BadDigest):
                        continue  # Deleted meanwhile, or not ours.

    def clean_scratch(self, *, older_than_s: float) -> int:
        """Remove scratch files that a killed process left behind. Returns how many."""
        return self._tmp.clean(older_than_s=older_than_s)

    def _path(self, digest: BlobDigest) -> Path:
        return self._objects / digest[:2] / digest[2:4] / digest


class _GoodFiles:
    """Remembers for a while which files were found good, by what changes when somebody writes to one."""

    KEEP_S = 600.0
    MOST = 4096

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, int, int, int], float] = OrderedDict()
        self._lock = threading.Lock()

    def holds(self, state: tuple[str, int, int, int]) -> bool:
        with self._lock:
            return self._seen.get(state, float("-inf")) > time.monotonic() - self.KEEP_S

    def add(self, state: tuple[str, int, int, int]) -> None:
        with self._lock:
            self._seen[state] = time.monotonic()
            self._seen.move_to_end(state)
            if len(self._seen) > self.MOST:
                self._seen.popitem(last=False)


_good_files = _GoodFiles()


def _digest_at(path: Path) -> BlobDigest:
    with open(path, "rb") as file:
        return digest_of(file)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
