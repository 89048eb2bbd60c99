"""The folder where pulled files live, shared by all processes of a user.

    blobs/ab/abcd…                              content, named by its SHA-256, read-only
    parts/abcd…/{data,journal}                  a download that is not finished
    locks/abcd…                                 who downloads what, now
    hubs/<host>/<kind>/<ns>/<name>/
        refs/<revision>                         the commit that a name meant when it was last asked
        manifests/<commit>.json                 written last, so its presence says that the snapshot is whole
        snapshots/<commit>/<path>               hard links to blobs: what callers are given

Equal files of all versions of all repositories are one blob. A blob gets its name only after its hash was checked, and
a fixed time stamp with it, the seal: whatever writes to the file later moves the stamp, so a mere `stat` tells whether
the file has to be hashed again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from ._exceptions import CacheError, IntegrityError, SmallhubError
from ._locks import FileLock
from ._names import Reference, is_commit, segment
from ._types import Manifest, ManifestFile

log = logging.getLogger("smallhub")

SEAL_NS = 1_000_000_000 * 10**9  # 9 September 2001, a second that no write of today can produce by accident.
_HASH_BLOCK_BYTES = 1024 * 1024
_MARK = "Signature: 8a477f597d28d172789f06886806bc55\n# Pulled files of smallhub; may be deleted at any time.\n"


class Cache:
    """Blobs and snapshots below one folder."""

    def __init__(self, root: Path, *, endpoint: str) -> None:
        self.root = root
        self._hub = root / "hubs" / segment(urlsplit(endpoint).netloc.lower().replace(":", "_"))

    def prepare(self) -> None:
        """Make the folders.

        Raises:
            CacheError: the disk does not let us.
        """
        try:
            for name in ("blobs", "parts", "locks"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
            mark = self.root / "CACHEDIR.TAG"  # Asks backup programs to leave this folder out.
            if not mark.exists():
                write_durably(mark, _MARK)
        except OSError as error:
            raise CacheError(f"The cache folder {self.root} cannot be used: {error}.") from error

    def blob(self, sha256: str) -> Path:
        """Where the content of this hash lives, or would."""
        return self.root / "blobs" / sha256[:2] / sha256

    def parts(self, sha256: str) -> Path:
        """The folder for the unfinished download of this content."""
        return self.root / "parts" / sha256

    def lock(self, sha256: str) -> FileLock:
        """The lock that its downloader must hold."""
        return FileLock(self.root / "locks" / sha256)

    def holds(self, file: ManifestFile) -> bool:
        """Is the content here, whole and untouched? A blob that was written to is hashed; a wrong one is removed."""
        path = self.blob(file.sha256)
        try:
            status = path.stat()
        except FileNotFoundError:
            return False
        if status.st_size == file.size and status.st_mtime_ns == SEAL_NS:
            return True
        if status.st_size == file.size and hash_file(path) == file.sha256:
            seal(path)
            return True
        log.warning("%s: the cached copy was changed by somebody; it is dropped and fetched again.", file.path)
        self.drop(file.sha256)
        return False

    def drop(self, sha256: str) -> None:
        """Remove a blob. Snapshots that link to it are mended by their next pull."""
        with suppress(FileNotFoundError):
            self.blob(sha256).unlink()

    def publish(self, sha256: str, data: Path) -> None:
        """Give checked content its final name. `data` must lie in this cache and is moved."""
        seal(data)
        target = self.blob(sha256)
        target.parent.mkdir(exist_ok=True)
        os.replace(data, target)
        sync_folder(target.parent)

    def snapshot(self, reference: Reference, manifest: Manifest) -> Path:
        """Lay out the files of a version from blobs that are all here. Returns the folder."""
        folder = self._repository(reference) / "snapshots" / manifest.commit
        folder.mkdir(parents=True, exist_ok=True)
        for file in manifest.files:
            target = folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(self.blob(file.sha256), target)
        self._remember(reference, manifest)
        return folder

    def find(self, reference: Reference) -> tuple[Manifest, Path] | None:
        """The version that was pulled under this name last, if its snapshot is whole. Needs no network."""
        home = self._repository(reference)
        commit = reference.revision or ""
        if not is_commit(commit):
            commit = _read_text(home / "refs" / _ref_file(reference)) or ""
        text = _read_text(home / "manifests" / f"{commit}.json") if is_commit(commit) else None
        return (read_stored(text), home / "snapshots" / commit) if text else None

    def _remember(self, reference: Reference, manifest: Manifest) -> None:
        home = self._repository(reference)
        (home / "manifests").mkdir(exist_ok=True)
        (home / "refs").mkdir(exist_ok=True)
        write_durably(home / "manifests" / f"{manifest.commit}.json", json.dumps(manifest.to_json()))
        if not is_commit(reference.revision or ""):
            write_durably(home / "refs" / _ref_file(reference), manifest.commit)

    def _repository(self, reference: Reference) -> Path:
        # Names are case-insensitive on the hub, and on some file systems.
        return self._hub / reference.api_kind / reference.namespace.lower() / reference.name.lower()


def _ref_file(reference: Reference) -> str:
    """The file for a revision; no revision at all has one too, under a name that no revision can have."""
    return segment(reference.revision) if reference.revision else "@unnamed"


def stored_manifest(folder: Path) -> Manifest | None:
    """The manifest that belongs to a folder which `pull` gave, be it a snapshot or one of the user's own."""
    own = _read_text(folder / ".smallhub" / "manifest.json")
    if own is None and is_commit(folder.name):
        own = _read_text(folder.parent.parent / "manifests" / f"{folder.name}.json")
    return read_stored(own) if own else None


def read_stored(text: str) -> Manifest:
    """Read a manifest from disk; the disk is trusted no more than the network.

    Raises:
        CacheError: it is damaged.
    """
    try:
        return Manifest.read(json.loads(text))
    except (ValueError, SmallhubError) as error:
        raise CacheError(f"A stored manifest is damaged ({error}). Pull the model again.") from error


def hash_file(path: Path) -> str:
    """SHA-256 of a file, in hex, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(_HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def check_file(path: Path, file: ManifestFile) -> None:
    """Compare a file on disk with the manifest.

    Raises:
        IntegrityError: it differs; the message names the file.
    """
    actual = hash_file(path) if path.stat().st_size == file.size else f"of {path.stat().st_size} bytes"
    if actual != file.sha256:
        raise IntegrityError(
            f"{file.path}: its SHA-256 is {actual}, the manifest says {file.sha256}.",
            path=file.path,
            expected=file.sha256,
            actual=actual,
        )


def seal(path: Path) -> None:
    """Make a checked file read-only and stamp it."""
    path.chmod(0o444)
    os.utime(path, ns=(SEAL_NS, SEAL_NS))


def write_durably(path: Path, text: str) -> None:
    """Replace a small file so that a crash leaves the old or the new text, nothing between."""
    scratch = path.with_name(f".{path.name[:100]}.{os.getpid()}.{os.urandom(4).hex()}")
    with scratch.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(scratch, path)


def sync_folder(folder: Path) -> None:
    """Ask the system to write a folder's list of names to disk; a system that cannot is left alone."""
    with suppress(OSError):  # Windows opens no folders, and some network disks refuse.
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def copy_file(source: Path, target: Path) -> None:
    """Copy content into a folder of the user's: an own copy, so that edits there never reach the cache."""
    scratch = target.with_name(f".{target.name[:100]}.{os.getpid()}.part")
    try:
        shutil.copyfile(source, scratch)
        os.replace(scratch, target)
    finally:
        scratch.unlink(missing_ok=True)


def _link(blob: Path, target: Path) -> None:
    """Make `target` the blob's content: a hard link, else a symbolic one, else a copy."""
    if target.exists() and target.samefile(blob):
        return
    scratch = target.with_name(f".{target.name[:100]}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        try:
            os.link(blob, scratch)
        except OSError:  # Too many links, or a file system without them.
            try:
                scratch.symlink_to(os.path.relpath(blob, target.parent))
            except OSError:
                shutil.copyfile(blob, scratch)
        os.replace(scratch, target)
    finally:
        with suppress(FileNotFoundError):
            scratch.unlink()


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
