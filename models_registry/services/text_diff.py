"""The difference of two commits as Git writes it: unified, path by path, within limits of time and size."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff

from models_registry.git.objects import Pointer
from models_registry.models import GitObject, Repository
from models_registry.types import Entry, Listing

MAX_TEXT_BYTES = 256 * 1024
MAX_LINES = 5_000  # Matching takes the square of this in the worst case.
MAX_DIFF_CHARACTERS = 2**20
MAX_FILES = 300
_NO_FILE = "/dev/null"


@dataclass(frozen=True)
class FileDiff:
    """What became of one path.

    Attributes:
        lines: the hunks of a unified diff; empty where only the contents' ids can be told.
        note: why there are no lines: "large", "binary" or "long"; "" where there are.
    """

    path: str
    before: Entry | None
    after: Entry | None
    lines: tuple[str, ...] = ()
    note: str = ""

    @property
    def way(self) -> str:
        if self.before is None:
            return "added"
        return "changed" if self.after is not None else "removed"

    @property
    def added(self) -> int:
        return sum(line.startswith("+") for line in self.lines)

    @property
    def removed(self) -> int:
        return sum(line.startswith("-") for line in self.lines)

    def text(self) -> str:
        """As `git diff` prints it."""
        old, new = (_short(entry) for entry in (self.before, self.after))
        head = [f"diff --git a/{self.path} b/{self.path}"]
        if self.before is None and self.after is not None:
            head.append(f"new file mode {_mode(self.after)}")
        elif self.after is None and self.before is not None:
            head.append(f"deleted file mode {_mode(self.before)}")
        head.append(f"index {old}..{new}")
        names = [f"a/{self.path}" if self.before else _NO_FILE, f"b/{self.path}" if self.after else _NO_FILE]
        if self.note in {"binary", "long"}:
            return "\n".join([*head, f"Binary files {names[0]} and {names[1]} differ", ""])
        if not self.lines:
            return "\n".join([*head, ""])
        return "\n".join([*head, f"--- {names[0]}", f"+++ {names[1]}", *self.lines, ""])


def file_diffs(
    repository: Repository, before: Listing, after: Listing, *, limit: int = MAX_FILES
) -> Iterator[FileDiff]:
    """The paths that differ, in order, at most `limit`; texts are read in one query for all."""
    paths = [path for path in sorted(before.files.keys() | after.files.keys()) if _differ(path, before, after)]
    pairs = [(path, before.files.get(path), after.files.get(path)) for path in paths[:limit]]
    wanted = {
        entry.oid
        for _, *both in pairs
        for entry in both
        if entry is not None and not entry.is_large and entry.size <= MAX_TEXT_BYTES
    }
    bodies = {
        oid: bytes(body)
        for oid, body in GitObject.objects.filter(repository=repository, oid__in=wanted).values_list("oid", "body")
    }
    for path, old, new in pairs:
        yield _file_diff(path, old, new, bodies)


def count_differing(before: Listing, after: Listing) -> int:
    """How many paths differ."""
    return sum(_differ(path, before, after) for path in before.files.keys() | after.files.keys())


def unified(repository: Repository, before: Listing, after: Listing) -> str:
    """The whole difference as one text; what does not fit is left out and said so."""
    parts: list[str] = []
    left = MAX_DIFF_CHARACTERS
    for each in file_diffs(repository, before, after):
        text = each.text()
        if len(text) > left:
            text = FileDiff(each.path, each.before, each.after, note="long").text()
        parts.append(text)
        left -= len(text)
        if left <= 0:
            break
    return "".join(parts)


def small_text(entry: Entry | None, bodies: dict[str, bytes]) -> str | None:
    """The text of a small file; "" for none, None for what is no text."""
    if entry is None:
        return ""
    if entry.is_large:
        return Pointer(sha256=entry.sha256, size=entry.size).text().decode()
    body = bodies.get(entry.oid)
    if body is None or b"\0" in body:
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _file_diff(path: str, before: Entry | None, after: Entry | None, bodies: dict[str, bytes]) -> FileDiff:
    old, new = small_text(before, bodies), small_text(after, bodies)
    if old is None or new is None:
        return FileDiff(path, before, after, note="binary")
    if max(old.count("\n"), new.count("\n")) > MAX_LINES:
        return FileDiff(path, before, after, note="long")
    lines = unified_diff(_lines(old), _lines(new), lineterm="", n=3)
    hunks = tuple(list(lines)[2:])  # The first two name the files.
    is_large = any(entry is not None and entry.is_large for entry in (before, after))
    return FileDiff(path, before, after, lines=hunks, note="large" if is_large else "")


def _lines(text: str) -> list[str]:
    """Lines as Git counts them, at line feeds alone; one that the end of the file cuts off is marked."""
    lines = text.split("\n")
    last = lines.pop()
    return [*lines, f"{last}\n\\ No newline at end of file"] if last else lines


def _differ(path: str, before: Listing, after: Listing) -> bool:
    old, new = before.files.get(path), after.files.get(path)
    if old is None or new is None:
        return old is not new
    return (old.oid, old.executable) != (new.oid, new.executable)


def _mode(entry: Entry) -> str:
    return "100755" if entry.executable else "100644"


def _short(entry: Entry | None) -> str:
    return entry.oid[:7] if entry else "0000000"
