"""Which refs a push may move, and how."""

from dataclasses import dataclass

from accounts.models import User
from models_registry.exceptions import InvalidRefName
from models_registry.git.refs import PULL
from models_registry.models import Ref, Repository
from models_registry.permissions import Action, can
from models_registry.services.refs import checked_name
from models_registry.types import BRANCH, TAG

ZERO = "0" * 40


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """Move a ref from one object to another.

    Attributes:
        old: what the sender saw; ZERO if there was none, None to take whatever is there.
        new: ZERO deletes the ref.
    """

    name: str
    old: str | None
    new: str

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
    if update.name.startswith(PULL):
        return _pull_refusal(update, repository=repository, user=user, there=there)
    if not update.name.startswith((BRANCH, TAG)):
        return "only branches and tags can be pushed"
    if not can(user, Action.WRITE, repository):
        return "you may not write to this repository"
    if update.is_deletion:
        return "the default branch cannot be deleted" if update.name == BRANCH + repository.default_branch else None
    if there == ZERO:
        return _name_refusal(update.name, refs)
    return None


def _name_refusal(name: str, refs: dict[str, Ref]) -> str | None:
    try:
        checked_name(name.removeprefix(BRANCH).removeprefix(TAG))
    except InvalidRefName as error:
        return str(error)
    for other in refs:
        if other.startswith(name + "/") or name.startswith(other + "/"):
            return f"{other} exists, and Git cannot keep both"
    return None


def _pull_refusal(update: RefUpdate, *, repository: Repository, user: User, there: str) -> str | None:
    if there == ZERO:
        return "pull requests are opened on the hub, then pushed to"
    if update.is_deletion:
        return "the ref of a pull request cannot be deleted"
    return None if can(user, Action.WRITE, repository) else "only its author and writers may push to a pull request"
