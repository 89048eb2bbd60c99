"""Walking a repository's history in few queries."""

import heapq
from collections.abc import Iterable

from models_registry.models import Commit, Repository

_STEP = 200


def history(repository: Repository, oids: Iterable[str]) -> dict[str, Commit]:
    """Commits by id."""
    wanted = [oid for oid in oids if oid]
    found: dict[str, Commit] = {}
    for start in range(0, len(wanted), _STEP):
        rows = repository.commits.filter(oid__in=wanted[start : start + _STEP]).select_related("author")
        found.update((row.oid, row) for row in rows)
    return found


def first_parents(repository: Repository, start: Commit) -> Iterable[Commit]:
    """A commit and its first parents, newest first.

    Rows are written in the order of history, so a batch of the rows before one nearly always holds its parents; only
    a jump across branches costs another query.
    """
    known: dict[str, Commit] = {}
    current: Commit | None = start
    while current is not None:
        yield current
        parent = current.parents[0] if current.parents else None
        if parent is None:
            return
        if parent not in known:
            rows = repository.commits.filter(pk__lt=current.pk).order_by("-pk").select_related("author")[:_STEP]
            known = {row.oid: row for row in rows}
            if parent not in known:
                known |= history(repository, [parent])
        current = known.get(parent)


def history_page(
    repository: Repository, start: Commit, *, after: str | None, limit: int, skip: int = 0
) -> tuple[list[Commit], bool]:
    """One page of a history and whether there is more.

    Args:
        after: the last commit of the page before; the walk continues with its parent.
        skip: how many to leave out first, for callers that count pages.
    """
    if after:
        last = repository.commits.filter(oid=after[:40]).first()
        walk = iter(first_parents(repository, last)) if last else iter(())
        next(walk, None)
    else:
        walk = iter(first_parents(repository, start))
    for _ in range(skip):
        next(walk, None)
    rows: list[Commit] = []
    for row in walk:
        if len(rows) == limit:
            return rows, True
        rows.append(row)
    return rows, False


_OURS, _THEIRS = 1, 2


def merge_base(repository: Repository, ours: Commit, theirs: Commit) -> Commit | None:
    """The newest commit that both histories have; None where they share nothing.

    Both are walked together, newest row first: rows are written parents first, so the first commit that both walks
    reach is the one.
    """
    known: dict[str, tuple[int, list[str]]] = {}
    reached = {ours.oid: _OURS}
    reached[theirs.oid] = reached.get(theirs.oid, 0) | _THEIRS
    waiting = [(-commit.pk, commit.oid) for commit in {ours.oid: ours, theirs.oid: theirs}.values()]
    known.update((commit.oid, (commit.pk, commit.parents)) for commit in (ours, theirs))
    heapq.heapify(waiting)
    while waiting:
        _, oid = heapq.heappop(waiting)
        if reached[oid] == _OURS | _THEIRS:
            return repository.commits.get(oid=oid)
        for parent in known[oid][1]:
            if parent not in known:
                known |= _around(repository, parent, before=known[oid][0])
            if parent in known and parent not in reached:
                heapq.heappush(waiting, (-known[parent][0], parent))
            if parent in known:
                reached[parent] = reached.get(parent, 0) | reached[oid]
    return None


def side_commits(repository: Repository, start: Commit, base: Commit | None, *, limit: int) -> list[Commit]:
    """The commits of a branch along first parents, newest first, down to where it left `base`."""
    found: list[Commit] = []
    for row in first_parents(repository, start):
        if len(found) == limit or (base is not None and row.oid == base.oid):
            break
        found.append(row)
    return found


def _around(repository: Repository, oid: str, *, before: int) -> dict[str, tuple[int, list[str]]]:
    """The rows before one, which nearly always hold its parents; else the one that is wanted."""
    rows = repository.commits.filter(pk__lt=before).order_by("-pk").values_list("oid", "pk", "parents")[:_STEP]
    found = {row[0]: (row[1], row[2]) for row in rows}
    if oid not in found:
        found.update(
            (row[0], (row[1], row[2])) for row in repository.commits.filter(oid=oid).values_list("oid", "pk", "parents")
        )
    return found
