"""Which refs a push may move, and how."""

from dataclasses import dataclass

from accounts.models import User
from hub.core.exceptions import HubError
from models_registry.models import Ref, Repository
from models_registry.permissions import Action, can, require
from models_registry.services import releases
from models_registry.services.refs import checked_name
from models_registry.services.rights import require_commit
from models_registry.types import BRANCH, PULL, TAG

ZERO = "0" * 40


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """Move a ref from one object to another.

    Attributes:
        old: what the sender saw; ZERO if there was none, None to take whatever is there.
        new: ZERO deletes the ref.
        is_copy: the ref comes from another hub together with its thread, which may be closed.
    """

    name: str
    old: str | None
    new: str
    is_copy: bool = False

    @property
    def is_deletion(self) -> bool:
        return self.new == ZERO


def current(refs: dict[str, Ref], name: str) -> str:
    found = refs.get(name)
    return found.target if found else ZERO


def refusal_of(update: RefUpdate, *, repository: Repository, user: User, refs: dict[str, Ref]) -> str | None:
    """Why this ref may not be moved so, in words for `git push`; None if it may.

    Args:
        refs: the repository's refs by name, as they are now.
    """
    there = current(refs, update.name)
    if update.old is not None and update.old != there:
        return "the ref has moved in the meantime, fetch first"
    if update.is_deletion and there == ZERO:
        return "there is no such ref"
    if not update.name.startswith((BRANCH, PULL, TAG)):
        return "only branches and tags can be pushed"
    is_copy = update.is_copy and update.name.startswith(PULL)
    if update.name.startswith(PULL) and there == ZERO and not is_copy:
        return "pull requests are opened on the hub, then pushed to"
    if update.name.startswith(PULL) and update.is_deletion:
        return "the ref of a pull request cannot be deleted"
    try:
        if is_copy:
            require(user, Action.WRITE, repository)
        else:
            require_commit(user=user, repository=repository, ref=update.name)
        releases.require_unprotected(repository, update.name)
        if there == ZERO and not is_copy:
            checked_name(update.name.removeprefix(BRANCH).removeprefix(TAG))
    except HubError as error:
        return str(error)
    if update.is_deletion and update.name == BRANCH + repository.default_branch:
        return "the default branch cannot be deleted"
    return _clash(update.name, refs) if there == ZERO else None


def require_push(*, user: User, repository: Repository) -> None:
    """May she push anything at all here: to branches, or to a pull request of hers?

    Raises:
        RepositoryNotFound, RepositoryForbidden, ScopeTooSmall, GatedRepository
    """
    proposes = can(user, Action.PROPOSE, repository) and not can(user, Action.WRITE, repository)
    if not proposes or not repository.discussions.filter(author=user, is_pull_request=True).exists():
        require(user, Action.WRITE, repository)


def _clash(name: str, refs: dict[str, Ref]) -> str | None:
    """Git keeps refs as files and folders, so none may be both."""
    for other in refs:
        if other.startswith(name + "/") or name.startswith(other + "/"):
            return f"{other} exists, and Git cannot keep both"
    return None
