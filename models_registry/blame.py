"""Which commit last changed a path. Listings say it of files; of a folder it is the newest of what is in it."""

from functools import lru_cache

from models_registry.manifests import listing_of
from models_registry.models import Commit, Repository

_BATCH = 500


def folder_commits(repository: Repository, commit: Commit) -> dict[str, str]:
    """Folder → id of the commit that last changed a file in it. A file that was removed left no trace here."""
    return _folder_commits(repository.pk, commit.pk, commit.oid)


@lru_cache(maxsize=64)
def _folder_commits(repository_id: int, commit_id: int, oid: str) -> dict[str, str]:
    commit = Commit.objects.get(pk=commit_id)
    files = listing_of(commit).files
    age = _ages(repository_id, sorted({entry.last_commit for entry in files.values()}))
    newest: dict[str, str] = {}
    for path, entry in files.items():
        folder = path.rpartition("/")[0]
        while folder:
            known = newest.get(folder)
            if known is None or age.get(entry.last_commit, 0) > age.get(known, 0):
                newest[folder] = entry.last_commit
            folder = folder.rpartition("/")[0]
    return newest


def _ages(repository_id: int, oids: list[str]) -> dict[str, int]:
    """Rows are numbered in the order in which commits came."""
    found: dict[str, int] = {}
    for start in range(0, len(oids), _BATCH):
        rows = Commit.objects.filter(repository_id=repository_id, oid__in=oids[start : start + _BATCH])
        found.update(rows.values_list("oid", "pk"))
    return found
