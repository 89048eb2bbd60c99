"""The commits of a repository as a graph in memory, for those who walk it: fetches and pushes."""

from collections.abc import Iterable, Iterator, Mapping

from models_registry.models import Repository


class History:
    """Parents and trees of every commit, from one query. About 400 bytes for each commit."""

    def __init__(self, repository: Repository) -> None:
        self.parents: dict[str, tuple[str, ...]] = {}
        self.trees: dict[str, str] = {}
        rows = repository.commits.order_by().values_list("oid", "tree", "parents")
        for oid, tree, parents in rows.iterator(chunk_size=2000):
            self.parents[oid] = tuple(parents)
            self.trees[oid] = tree

    def __contains__(self, oid: str) -> bool:
        return oid in self.parents

    def reachable(
        self, starts: Iterable[str], *, without: "set[str] | frozenset[str]" = frozenset(), cut: Iterable[str] = ()
    ) -> Iterator[str]:
        """Commits from `starts` backwards, each once, nearest first.

        Args:
            without: not these, and nothing through them.
            cut: these, but not their parents.
        """
        ends = frozenset(cut)
        seen = set(without)
        level = list(dict.fromkeys(starts))
        while level:
            found = [oid for oid in level if oid not in seen and oid in self.parents]
            seen.update(found)
            yield from found
            level = list(dict.fromkeys(parent for oid in found if oid not in ends for parent in self.parents[oid]))

    def depths(self, starts: Iterable[str], limit: int) -> Mapping[str, int]:
        """How many steps each commit is away, starting from 1, up to `limit`."""
        found: dict[str, int] = {}
        level = [oid for oid in dict.fromkeys(starts) if oid in self.parents]
        for depth in range(1, limit + 1):
            if not level:
                break
            found.update(dict.fromkeys(level, depth))
            after = dict.fromkeys(parent for oid in level for parent in self.parents[oid])
            level = [oid for oid in after if oid not in found and oid in self.parents]
        return found
