"""Values that several modules of the registry share. Pure."""

from dataclasses import dataclass, field

BRANCH = "refs/heads/"
TAG = "refs/tags/"
PULL = "refs/pr/"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a commit, as the manifest keeps it.

    Attributes:
        oid: Git SHA-1 of the blob; for large files of the pointer's text.
        size: bytes of the content itself, not of the pointer.
        sha256: of the content, for every file.
        xet_hash: the chunk store's file hash, for large files only; "" else.
        pointer_size: bytes of the pointer text, 0 for small files.
        last_commit: the commit that last changed this path.
        executable: Git's mode 100755 instead of 100644.
    """

    path: str
    oid: str
    size: int
    sha256: str
    xet_hash: str = ""
    pointer_size: int = 0
    last_commit: str = ""
    executable: bool = False

    @property
    def is_large(self) -> bool:
        return self.pointer_size > 0

    @property
    def content_id(self) -> str:
        """What the wire calls the content's id: SHA-256 of large files, Git's SHA-1 of small ones."""
        return self.sha256 if self.is_large else self.oid


@dataclass(frozen=True)
class Listing:
    """All files of a commit by path, and the ids of its folders."""

    files: dict[str, Entry] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)

    @property
    def total_bytes(self) -> int:
        return sum(entry.size for entry in self.files.values())


@dataclass(frozen=True, slots=True)
class AddFile:
    """Put these bytes at `path`, as a Git blob."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class AddLarge:
    """Put large content at `path`. `size` is the caller's claim; None takes it from the store."""

    path: str
    sha256: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class CopyFile:
    """Put what `source` is at `revision` (None: the branch's head) at `path`."""

    path: str
    source: str
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class DeleteFile:
    path: str


@dataclass(frozen=True, slots=True)
class DeleteFolder:
    path: str


@dataclass(frozen=True, slots=True)
class RestoreState:
    """Make a path, or with "" everything, what it is at `revision`; what is not there goes."""

    path: str
    revision: str


Operation = AddFile | AddLarge | CopyFile | DeleteFile | DeleteFolder | RestoreState


@dataclass(frozen=True, slots=True)
class RefChange:
    """A ref that moved, by its full name. No old commit: it is new; no new one: it is gone."""

    ref: str
    old: str | None
    new: str | None
