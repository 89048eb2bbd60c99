"""Which links would close a circle. A repository cannot come from what comes from it."""

from collections.abc import Iterable

from models_registry.models import LineageLink, Repository

MAX_LEVELS = 32
MAX_SEEN = 5_000


def closing(repository: Repository, parents: Iterable[int]) -> set[int]:
    """Those of these parents that come from the repository themselves, over any number of steps; one query a step."""
    starts = set(parents)
    above: dict[int, set[int]] = {}
    frontier = starts - {repository.pk}
    for _ in range(MAX_LEVELS):
        if not frontier or len(above) > MAX_SEEN:
            break
        rows = LineageLink.objects.of_heads().accepted().filter(repository__in=frontier, parent__isnull=False)
        for child in frontier:
            above[child] = set()
        for child, parent in rows.order_by().values_list("repository_id", "parent_id"):
            above[child].add(parent)
        frontier = {parent for child in frontier for parent in above[child]} - above.keys() - {repository.pk}
    found = {repository.pk} & starts
    for start in starts:
        if _reaches(above, start, repository.pk):
            found.add(start)
    return found


def _reaches(above: dict[int, set[int]], start: int, target: int) -> bool:
    seen, pending = {start}, [start]
    while pending:
        here = pending.pop()
        if here == target:
            return True
        new = above.get(here, set()) - seen
        seen |= new
        pending += new
    return False
