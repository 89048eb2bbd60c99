"""Two versions side by side: their changed files, each as people or programs want to see it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models_registry import diffing
from models_registry.diffing import Change, Hunk
from models_registry.git.objects import Pointer
from models_registry.models import Commit, GitObject, Repository
from models_registry.services.weights import WeightsChange, weights_change
from models_registry.types import Entry

MAX_TEXT_BYTES = 1024 * 1024  # Of one file; what is larger is not compared line by line.
MAX_LINES = 20_000
SHOWN_LINES = 3_000  # Of all files of one page.
SHOWN_FILES = 100
SHOWN_WEIGHTS = 8
_BATCH = 100


@dataclass(frozen=True)
class FileDiff:
    """One changed path.

    Attributes:
        kind: text; weights; renamed (nothing else changed); mode; or why there is no more to see: binary, large, held,
            closed (the reader may not have the contents), long (the page is full).
        hunks: of a text; of those, `left_out` more are not shown.
    """

    change: Change
    kind: str
    hunks: tuple[Hunk, ...] = ()
    added: int = 0
    removed: int = 0
    left_out: int = 0
    weights: WeightsChange | None = None


def file_diffs(
    repository: Repository, before: Commit | None, after: Commit, found: Sequence[Change], *, may_download: bool
) -> list[FileDiff]:
    """Up to SHOWN_FILES changed files. The texts cost one query, weights some for each of the first few.

    Args:
        may_download: whether the reader may have the contents.
    """
    shown = found[:SHOWN_FILES]
    held = {**(before.held if before else {}), **after.held}
    bodies = _bodies(repository, shown) if may_download else {}
    room, weights = SHOWN_LINES, 0
    result: list[FileDiff] = []
    for change in shown:
        if not may_download:
            result.append(FileDiff(change, "closed"))
        elif change.path in held or change.old_path in held:
            result.append(FileDiff(change, "held"))
        else:
            result.append(_file_diff(repository, change, bodies, room, weights_left=SHOWN_WEIGHTS - weights))
            weights += result[-1].kind == "weights"
            room -= sum(len(hunk.lines) for hunk in result[-1].hunks)
    return result


def patch(repository: Repository, found: Sequence[Change], *, held: set[str]) -> Iterator[bytes]:
    """The changes as Git writes them, file by file. Large files are their pointers; held files are left out."""
    for start in range(0, len(found), _BATCH):
        batch = found[start : start + _BATCH]
        bodies = _bodies(repository, batch)
        for change in batch:
            yield b"".join(_header(change))
            if {change.path, change.old_path} & held or _oid(change.before) == _oid(change.after):
                continue
            yield b"".join(_patch_body(change, bodies))


def _file_diff(
    repository: Repository, change: Change, bodies: dict[str, bytes], room: int, *, weights_left: int
) -> FileDiff:
    before, after = change.before, change.after
    if change.way == "renamed":
        return FileDiff(change, "renamed")
    if before and after and before.oid == after.oid:
        return FileDiff(change, "mode")
    if before and after and change.path.endswith(".safetensors"):
        if weights_left <= 0:
            return FileDiff(change, "long")
        return FileDiff(change, "weights", weights=weights_change(repository, change.path, before, after))
    entries = [entry for entry in (before, after) if entry]
    if any(entry.is_large or entry.size > MAX_TEXT_BYTES for entry in entries):
        return FileDiff(change, "large")
    old, new = _body(before, bodies), _body(after, bodies)
    if b"\0" in old or b"\0" in new or not (_is_text(old) and _is_text(new)):
        return FileDiff(change, "binary")
    if max(old.count(b"\n"), new.count(b"\n")) > MAX_LINES:
        return FileDiff(change, "large")
    if room <= 0:
        return FileDiff(change, "long")
    return _text_diff(change, old, new, room)


def _text_diff(change: Change, old: bytes, new: bytes, room: int) -> FileDiff:
    """The hunks that the page has room for; one that is longer is cut."""
    found = diffing.hunks(old, new)
    added, removed = (sum(line.sign == sign for hunk in found for line in hunk.lines) for sign in "+-")
    shown, left_out = [], 0
    for hunk in found:
        lines = hunk.lines[: max(room, 0)]
        left_out += len(hunk.lines) - len(lines)
        room -= len(lines)
        if lines:
            shown.append(Hunk(hunk.old_start, hunk.new_start, lines))
    return FileDiff(change, "text", tuple(shown), added, removed, left_out)


def _bodies(repository: Repository, found: Sequence[Change]) -> dict[str, bytes]:
    """The small files of these changes, by Git id."""
    wanted = {
        entry.oid
        for change in found
        for entry in (change.before, change.after)
        if entry and not entry.is_large and entry.size <= MAX_TEXT_BYTES and change.way != "renamed"
    }
    rows = GitObject.objects.filter(repository=repository, oid__in=wanted).values_list("oid", "body")
    return {oid: bytes(body) for oid, body in rows}


def _body(entry: Entry | None, bodies: dict[str, bytes]) -> bytes:
    return bodies.get(entry.oid, b"") if entry else b""


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _oid(entry: Entry | None) -> str:
    return entry.oid if entry else "0" * 40


def _mode(entry: Entry) -> str:
    return "100755" if entry.executable else "100644"


def _header(change: Change) -> Iterator[bytes]:
    old, new = change.before, change.after
    yield b"diff --git %s %s\n" % (_quoted("a/" + change.old_path), _quoted("b/" + change.path))
    if old is None and new is not None:
        yield f"new file mode {_mode(new)}\n".encode()
    elif new is None and old is not None:
        yield f"deleted file mode {_mode(old)}\n".encode()
    elif old is not None and new is not None:
        if old.executable != new.executable:
            yield f"old mode {_mode(old)}\nnew mode {_mode(new)}\n".encode()
        if change.way == "renamed":
            yield b"similarity index 100%%\nrename from %s\nrename to %s\n" % (_quoted(old.path), _quoted(new.path))
    if _oid(old) != _oid(new):
        mode = f" {_mode(new)}" if old and new and old.executable == new.executable else ""
        yield f"index {_oid(old)}..{_oid(new)}{mode}\n".encode()


def _patch_body(change: Change, bodies: dict[str, bytes]) -> Iterator[bytes]:
    a = _quoted("a/" + change.old_path) if change.before else b"/dev/null"
    b = _quoted("b/" + change.path) if change.after else b"/dev/null"
    entries = [entry for entry in (change.before, change.after) if entry]
    too_large = any(not entry.is_large and entry.size > MAX_TEXT_BYTES for entry in entries)
    old, new = (_git_body(entry, bodies) for entry in (change.before, change.after))
    if too_large or b"\0" in old[:8000] or b"\0" in new[:8000] or max(old.count(b"\n"), new.count(b"\n")) > MAX_LINES:
        yield b"Binary files %s and %s differ\n" % (a, b)
        return
    found = diffing.hunks(old, new)
    if found:
        yield b"--- %s\n+++ %s\n" % (_ended(a), _ended(b))
        yield from diffing.unified(found)


def _git_body(entry: Entry | None, bodies: dict[str, bytes]) -> bytes:
    """What Git keeps of a file: of large ones the pointer's text."""
    if entry is not None and entry.is_large:
        return Pointer(sha256=entry.sha256, size=entry.size).text()
    return _body(entry, bodies)


def _quoted(path: str) -> bytes:
    """A path as Git writes it: in quotes, with escapes, where it holds anything unusual."""
    raw = path.encode()
    if all(0x20 <= byte < 0x7F and byte not in b'"\\' for byte in raw):
        return raw
    escapes = {0x22: b'\\"', 0x5C: b"\\\\", 0x09: b"\\t", 0x0A: b"\\n", 0x0D: b"\\r"}
    body = b"".join(escapes.get(byte) or (bytes([byte]) if 0x20 <= byte < 0x7F else b"\\%03o" % byte) for byte in raw)
    return b'"%s"' % body


def _ended(name: bytes) -> bytes:
    """Git ends a name that holds a space with a tab, so that a reader finds its end."""
    return name + b"\t" if b" " in name and not name.startswith(b'"') else name
