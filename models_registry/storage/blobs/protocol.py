"""What every blob store can do, and the scratch file in which bytes are collected before they are put.

A key is the BLAKE3 of the bytes, so a key can never get other bytes; putting what is there already is harmless, and
mends a damaged copy. What was put survives a power cut.
"""

import errno
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from blake3 import blake3

from models_registry.storage.digests import BlobDigest
from models_registry.storage.exceptions import StoreFull
from models_registry.storage.reading import STEP_BYTES

_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class StoredBlob:
    """One entry of a store's listing. `modified_at_s` is a Unix time by the store's own clock."""

    digest: BlobDigest
    size_bytes: int
    modified_at_s: float


class BlobStore(Protocol):
    """What every store can do. The files of a local store have descriptors, so the kernel can send them."""

    is_local: bool

    def scratch(self) -> "Scratch":
        """A new private file to collect bytes in before they are put. Always on a disk of this machine."""

    def put(self, scratch: "Scratch") -> BlobDigest:
        """Keep the bytes of a scratch file for good, under their hash. Durable when this returns."""

    def open(self, digest: BlobDigest) -> BinaryIO:
        """The bytes, as a file that can seek; their reader checks them. Raises CorruptContent if they are gone."""

    def open_checked(self, digest: BlobDigest) -> BinaryIO:
        """The same, for senders that do not look at the bytes. Raises CorruptContent if they are damaged."""

    def address(self, digest: BlobDigest, *, start: int, stop: int, lifetime_s: int) -> str | None:
        """A signed address on which anybody gets these very bytes for so long; None if the store has none to give."""

    def size(self, digest: BlobDigest) -> int | None:
        """How many bytes are stored, or None."""

    def delete(self, digest: BlobDigest) -> bool:
        """Drop a blob. False if it was not there. Whether somebody is about to need it, the caller has settled."""

    def iterate(self) -> Iterator[StoredBlob]:
        """Every blob, in no particular order."""

    def clean_scratch(self, *, older_than_s: float) -> int:
        """Remove what killed uploads left behind. Returns how many files."""


class Scratch:
    """A file that takes bytes and hashes them on the way. It vanishes at the end of its `with` unless it was put."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size_bytes = 0
        self._hash = blake3()
        self._file: BinaryIO = open(path, "xb", opener=_private)  # noqa: SIM115 - closed by seal or at the end.

    def write(self, data: bytes) -> None:
        with disk_errors():
            self._file.write(data)
        self._hash.update(data)
        self.size_bytes += len(data)

    def digest(self) -> BlobDigest:
        return BlobDigest(self._hash.hexdigest())

    def seal(self) -> None:
        """Bring the bytes to the disk and take no more. After a failure the file is thrown away, never synced again."""
        if self._file.closed:
            return
        with disk_errors(), self._file as file:
            file.flush()
            os.fsync(file.fileno())

    def __enter__(self) -> "Scratch":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # Whoever wanted these bytes has been told by write or seal.
            self._file.close()
        self.path.unlink(missing_ok=True)


class ScratchFolder:
    """Where scratch files live."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def new(self) -> Scratch:
        with disk_errors():
            return Scratch(self.path / secrets.token_hex(16))

    def clean(self, *, older_than_s: float) -> int:
        removed = 0
        for entry in os.scandir(self.path):
            try:
                if entry.stat().st_mtime < time.time() - older_than_s:
                    os.unlink(entry.path)
                    removed += 1
            except FileNotFoundError:
                continue
        return removed


def digest_of(file: BinaryIO) -> BlobDigest:
    """Hash what is left of a file."""
    hasher = blake3()
    while data := file.read(STEP_BYTES):
        hasher.update(data)
    return BlobDigest(hasher.hexdigest())


@contextmanager
def disk_errors() -> Iterator[None]:
    """Say that the disk is full in the hub's own words."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull from error
        raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
