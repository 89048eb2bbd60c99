"""From listings to Git objects and back: trees, commits, pointers. Pure, no database."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from dulwich.objects import Blob, Commit, ObjectID, Tree

from models_registry.types import Entry

FILE_MODE = 0o100644
EXECUTABLE_MODE = 0o100755
FOLDER_MODE = 0o040000
MAX_POINTER_BYTES = 1024

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[0-9]-[^\n]*\n)*"
    rb"oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})\n"
)

_TAGGED = re.compile(rb"object ([0-9a-f]{40})\n")


@dataclass(frozen=True)
class Pointer:
    """What a git-lfs pointer file says."""

    sha256: str
    size: int

    def text(self) -> bytes:
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {self.size}\n".encode()


def read_pointer(content: bytes) -> Pointer | None:
    """The pointer in these bytes, or None when they are ordinary content."""
    if len(content) > MAX_POINTER_BYTES:
        return None
    match = _POINTER.fullmatch(content)
    return Pointer(sha256=match[1].decode(), size=int(match[2])) if match else None


def tagged(body: bytes) -> str:
    """The id that a well-formed tag object names."""
    match = _TAGGED.match(body)
    return match[1].decode() if match else ""


def blob_oid(content: bytes) -> str:
    """Git's SHA-1 of a blob with this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def blob(content: bytes) -> Blob:
    return Blob.from_string(content)


def build_trees(files: Iterable[Entry]) -> tuple[str, dict[str, str], list[Tree]]:
    """Make the trees of a set of files.

    Returns:
        The root tree's id, the ids of all folders by path, and every tree object.
    """
    content: dict[str, Tree] = defaultdict(Tree)
    root = content[""]
    for entry in files:
        folder, _, name = entry.path.rpartition("/")
        mode = EXECUTABLE_MODE if entry.executable else FILE_MODE
        content[folder].add(name.encode(), mode, ObjectID(entry.oid.encode()))
    for folder in list(content):
        while folder:  # A folder may hold nothing but folders.
            folder = folder.rpartition("/")[0]
            content[folder]
    folders: dict[str, str] = {}
    for folder in sorted(content, key=lambda path: path.count("/"), reverse=True):
        if folder:
            parent, _, name = folder.rpartition("/")
            tree = content[folder]
            folders[folder] = tree.id.decode()
            content[parent].add(name.encode(), FOLDER_MODE, tree.id)
    return root.id.decode(), folders, list(content.values())


def build_commit(
    *, tree: str, parents: Iterable[str], author: str, email: str, title: str, body: str, at: datetime
) -> Commit:
    """Make a commit object; author and committer are one."""
    commit = Commit()
    commit.tree = tree.encode()
    commit.parents = [ObjectID(parent.encode()) for parent in parents]
    commit.author = commit.committer = f"{_identity(author)} <{_identity(email)}>".encode()
    commit.author_time = commit.commit_time = int(at.astimezone(UTC).timestamp())
    commit.author_timezone = commit.commit_timezone = 0
    commit.encoding = b"UTF-8"
    commit.message = (f"{title}\n\n{body}" if body else title).encode() + b"\n"
    return commit


def _identity(text: str) -> str:
    """Names and addresses must not break out of `name <address>`."""
    return re.sub(r"[\x00-\x1f<>]", " ", text).strip() or "unknown"
