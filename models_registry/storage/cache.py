"""Whole files kept ready to send, up to a number of bytes; the least recently used go first.

A cache entry is a promise about bytes, so it is made with care: written aside, hashed, synced, renamed. Its
modification time is set to a value that follows from its digest, and every later writer would move it: a touched entry
is thrown away. The access time says when it was used last. Losing the folder costs time, nothing else.
"""

import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from models_registry.storage.digests import Sha256
from models_registry.storage.exceptions import CorruptContent

_NOTE_USE_AFTER_S = 30.0  # Noting each single use would turn every read into a write.
_KEEP_AT_LEAST_S = 60.0  # Who was just given a path must have time to open it.
_LOCKS = 4096


@dataclass(frozen=True)
class _Entry:
    path: Path
    size_bytes: int
    used_at_s: float


class WholeFileCache:
    """Files `files/ab/<sha256>` below a folder."""

    def __init__(self, root: Path, *, limit_bytes: int) -> None:
        self._files = root / "files"
        self._tmp = root / "tmp"
        self._locks = root / "locks"
        self._limit_bytes = limit_bytes
        for folder in (self._files, self._tmp, self._locks):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def find(self, digest: Sha256, *, size_bytes: int) -> Path | None:
        """The path of a cached file, noted as used, or None. It stays there for half a minute at least."""
        path = self._path(digest)
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        if status.st_mtime_ns != _stamp_ns(digest) or status.st_size != size_bytes:
            path.unlink(missing_ok=True)  # Somebody wrote to it.
            return None
        now_s = time.time()
        if status.st_atime < now_s - _NOTE_USE_AFTER_S:
            try:
                os.utime(path, ns=(int(now_s * 1e9), _stamp_ns(digest)))
            except FileNotFoundError:
                return None
        return path

    def fill(self, digest: Sha256, pieces: Iterable[bytes], *, size_bytes: int) -> Path:
        """Write the pieces of a file and give its path. Of several callers at once one writes, the others wait.

        Raises:
            CorruptContent: the pieces do not have this digest. Nothing is kept.
        """
        with self._only_one(digest):
            found = self.find(digest, size_bytes=size_bytes)
            if found is not None:
                return found
            path = self._write(digest, pieces)
        self.evict(keep=path)
        return path

    def evict(self, *, keep: Path | None = None) -> int:
        """Remove the least recently used entries until the rest fits. Returns how many bytes were freed."""
        entries = sorted(self._entries(), key=lambda entry: entry.used_at_s)
        excess = sum(entry.size_bytes for entry in entries) - self._limit_bytes
        freed = 0
        for entry in entries:
            if freed >= excess or entry.used_at_s > time.time() - _KEEP_AT_LEAST_S:
                break
            if entry.path != keep:
                entry.path.unlink(missing_ok=True)
                freed += entry.size_bytes
        return freed

    def check(self) -> Iterator[Path]:
        """Hash every entry, remove those that are damaged, and give their paths."""
        for entry in self._entries():
            with entry.path.open("rb") as file:
                actual = hashlib.file_digest(file, "sha256").hexdigest()
            if actual != entry.path.name:
                entry.path.unlink(missing_ok=True)
                yield entry.path

    def clean(self, *, older_than_s: float) -> int:
        """Remove half-written files that a killed process left behind. Returns how many."""
        left = [entry for entry in os.scandir(self._tmp) if entry.stat().st_mtime < time.time() - older_than_s]
        for entry in left:
            Path(entry.path).unlink(missing_ok=True)
        return len(left)

    def _write(self, digest: Sha256, pieces: Iterable[bytes]) -> Path:
        aside = self._tmp / secrets.token_hex(16)
        hasher = hashlib.sha256()
        try:
            with open(aside, "xb") as file:
                for piece in pieces:
                    hasher.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            if hasher.hexdigest() != digest:
                raise CorruptContent(hash=digest)
            aside.chmod(0o444)
            os.utime(aside, ns=(time.time_ns(), _stamp_ns(digest)))
            path = self._path(digest)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        return path

    def _entries(self) -> Iterator[_Entry]:
        for folder in os.scandir(self._files):
            for entry in os.scandir(folder.path):
                try:
                    status = entry.stat()
                except FileNotFoundError:
                    continue
                yield _Entry(Path(entry.path), status.st_size, status.st_atime)

    @contextmanager
    def _only_one(self, digest: Sha256) -> Iterator[None]:
        """Hold the lock of this digest among threads and processes. A few digests share a lock; none is removed."""
        with open(self._locks / str(int(digest[:8], 16) % _LOCKS), "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _path(self, digest: Sha256) -> Path:
        return self._files / digest[:2] / digest


def whole_file_cache() -> WholeFileCache:
    """The cache of this hub."""
    return WholeFileCache(settings.SMALLHUB_DATA / "cache", limit_bytes=settings.SMALLHUB_CACHE_BYTES)


def _stamp_ns(digest: Sha256) -> int:
    """A modification time that no clock will show by chance: within the first nine years of Unix, by digest."""
    return int(digest[:7], 16) * 1_000_000_000
