"""Walking a repository's history in few queries."""

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
