"""May she? One table for every door."""

import enum

from django.contrib.auth.models import AnonymousUser

from accounts.grants import Right
from accounts.models import Role, Scope, User
from accounts.permissions import role_in, too_small
from models_registry import addresses
from models_registry.allowances import require_pull
from models_registry.exceptions import AccessLapsed, GatedRepository, RepositoryForbidden, RepositoryNotFound
from models_registry.inherited import closed_sources, needs_terms
from models_registry.models import AccessRequest, Repository


class Action(enum.Enum):
    """What can be done to a repository, in alphabetical order."""

    ADMINISTER = "repository:administer"  # settings, visibility, deletion
    DISCUSS = "repository:discuss"  # open and answer discussions; who reads and is signed in may
    DOWNLOAD = "repository:download"  # the contents of files; all that see a repository may, unless it is gated
    PROPOSE = "repository:propose"  # open pull requests and deliver their content; who downloads and is signed in may
    READ = "repository:read"  # that it exists, its card, the names of its files
    WRITE = "repository:write"  # commits, branches, tags, evaluations


_ALLOWED: dict[Role, frozenset[Action]] = {
    Role.ADMIN: frozenset(Action),
    Role.WRITE: frozenset({Action.DOWNLOAD, Action.READ, Action.WRITE}),
    Role.CONTRIBUTOR: frozenset({Action.DOWNLOAD, Action.READ}),
    Role.READ: frozenset({Action.DOWNLOAD, Action.READ}),
}
# What takes a name beside a right to read: there is no role for it.
_NAMED = {Action.DISCUSS: Action.READ, Action.PROPOSE: Action.DOWNLOAD}
# What a token needs for each action: this scope.
_SCOPE = {
    Action.DISCUSS: Scope.WRITE,
    Action.PROPOSE: Scope.WRITE,
    Action.DOWNLOAD: Scope.READ,
    Action.READ: Scope.READ,
    Action.WRITE: Scope.WRITE,
    Action.ADMINISTER: Scope.WRITE,
}
# And this is the right that a fine-grained token needs in the place. Whoever adds an action adds it here too.
_RIGHT = {
    Action.DISCUSS: Right.DISCUSS,
    Action.PROPOSE: Right.DISCUSS,
    Action.DOWNLOAD: Right.READ,
    Action.READ: Right.READ,
    Action.WRITE: Right.WRITE,
    Action.ADMINISTER: Right.ADMINISTER,
}


def can(user: User | AnonymousUser, action: Action, repository: Repository) -> bool:
    """May this person, with the token she came with, do this here?"""
    return _role_allows(user, action, repository) and _token_allows(user, action, repository)


def require(user: User | AnonymousUser, action: Action, repository: Repository) -> None:
    """Let her through, or say why not without telling of what she may not see.

    Raises:
        RepositoryNotFound: she may not even read it; the same answer as for a missing one.
        GatedRepository: she may see it but was not given access to its files.
        RepositoryForbidden: she may read it but not do this.
        ScopeTooSmall: she may, but her token may not.
        LicenceNotAllowed: her token acts for an organisation that does not let this licence in.
    """
    if not can(user, Action.READ, repository):
        raise RepositoryNotFound(name=repository.full_name, anonymous=int(not user.is_authenticated))
    if not _role_allows(user, action, repository):
        if action is Action.DOWNLOAD or (action is Action.PROPOSE and user.is_authenticated):
            raise _refusal(user, repository)
        raise RepositoryForbidden(
            name=repository.full_name, action=action.value, anonymous=int(not user.is_authenticated)
        )
    if user.is_authenticated and not _token_allows(user, action, repository):
        raise too_small(user, _RIGHT[action], _SCOPE[action])
    if action is Action.DOWNLOAD:
        require_pull(user, repository)


def _token_allows(user: User | AnonymousUser, action: Action, repository: Repository) -> bool:
    if not user.is_authenticated:
        return True
    if user.grants is None:
        return Scope(user.scope).covers(_SCOPE[action])
    if action in _NAMED and not _token_allows(user, _NAMED[action], repository):
        return False
    rights = {_RIGHT[action]}
    if not repository.is_private and action in {Action.DOWNLOAD, Action.READ}:
        if action is Action.READ or not _is_gated(repository):
            return True
        rights.add(Right.GATED)
    return any(
        user.grants.allow(right, namespace=repository.namespace_id, repository=repository.public_id) for right in rights
    )


def _role_allows(user: User | AnonymousUser, action: Action, repository: Repository) -> bool:
    if action in _NAMED:
        return user.is_authenticated and _role_allows(user, _NAMED[action], repository)
    if not repository.is_private and (
        action is Action.READ or (action is Action.DOWNLOAD and not _is_gated(repository))
    ):
        return True
    if not user.is_authenticated:
        return False
    if user.is_superuser:
        return True
    role = role_in(user, repository.namespace)
    if role is None:
        # Of a gated repository that became private, an accepted request opens no more than others see: nothing.
        return action is Action.DOWNLOAD and not repository.is_private and _gates_let_in(user, repository)
    # A contributor is trusted with what she started herself.
    own = role is Role.CONTRIBUTOR and repository.creator_id == user.pk
    return action in (_ALLOWED[Role.ADMIN] if own else _ALLOWED[role])


def _gates_let_in(user: User, repository: Repository) -> bool:
    """Whether she was accepted at its own gate, and at those of what it was made from."""
    accepted = AccessRequest.objects.opening(user)
    if repository.has_gate and not accepted.filter(repository=repository).exists():
        return False
    return not closed_sources(user, repository)


def _is_gated(repository: Repository) -> bool:
    """Whether its files are closed to those who see it, also where what it inherits is still being written down."""
    return repository.is_gated or needs_terms(repository)


def _refusal(user: User | AnonymousUser, repository: Repository) -> GatedRepository:
    """Why she is not given the files, and where she is told more."""
    lapsed = AccessRequest.objects.lapsed(user).filter(repository=repository).first() if repository.has_gate else None
    kind = AccessLapsed if lapsed else GatedRepository
    return kind(
        kind={"app": "space"}.get(repository.kind, repository.kind),
        name=repository.full_name,
        path=addresses.page(repository),
        where=addresses.absolute(addresses.page(repository)) + "/ask-access",
        anonymous=int(not user.is_authenticated),
    )
