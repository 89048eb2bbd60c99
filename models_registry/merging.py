"""Three-way merges: of listings path by path, and of small texts line by line. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from models_registry.types import Entry

Texts = Callable[[Entry], str | None]
MAX_LINES = 5_000  # Matching takes the square of this in the worst case; longer texts conflict as wholes.


@dataclass
class Merged:
    """The files of a merge, texts that were put together anew, and the paths that both sides changed differently."""

    files: dict[str, Entry] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)


def merge_listings(
    base: Mapping[str, Entry], ours: Mapping[str, Entry], theirs: Mapping[str, Entry], text_of: Texts
) -> Merged:
    """Apply what `theirs` changed since `base` to `ours`.

    Args:
        text_of: the text of a small file, None for everything else.
    """
    merged = Merged(files=dict(ours))
    for path in sorted(base.keys() | theirs.keys()):
        before, mine, other = base.get(path), ours.get(path), theirs.get(path)
        if _same(mine, other) or _same(before, other):
            continue
        if _same(before, mine):
            if other is None:
                del merged.files[path]
            else:
                merged.files[path] = other
            continue
        text = _merged_text(before, mine, other, text_of)
        if text is None:
            merged.conflicts.append(path)
        else:
            merged.texts[path] = text
    return merged


def merge_texts(base: str, ours: str, theirs: str) -> str | None:
    """Put two changes of one text together; None where they touch the same lines or lines side by side."""
    lines = [text.splitlines(keepends=True) for text in (base, ours, theirs)]
    if max(map(len, lines)) > MAX_LINES:
        return None
    mine, other = _changes(lines[0], lines[1]), _changes(lines[0], lines[2])
    made: list[str] = []
    at = -1  # Where the last change ended; -1 before the first.
    for start, stop, new in _in_order(mine, other):
        if start <= at:  # One side's own changes always have an equal line between them.
            return None
        made += lines[0][max(at, 0) : start] + new
        at = stop
    return "".join(made + lines[0][max(at, 0) :])


Change = tuple[int, int, list[str]]


def _changes(before: list[str], after: list[str]) -> list[Change]:
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [(i1, i2, after[j1:j2]) for tag, i1, i2, j1, j2 in codes if tag != "equal"]


def _in_order(mine: list[Change], other: list[Change]) -> Iterator[Change]:
    """Both sides' changes by place; a change that both made counts once."""
    both = mine + [change for change in other if change not in mine]
    return iter(sorted(both, key=lambda change: (change[0], change[1])))


def _merged_text(before: Entry | None, mine: Entry | None, other: Entry | None, text_of: Texts) -> str | None:
    if before is None or mine is None or other is None:
        return None
    base, ours, theirs = text_of(before), text_of(mine), text_of(other)
    if base is None or ours is None or theirs is None:
        return None
    return merge_texts(base, ours, theirs)


def _same(one: Entry | None, other: Entry | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.oid, one.executable) == (other.oid, other.executable)
