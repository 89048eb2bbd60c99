"""What lies between two versions: changed paths, and the lines of changed texts. Pure, and bounded in work.

Lines are matched at those that occur once on both sides, and between these by the shortest edit script. Where that
would take too long, a stretch counts as replaced as a whole: a longer diff, but still a right one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from models_registry.types import Entry, Listing

Way = Literal["added", "removed", "changed", "renamed"]
CONTEXT = 3
_STEPS = 2_000_000  # What one file's diff may cost: about a second.
_EDITS = 400  # Longer edit scripts between two anchors are not looked for.


@dataclass(frozen=True)
class Change:
    """One path that differs. A renamed file keeps its bytes."""

    way: Way
    before: Entry | None
    after: Entry | None

    @property
    def path(self) -> str:
        entry = self.after or self.before
        assert entry is not None
        return entry.path

    @property
    def old_path(self) -> str:
        return self.before.path if self.before else self.path


def changes(before: Listing, after: Listing) -> list[Change]:
    """All changed paths in order. A file that went and came back elsewhere with the same bytes was renamed."""
    gone = [before.files[path] for path in sorted(before.files.keys() - after.files.keys())]
    come = [after.files[path] for path in sorted(after.files.keys() - before.files.keys())]
    by_oid: dict[str, list[Entry]] = {}
    for entry in reversed(gone):
        by_oid.setdefault(entry.oid, []).append(entry)
    found: list[Change] = []
    renamed: set[str] = set()
    for entry in come:
        sources = by_oid.get(entry.oid) if entry.size else None  # Empty files are all alike and tell nothing.
        source = sources.pop() if sources else None
        found.append(Change("renamed" if source else "added", source, entry))
        renamed |= {source.path} if source else set()
    found += [Change("removed", entry, None) for entry in gone if entry.path not in renamed]
    for path in before.files.keys() & after.files.keys():
        old, new = before.files[path], after.files[path]
        if (old.oid, old.executable) != (new.oid, new.executable):
            found.append(Change("changed", old, new))
    return sorted(found, key=lambda change: (change.path, change.way))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a hunk. `sign` is " ", "-" or "+"; numbers count from 1. The text holds its own line end."""

    sign: str
    old: int | None
    new: int | None
    text: bytes


@dataclass(frozen=True)
class Hunk:
    """Neighbouring changes with the lines around them."""

    old_start: int
    new_start: int
    lines: tuple[Line, ...]

    @property
    def header(self) -> str:
        old, new = (sum(line.sign != skip for line in self.lines) for skip in ("+", "-"))
        return f"@@ -{_range(self.old_start, old)} +{_range(self.new_start, new)} @@"


def split_lines(body: bytes) -> list[bytes]:
    """Lines with their ends, cut at LF alone as Git does."""
    parts = body.split(b"\n")
    lines = [part + b"\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def hunks(before: bytes, after: bytes, *, context: int = CONTEXT) -> list[Hunk]:
    """The differences between two texts."""
    a, b = split_lines(before), split_lines(after)
    script = list(_script(a, b, matches(a, b)))
    shown: list[list[Line]] = []
    last = -context - 1
    changed = [index for index, line in enumerate(script) if line.sign != " "]
    for index in changed:
        start, stop = max(index - context, 0), min(index + context + 1, len(script))
        if shown and start <= last:
            shown[-1] += script[last:stop]
        else:
            shown.append(script[start:stop])
        last = stop
    return [_hunk(lines) for lines in shown]


def unified(found: Sequence[Hunk]) -> Iterator[bytes]:
    """Hunks as the lines of a patch."""
    for hunk in found:
        yield hunk.header.encode() + b"\n"
        for line in hunk.lines:
            yield line.sign.encode() + line.text
            if not line.text.endswith(b"\n"):
                yield b"\n\\ No newline at end of file\n"


def matches(a: Sequence[bytes], b: Sequence[bytes]) -> list[tuple[int, int]]:
    """Pairs of equal lines that both sides keep, ascending on both."""
    top = 0
    while top < min(len(a), len(b)) and a[top] == b[top]:
        top += 1
    end = 0
    while end < min(len(a), len(b)) - top and a[-1 - end] == b[-1 - end]:
        end += 1
    pairs = [(index, index) for index in range(top)]
    budget = [_STEPS]
    anchors = _anchors(a, b, top, len(a) - end, len(b) - end)
    i, j = top, top
    for x, y in [*anchors, (len(a) - end, len(b) - end)]:
        pairs += _between(a, b, (i, x), (j, y), budget)
        if x < len(a) - end:
            pairs.append((x, y))
        i, j = x + 1, y + 1
    return pairs + [(len(a) - end + index, len(b) - end + index) for index in range(end)]


def _anchors(a: Sequence[bytes], b: Sequence[bytes], start: int, a_stop: int, b_stop: int) -> list[tuple[int, int]]:
    """Lines that occur once on each side, as many as come in the same order on both."""
    once_a, once_b = Counter(a[start:a_stop]), Counter(b[start:b_stop])
    place_b = {line: index for index, line in enumerate(b[start:b_stop], start) if once_b[line] == 1}
    pairs = [(i, place_b[a[i]]) for i in range(start, a_stop) if once_a[a[i]] == 1 and a[i] in place_b]
    tails: list[int] = []  # The smallest end of an ascending run of each length, and by whom it was reached.
    heads: list[int] = []
    back: list[int] = []
    for index, (_, j) in enumerate(pairs):
        length = bisect_left(tails, j)
        back.append(heads[length - 1] if length else -1)
        tails[length : length + 1] = [j]
        heads[length : length + 1] = [index]
    found, index = [], heads[-1] if heads else -1
    while index >= 0:
        found.append(pairs[index])
        index = back[index]
    return found[::-1]


def _between(
    a: Sequence[bytes], b: Sequence[bytes], a_span: tuple[int, int], b_span: tuple[int, int], budget: list[int]
) -> list[tuple[int, int]]:
    """Matches of one stretch by the shortest edit script (Myers 1986, greedy); none where that is too long."""
    (i, x), (j, y) = a_span, b_span
    n, m = x - i, y - j
    if n <= 0 or m <= 0:
        return []
    reached = {1: 0}
    trace: list[dict[int, int]] = []
    for edits in range(min(n + m, _EDITS) + 1):
        trace.append(dict(reached))
        for diagonal in range(-edits, edits + 1, 2):
            down = diagonal == -edits or (
                diagonal != edits and reached.get(diagonal - 1, -1) < reached.get(diagonal + 1, -1)
            )
            at = reached[diagonal + 1] if down else reached[diagonal - 1] + 1
            first = at
            while at < n and at - diagonal < m and a[i + at] == b[j + at - diagonal]:
                at += 1
            reached[diagonal] = at
            budget[0] -= 1 + at - first
            if at >= n and at - diagonal >= m:
                return _walked_back(trace, i, j, n, m)
        if budget[0] <= 0:
            return []
    return []


def _walked_back(trace: list[dict[int, int]], i: int, j: int, n: int, m: int) -> list[tuple[int, int]]:
    pairs = []
    x, y = n, m
    for edits in range(len(trace) - 1, -1, -1):
        reached, diagonal = trace[edits], x - y
        down = diagonal == -edits or (
            diagonal != edits and reached.get(diagonal - 1, -1) < reached.get(diagonal + 1, -1)
        )
        before = diagonal + 1 if down else diagonal - 1
        start_x = reached[before]
        start_y = start_x - before
        while x > start_x and y > start_y:
            x, y = x - 1, y - 1
            pairs.append((i + x, j + y))
        if edits:
            x, y = start_x, start_y
    return pairs[::-1]


def _script(a: Sequence[bytes], b: Sequence[bytes], pairs: Sequence[tuple[int, int]]) -> Iterator[Line]:
    """Every line of both texts in the order of a patch: what goes before what comes."""
    i = j = 0
    for x, y in [*pairs, (len(a), len(b))]:
        for at in range(i, x):
            yield Line("-", at + 1, None, a[at])
        for at in range(j, y):
            yield Line("+", None, at + 1, b[at])
        if x < len(a):
            yield Line(" ", x + 1, y + 1, a[x])
        i, j = x + 1, y + 1


def _hunk(lines: list[Line]) -> Hunk:
    olds = [line.old for line in lines if line.old is not None]
    news = [line.new for line in lines if line.new is not None]
    return Hunk(old_start=olds[0] if olds else 0, new_start=news[0] if news else 0, lines=tuple(lines))


def _range(start: int, count: int) -> str:
    return str(start) if count == 1 else f"{start},{count}"
