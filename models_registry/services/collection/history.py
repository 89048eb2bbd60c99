"""Commits that no ref leads to any more, and the Git objects that only they used."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import ProtectedError, QuerySet, RestrictedError, Sum
from django.db.models.functions import Length
from django.utils import timezone
from dulwich.objects import Commit as GitCommit
from dulwich.objects import ObjectID, ShaFile, Tag, Tree

from models_registry.git.objects import FOLDER_MODE
from models_registry.git.store import RowObjectStore
from models_registry.manifests import unpack
from models_registry.models import Commit, GitObject, Repository, StorageUse
from models_registry.services.collection.keepers import held_commits, is_pinned

_BATCH = 500


def collect(repository: Repository, *, cutoff: datetime, dry_run: bool) -> tuple[int, int]:
    """Mark commits that became unreachable, delete those marked by `cutoff`. Returns counts of both kinds."""
    ripe = {oid for oid, since in _mark(repository, dry_run=dry_run).items() if since <= cutoff}
    if dry_run or not ripe:
        return len(ripe), 0
    # Listings are read before anything is locked; they cannot change, only more of them can come.
    known = set(repository.commits.values_list("oid", flat=True))
    live = _objects_of(repository, repository.commits.exclude(oid__in=ripe))
    with transaction.atomic():
        StorageUse.objects.lock(repository)
        now_known = set(repository.commits.values_list("oid", flat=True))
        if now_known - known or ripe & reachable(repository):
            return 0, 0  # Somebody worked here in the meantime. The next run finds what is left.
        commits = _delete_commits(repository, ripe)
        if commits < len(ripe & now_known):
            live |= _objects_of(repository, repository.commits.filter(oid__in=ripe))
        return commits, _delete_objects(repository, live)


def reachable(repository: Repository) -> set[str]:
    """Commits that refs lead to, and those that other rows hold on to, with all before them."""
    parents = dict(repository.commits.values_list("oid", "parents"))
    store = RowObjectStore(repository)
    waiting = [*repository.refs.values_list("commit", flat=True), *held_commits(repository)]
    if is_pinned(repository):
        waiting += parents
    found: set[str] = set()
    while waiting:
        oid = waiting.pop()
        if oid in found:
            continue
        found.add(oid)
        waiting += parents[oid] if oid in parents else _parents_in_store(store, oid)
    return found


def unused_objects(repository: Repository) -> set[str]:
    """Git objects that no commit and no ref of the repository needs."""
    live = _objects_of(repository, repository.commits.all())
    return set(GitObject.objects.filter(repository=repository).values_list("oid", flat=True)) - live


def _mark(repository: Repository, *, dry_run: bool) -> dict[str, datetime]:
    """Note on commits since when nothing leads to them. Returns those, with that time."""
    found, now = reachable(repository), timezone.now()
    lost: dict[str, datetime] = {}
    back, new = [], []
    for pk, oid, since in repository.commits.values_list("pk", "oid", "unreachable_since"):
        if oid not in found:
            lost[oid] = since or now
            new += [] if since else [pk]
        elif since:
            back.append(pk)
    if not dry_run:
        _set_since(new, now)
        _set_since(back, None)
    return lost


def _set_since(rows: list[int], since: datetime | None) -> None:
    for at in range(0, len(rows), _BATCH):
        Commit.objects.filter(pk__in=rows[at : at + _BATCH]).update(unreachable_since=since)


def _delete_commits(repository: Repository, oids: Iterable[str]) -> int:
    deleted = 0
    for commit in repository.commits.filter(oid__in=list(oids)):
        try:
            with transaction.atomic():
                commit.delete()
            deleted += 1
        except (ProtectedError, RestrictedError):
            continue  # Some record stands on what was measured of it.
    return deleted


def _delete_objects(repository: Repository, live: set[str]) -> int:
    rows = GitObject.objects.filter(repository=repository)
    unused = [pk for pk, oid in rows.values_list("pk", "oid") if oid not in live]
    freed_bytes = 0
    for at in range(0, len(unused), _BATCH):
        batch = GitObject.objects.filter(pk__in=unused[at : at + _BATCH])
        freed_bytes += batch.aggregate(total=Sum(Length("body")))["total"] or 0
        batch.delete()
    StorageUse.objects.add(repository, git_bytes=-freed_bytes)
    return len(unused)


def _objects_of(repository: Repository, commits: QuerySet[Commit]) -> set[str]:
    """Every Git object that these commits and the repository's refs need, from listings rather than from trees."""
    store = RowObjectStore(repository)
    live: set[str] = set()
    waiting: list[str] = []
    known: set[str] = set()
    for oid, tree, parents, packed in commits.values_list("oid", "tree", "parents", "manifest__packed").iterator(50):
        known.add(oid)
        waiting += parents
        live |= {oid, tree}
        if not packed:  # A commit without a listing; fsck tells of it.
            _walk_tree(store, tree, live)
            continue
        listing = unpack(bytes(packed))
        live.update(listing.folders.values())
        live.update(entry.oid for entry in listing.files.values())
    waiting += repository.refs.values_list("target", flat=True)
    ripe = set(repository.commits.values_list("oid", flat=True)) - known
    _walk_rest(store, waiting, live, stop=known | ripe)
    return live


def _walk_rest(store: RowObjectStore, waiting: list[str], live: set[str], *, stop: set[str]) -> None:
    """Tags, and commits that have no row of their own."""
    seen = set(stop)
    while waiting:
        oid = waiting.pop()
        if oid in seen:
            continue
        seen.add(oid)
        found = _read(store, oid)
        if found is None:
            continue
        live.add(oid)
        if isinstance(found, Tag):
            waiting.append(found.object[1].decode())
        elif isinstance(found, GitCommit):
            waiting += [parent.decode() for parent in found.parents]
            _walk_tree(store, found.tree.decode(), live)


def _walk_tree(store: RowObjectStore, root: str, live: set[str]) -> None:
    live.add(root)
    waiting, seen = [root], {root}
    while waiting:
        found = _read(store, waiting.pop())
        for item in found.items() if isinstance(found, Tree) else ():
            oid = item.sha.decode()
            live.add(oid)
            if item.mode == FOLDER_MODE and oid not in seen:
                seen.add(oid)
                waiting.append(oid)


def _parents_in_store(store: RowObjectStore, oid: str) -> list[str]:
    found = _read(store, oid)
    return [parent.decode() for parent in found.parents] if isinstance(found, GitCommit) else []


def _read(store: RowObjectStore, oid: str) -> ShaFile | None:
    try:
        return store[ObjectID(oid.encode())]
    except KeyError:
        return None
