"""Who may move which ref, and deliver content for it. One rule, asked by every door that takes something in.

A branch takes what those bring who may write. A pull request's ref also takes what its author brings, for she may
propose; what is not named yet (a pull request in the making) takes what anybody brings who may propose. Delivered
content can be read by nobody who could not read the repository anyway, and the bytes of those who may only propose
are counted (services.limits).
"""

import re

from accounts.models import User
from models_registry.exceptions import DiscussionsDisabled, RevisionNotFound, WrongStatus
from models_registry.models import Discussion, Repository
from models_registry.permissions import Action, require
from models_registry.types import PULL

_NUMBER = re.compile(PULL + r"([1-9][0-9]{0,8})")


def require_discussing(*, user: User, repository: Repository, action: Action = Action.DISCUSS) -> None:
    """May she take part here?

    Raises:
        RepositoryNotFound, RepositoryForbidden, ScopeTooSmall, GatedRepository
        DiscussionsDisabled: nobody may.
    """
    require(user, action, repository)
    if repository.discussions_disabled:
        raise DiscussionsDisabled


def require_commit(*, user: User, repository: Repository, ref: str) -> Discussion | None:
    """May she commit to this ref? Returns the pull request whose ref it is.

    Raises:
        RepositoryNotFound, RepositoryForbidden, ScopeTooSmall, GatedRepository
        RevisionNotFound: no such pull request.
        WrongStatus: it is closed or merged.
    """
    if not ref.startswith(PULL):
        require(user, Action.WRITE, repository)
        return None
    require(user, Action.PROPOSE, repository)
    found = find_pull_request(repository, ref)
    if found is None:
        raise RevisionNotFound(revision=ref[:200])
    if found.author_id != user.pk:
        require(user, Action.WRITE, repository)
    if not found.is_open:
        raise WrongStatus(what="pull request", status=found.status, advice="Open it again first.")
    return found


def require_delivery(*, user: User, repository: Repository, ref: str | None) -> None:
    """May she deliver content for this ref? None stands for a pull request in the making.

    Raises:
        the same as `require_commit`
    """
    if ref is None:
        require_discussing(user=user, repository=repository, action=Action.PROPOSE)
    else:
        require_commit(user=user, repository=repository, ref=ref)


def find_pull_request(repository: Repository, ref: str) -> Discussion | None:
    """The pull request of a full ref name."""
    match = _NUMBER.fullmatch(ref)
    if match is None:
        return None
    return repository.discussions.filter(number=int(match[1]), is_pull_request=True).first()
