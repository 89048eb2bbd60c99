"""An old state as a new commit: nothing is rewritten, so a restore can be restored from as well."""

from accounts.models import User
from models_registry.exceptions import EntryNotFound, InvalidCommit
from models_registry.manifests import listing_of
from models_registry.models import Commit, Repository
from models_registry.paths import is_within
from models_registry.permissions import Action, require
from models_registry.services.commits import commit
from models_registry.services.revisions import find_commit
from models_registry.types import RestoreState


def restore(
    *,
    repository: Repository,
    user: User,
    branch: str,
    revision: str,
    path: str = "",
    title: str = "",
    expected_head: str | None = None,
) -> Commit:
    """Commit the state of `revision` on top of `branch`.

    Args:
        path: a file or folder that alone is restored; "" for everything. What was not there then goes.

    Raises:
        InvalidCommit: it is in that state already.
        EntryNotFound: nothing of that path, now or then.
        RevisionNotFound, StaleHead
    """
    require(user, Action.WRITE, repository)
    source, head = find_commit(repository, revision), find_commit(repository, branch)
    path = path.strip("/")
    then, now = _inside(source, path), _inside(head, path)
    if path and not then and not now:
        raise EntryNotFound(path=path[:300], revision=revision[:200], commit=source.oid)
    if then == now:
        raise InvalidCommit(reason="It is in that state already; there is nothing to restore.")
    return commit(
        repository=repository,
        user=user,
        branch=branch,
        title=title.strip() or f"Restore {path or 'the state'} of {source.oid[:7]}",
        operations=[RestoreState(path, source.oid)],
        expected_head=expected_head,
    )


def _inside(row: Commit, path: str) -> dict[str, tuple[str, bool]]:
    files = listing_of(row).files
    return {name: (entry.oid, entry.executable) for name, entry in files.items() if is_within(name, path)}
