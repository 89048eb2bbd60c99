"""Are these objects what Git would write? Strict readings of commits, trees and tags that strangers send. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from models_registry.git.exceptions import MalformedObject

_OID = rb"[0-9a-f]{40}"
_IDENTITY = re.compile(rb"([^<>\n\0]*?) ?<([^<>\n\0]*)> ([0-9]{1,18}) ([+-][0-9]{4})")
_COMMIT = re.compile(
    rb"tree (" + _OID + rb")\n((?:parent " + _OID + rb"\n)*)author ([^\n\0]*)\ncommitter ([^\n\0]*)\n"
    rb"((?:[^\n\0]+\n)*)(?:\n(.*))?",
    re.DOTALL,
)
_TAG = re.compile(
    rb"object (" + _OID + rb")\ntype (commit|tree|blob|tag)\ntag ([^\n\0]+)\n(?:tagger ([^\n\0]*)\n)?"
    rb"((?:[^\n\0]+\n)*)(?:\n(.*))?",
    re.DOTALL,
)
_ENTRY = re.compile(rb"([0-9]+) ([^\0]*)\0(.{20})", re.DOTALL)
_ENCODING = re.compile(rb"^encoding ([^\n]{1,40})$", re.MULTILINE)
_LAST_SECOND = 253_402_300_799  # The end of the year 9999.
_MAX_PARENTS = 64
_FORBIDDEN_MODES = {b"120000": "a symbolic link", b"160000": "a submodule"}


@dataclass(frozen=True, slots=True)
class ReadCommit:
    """What a commit object says, as text that every database takes."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: str
    email: str
    title: str
    body: str
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class ReadTag:
    oid: str
    target: str
    kind: str


@dataclass(frozen=True, slots=True)
class TreeEntry:
    name: str
    oid: str
    is_folder: bool
    is_executable: bool


def read_commit(oid: str, body: bytes) -> ReadCommit:
    """Read a commit.

    Raises:
        MalformedObject: its header is not what Git writes.
    """
    match = _COMMIT.fullmatch(body)
    if match is None:
        raise MalformedObject(kind="commit", oid=oid, reason="its header is not in order, or it holds NUL.")
    parents = tuple(part.decode() for part in re.findall(_OID, match[2]))
    if len(parents) > _MAX_PARENTS or len(set(parents)) != len(parents):
        raise MalformedObject(kind="commit", oid=oid, reason="it names a parent twice, or too many.")
    author, committer = _IDENTITY.fullmatch(match[3]), _IDENTITY.fullmatch(match[4])
    if author is None or committer is None:
        raise MalformedObject(kind="commit", oid=oid, reason="author or committer is not “name <mail> time zone”.")
    second = int(committer[3])
    if second > _LAST_SECOND:
        raise MalformedObject(kind="commit", oid=oid, reason="its date is beyond the year 9999.")
    declared = _ENCODING.search(match[5])
    encoding = declared[1].decode("ascii", "replace") if declared else "utf-8"
    message = _text(match[6] or b"", encoding).replace("\x00", "")
    title, _, rest = message.strip("\n").partition("\n\n")
    return ReadCommit(
        oid=oid,
        tree=match[1].decode(),
        parents=parents,
        author=_text(author[1], encoding)[:200],
        email=_text(author[2], encoding)[:254],
        title=" ".join(title.split())[:500],
        body=rest.strip("\n")[:65_536],
        committed_at=datetime.fromtimestamp(second, UTC),
    )


def read_tag(oid: str, body: bytes) -> ReadTag:
    """Read an annotated tag.

    Raises:
        MalformedObject
    """
    match = _TAG.fullmatch(body)
    if match is None or (match[4] is not None and _IDENTITY.fullmatch(match[4]) is None):
        raise MalformedObject(kind="tag", oid=oid, reason="its header is not in order.")
    return ReadTag(oid=oid, target=match[1].decode(), kind=match[2].decode())


def read_tree(oid: str, body: bytes) -> list[TreeEntry]:
    """Read a tree: entries in Git's order, no name twice, ordinary files and folders alone.

    Raises:
        MalformedObject
    """
    entries: list[TreeEntry] = []
    at, last = 0, b""
    names: set[bytes] = set()
    while at < len(body):
        match = _ENTRY.match(body, at)
        if match is None:
            raise MalformedObject(kind="tree", oid=oid, reason="it is cut off or holds no entries.")
        mode, name, raw = match.groups()
        entry = _entry(oid, mode, name, raw)
        key = name + b"/" if entry.is_folder else name
        if key <= last or name in names:
            raise MalformedObject(kind="tree", oid=oid, reason="its entries are not sorted, or a name comes twice.")
        names.add(name)
        last, at = key, match.end()
        entries.append(entry)
    return entries


def _entry(oid: str, mode: bytes, name: bytes, raw: bytes) -> TreeEntry:
    try:
        text = name.decode()
    except UnicodeDecodeError as error:
        shown = name.decode("utf-8", "backslashreplace")[:200]
        raise MalformedObject(kind="tree", oid=oid, reason=f"the name {shown} is not UTF-8.") from error
    if mode not in {b"100644", b"100755", b"40000"}:
        what = _FORBIDDEN_MODES.get(mode, f"of mode {mode.decode()[:10]}")
        raise MalformedObject(
            kind="tree", oid=oid, reason=f"“{_shown(text)}” is {what}. A repository holds files and folders only."
        )
    if not name or b"/" in name or raw == bytes(20):
        raise MalformedObject(kind="tree", oid=oid, reason="an entry has no name, a slash in it, or no object.")
    return TreeEntry(name=text, oid=raw.hex(), is_folder=mode == b"40000", is_executable=mode == b"100755")


def _shown(text: str) -> str:
    """A name from a stranger's tree, safe for a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:200])


def _text(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding, "replace")
    except LookupError:
        return data.decode("utf-8", "replace")
