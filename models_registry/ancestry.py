"""How far branches have gone from each other, counted in a bounded piece of the history."""

from collections.abc import Iterable, Mapping

from models_registry.models import Repository

REACH = 2_000  # Commits that are looked at, the newest first.


def ahead_behind(repository: Repository, base: str, heads: Iterable[str]) -> dict[str, tuple[int | None, int | None]]:
    """For each head: commits that it has and `base` has not, and the other way; None beyond the reach. One query."""
    rows = repository.commits.order_by("-pk").values_list("oid", "parents")[:REACH]
    parents: dict[str, list[str]] = dict(rows)
    behind, is_whole = _reachable(parents, base)
    found: dict[str, tuple[int | None, int | None]] = {}
    for head in set(heads):
        mine, is_mine_whole = _reachable(parents, head)
        both = is_whole and is_mine_whole
        found[head] = (len(mine - behind), len(behind - mine)) if both or head == base else (None, None)
    return found


def _reachable(parents: Mapping[str, list[str]], start: str) -> tuple[set[str], bool]:
    """All commits behind one, and whether the walk stayed within what is known."""
    found: set[str] = set()
    left, is_whole = [start], True
    while left:
        oid = left.pop()
        if oid in found:
            continue
        if oid not in parents:
            is_whole = False
            continue
        found.add(oid)
        left += parents[oid]
    return found, is_whole
