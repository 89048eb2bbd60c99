"""Blob stores: bytes by their hash, written once. Which one is used says the setting SMALLHUB_BLOBS.

A store has five verbs: put, open, size, delete, iterate. A key is the BLAKE3 of the bytes, so a key can never get
other bytes; putting what is there already is harmless, and mends a damaged copy. What was put survives a power cut.
"""

import errno
import fcntl
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from blake3 import blake3
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from models_registry.storage.digests import BlobDigest
from models_registry.storage.exceptions import BadDigest, BlobConflict, CorruptContent, StoreFull
from models_registry.storage.reading import STEP_BYTES

_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class StoredBlob:
    """One entry of a store's listing. `modified_at_s` is a Unix time."""

    digest: BlobDigest
    size_bytes: int
    modified_at_s: float


class BlobStore(Protocol):
    """What every store can do."""

    def scratch(self) -> "Scratch":
        """A new private file to collect bytes in before they are put."""

    def put(self, scratch: "Scratch") -> BlobDigest:
        """Keep the bytes of a scratch file for good, under their hash. Durable when this returns."""

    def open(self, digest: BlobDigest) -> BinaryIO:
        """The bytes, as a file that can seek; their reader checks them. Raises CorruptContent if they are gone."""

    def open_checked(self, digest: BlobDigest) -> BinaryIO:
        """The same, for senders that do not look at the bytes. Raises CorruptContent if they are damaged."""

    def size(self, digest: BlobDigest) -> int | None:
        """How many bytes are stored, or None."""

    def delete(self, digest: BlobDigest) -> bool:
        """Drop a blob. False if it was not there."""

    def retire(self, digest: BlobDigest, *, untouched_for_s: float) -> bool:
        """Drop a blob that nobody put for so long. Can never take one that an upload is about to rely on."""

    def iterate(self) -> Iterator[StoredBlob]:
        """Every blob, in no particular order."""


class Scratch:
    """A file that takes bytes and hashes them on the way. It vanishes at the end of its `with` unless it was put."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size_bytes = 0
        self._hash = blake3()
        self._file: BinaryIO = open(path, "xb", opener=_private)  # noqa: SIM115 - closed by seal or at the end.

    def write(self, data: bytes) -> None:
        with _disk_errors():
            self._file.write(data)
        self._hash.update(data)
        self.size_bytes += len(data)

    def digest(self) -> BlobDigest:
        return BlobDigest(self._hash.hexdigest())

    def seal(self) -> None:
        """Bring the bytes to the disk and take no more. After a failure the file is thrown away, never synced again."""
        if self._file.closed:
            return
        with _disk_errors(), self._file as file:
            file.flush()
            os.fsync(file.fileno())

    def __enter__(self) -> "Scratch":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # Whoever wanted these bytes has been told by write or seal.
            self._file.close()
        self.path.unlink(missing_ok=True)


class FileBlobStore:
    """Blobs as files `objects/ab/cd/<digest>` below a folder, with scratch files in `tmp` on the same file system."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._objects = root / "objects"
        self._tmp = root / "tmp"
        for folder in (self._objects, self._tmp):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def scratch(self) -> Scratch:
        with _disk_errors():
            return Scratch(self._tmp / secrets.token_hex(16))

    def put(self, scratch: Scratch) -> BlobDigest:
        digest = scratch.digest()
        target = self._path(digest)
        scratch.seal()
        with _disk_errors():
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
        """Give the file its name, or note on the one that has it that it is wanted again."""
        with self._locked(fcntl.LOCK_SH):
            try:
                os.link(source, target)
            except FileExistsError:
                os.utime(target)  # From here on `retire` leaves it alone.
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
            if _digest_of(file) != digest:
                file.close()
                raise CorruptContent(hash=digest)
            _good_files.add(state)
        file.seek(0)
        return file

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

    def retire(self, digest: BlobDigest, *, untouched_for_s: float) -> bool:
        """Delete a blob unless somebody put it again in the meantime, even while this runs. Says whether it did."""
        target = self._path(digest)
        with self._locked(fcntl.LOCK_EX):
            try:
                if target.stat().st_mtime > time.time() - untouched_for_s:
                    return False
            except FileNotFoundError:
                return False
            target.unlink()
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
        removed = 0
        for entry in os.scandir(self._tmp):
            try:
                if entry.stat().st_mtime < time.time() - older_than_s:
                    os.unlink(entry.path)
                    removed += 1
            except FileNotFoundError:
                continue
        return removed

    @contextmanager
    def _locked(self, mode: int) -> Iterator[None]:
        """Keep collections (exclusive) apart from the naming of blobs (shared), between threads and processes."""
        with open(self.root / "lock", "ab") as file:
            fcntl.flock(file, mode)
            yield

    def _path(self, digest: BlobDigest) -> Path:
        return self._objects / digest[:2] / digest[2:4] / digest


def open_store(url: str) -> FileBlobStore:
    """The store that a setting names.

    Raises:
        ImproperlyConfigured: no store is known for this address.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/"):
        return FileBlobStore(Path(unquote(parts.path)))
    raise ImproperlyConfigured(f"SMALLHUB_BLOBS={url!r} names no blob store. file:///absolute/folder is one.")


@lru_cache(maxsize=8)
def _opened(url: str) -> FileBlobStore:
    return open_store(url)


def blob_store() -> FileBlobStore:
    """The store of this hub."""
    return _opened(settings.SMALLHUB_BLOBS)


def self_test(store: BlobStore | None = None) -> str:
    """Write, read and delete a probe, so that a wrong setting or a full disk shows before an upload meets it.

    Returns:
        "" for a store that works; damage is raised.

    Raises:
        HubError or OSError: the store does not work.
    """
    store = store or blob_store()
    with store.scratch() as scratch:
        scratch.write(b"probe " + secrets.token_bytes(32))
        digest = store.put(scratch)
    with store.open(digest) as stored:
        actual = blake3(stored.read()).hexdigest()
    store.delete(digest)
    return "" if actual == digest else "A probe came back with other bytes."


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


def _digest_of(file: BinaryIO) -> BlobDigest:
    hasher = blake3()
    while data := file.read(STEP_BYTES):
        hasher.update(data)
    return BlobDigest(hasher.hexdigest())


def _digest_at(path: Path) -> BlobDigest:
    with open(path, "rb") as file:
        return _digest_of(file)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Say that the disk is full in the hub's own words."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull from error
        raise
