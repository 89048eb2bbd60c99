"""The transaction of a push: objects, commits, listings, links, refs, news."""

from collections.abc import Iterable, Iterator, Sequence

from django.utils import timezone

from accounts.models import User
from accounts.services import revoke_leaked
from models_registry import holding
from models_registry.exceptions import WrongStatus
from models_registry.git.quarantine import TREE, Quarantine
from models_registry.git.store import RowObjectStore
from models_registry.models import Commit, Content, Manifest, Ref, Repository, StorageUse
from models_registry.services import content, quotas, threads
from models_registry.services.events import note_event
from models_registry.services.heads import hold_until_scanned, note_head, note_named
from models_registry.services.pushes.arrivals import Arrivals
from models_registry.services.pushes.drafts import Draft, Drafts
from models_registry.services.pushes.updates import RefUpdate, current
from models_registry.services.rights import find_pull_request
from models_registry.signals import commit_published
from models_registry.types import BRANCH, PULL, RefChange

_BATCH = 200
_BATCH_BYTES = 16 * 2**20


class Stale(Exception):
    """Refs that moved since they were looked at."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


def store(
    *,
    repository: Repository,
    user: User,
    arrivals: Arrivals,
    drafts: Drafts,
    contents: Iterable[Content],
    updates: Sequence[RefUpdate],
    commits: dict[str, str],
) -> tuple[list[RefChange], list[str]]:
    """Write all of it. Call inside a transaction; whatever is raised must end it.

    Args:
        commits: the commit that each ref will lead to, by the ref's name.

    Returns:
        What moved, and what listeners say to whoever pushed.

    Raises:
        Stale: a ref is not where it should be, or what the push builds on is gone; nothing was written yet.
        QuotaExceeded, BeingCollected
    """
    refs = _lock(repository, updates)
    if not arrivals.are_still_here():
        raise Stale([update.name for update in updates])
    RowObjectStore(repository).add_raw(_objects(arrivals.pushed, arrivals.needed))
    _store_commits(repository, user, drafts)
    content.link_all(repository=repository, contents=[(found, "") for found in contents])
    _hold(repository, drafts)
    if drafts:  # Who only takes refs away needs no room.
        quotas.require_room(repository=repository)
    moved = [_move(repository, refs, update, commits) for update in updates]
    copies = {update.name for update in updates if update.is_copy}
    lines: list[str] = []
    for change in moved:
        lines += _tell(repository, user, change, is_copy=change.ref in copies)
    note_event(repository=repository, action="update", scope="repo.content", refs=moved)
    return moved, lines


def _lock(repository: Repository, updates: Sequence[RefUpdate]) -> dict[str, Ref]:
    """The rows of these refs, for this transaction alone.

    Raises:
        Stale
    """
    StorageUse.objects.lock(repository)  # One push or commit at a time; new refs have no row to lock.
    rows = repository.refs.select_for_update().filter(name__in=[update.name for update in updates])
    refs = {ref.name: ref for ref in rows}
    stale = [each.name for each in updates if each.old is not None and current(refs, each.name) != each.old]
    if stale:
        raise Stale(stale)
    return refs


def _objects(pushed: Quarantine, needed: Iterable[str]) -> Iterator[tuple[str, int, bytes]]:
    """What is to be written. A token of ours in any of it, a message too, is worthless once others can read it."""
    for oid in needed:
        found = pushed.get(oid)
        if found is not None:
            if found[0] != TREE:
                revoke_leaked(text=found[1])
            yield oid, *found


def _store_commits(repository: Repository, user: User, drafts: Drafts) -> None:
    batch: list[Draft] = []
    size_bytes = 0
    for draft in drafts:
        batch.append(draft)
        size_bytes += draft.packed_bytes
        if len(batch) == _BATCH or size_bytes > _BATCH_BYTES:
            _store_batch(repository, user, drafts, batch)
            batch, size_bytes = [], 0
    _store_batch(repository, user, drafts, batch)


def _store_batch(repository: Repository, user: User, drafts: Drafts, batch: list[Draft]) -> None:
    rows = Commit.objects.bulk_create(_row(repository, user, draft) for draft in batch)
    Manifest.objects.bulk_create(
        Manifest(commit=row, packed=drafts.packed(draft), file_count=draft.file_count, total_bytes=draft.total_bytes)
        for row, draft in zip(rows, batch, strict=True)
    )


def _hold(repository: Repository, drafts: Drafts) -> None:
    """Hold back what can run code in every commit that came, for each can be asked for by its id."""
    oids = [draft.commit.oid for draft in drafts if holding.can_run(drafts.listing(draft.commit.oid)[1])]
    for start in range(0, len(oids), _BATCH):
        for row in Commit.objects.filter(repository=repository, oid__in=oids[start : start + _BATCH]).order_by("pk"):
            hold_until_scanned(repository=repository, commit=row)


def _row(repository: Repository, user: User, draft: Draft) -> Commit:
    commit = draft.commit
    own = {f"{user.username}@users.noreply.smallhub".lower(), user.email.lower()} - {""}
    return Commit(
        repository=repository,
        oid=commit.oid,
        tree=commit.tree,
        parents=list(commit.parents),
        author=user if commit.email.lower() in own else None,
        author_name=commit.author,
        author_email=commit.email,
        title=commit.title,
        message=commit.body,
        committed_at=commit.committed_at,
    )


def _move(repository: Repository, refs: dict[str, Ref], update: RefUpdate, commits: dict[str, str]) -> RefChange:
    ref = refs.get(update.name)
    old = ref.commit if ref else None
    if update.is_deletion:
        assert ref is not None
        ref.delete()
        return RefChange(update.name, old, None)
    commit = commits[update.name]
    if ref is None:
        Ref.objects.create(repository=repository, name=update.name, target=update.new, commit=commit)
    else:
        moved = Ref.objects.filter(pk=ref.pk, target=ref.target).update(target=update.new, commit=commit)
        if not moved:
            raise Stale([update.name])
    return RefChange(update.name, old, commit)


def _tell(repository: Repository, user: User, change: RefChange, *, is_copy: bool) -> list[str]:
    """Let the row, the thread and the listeners know of a head that moved.

    Returns:
        What listeners say to whoever pushed.

    Raises:
        Stale: the pull request was closed in the meantime.
    """
    if change.new is None:
        return []
    row = Commit.objects.get(repository=repository, oid=change.new)
    if not change.ref.startswith((BRANCH, PULL)):
        note_named(repository=repository, commit=row, ref=change.ref)
        return []
    hold_until_scanned(repository=repository, commit=row)
    if change.ref == BRANCH + repository.default_branch:
        note_head(repository=repository, commit=row)
        # A commit may carry any date; when the repository changed is known here.
        repository.updated_at = timezone.now()
        repository.save(update_fields=["updated_at"])
    # What happened in a thread elsewhere came with it.
    pull_request = None if is_copy else find_pull_request(repository, change.ref)
    if pull_request is not None:
        try:
            threads.note_commit(pull_request, commit=row, user=user)
        except WrongStatus:
            raise Stale([change.ref]) from None
    answers = commit_published.send(sender=Commit, repository=repository, commit=row, ref=change.ref)
    return [line for _, said in answers for line in said or ()]
