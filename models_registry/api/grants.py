"""Grants: signed, short-lived permissions that travel in an address or as a token, so that no server keeps a session.

A grant names who asked, with which access token, for which repository and what exactly. Redeeming it asks the
permission table again: a right that was taken away, a token that was revoked, a repository that was deleted end it.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.http import HttpRequest

from accounts.models import AccessToken, User
from hub.core.exceptions import Forbidden, Unauthorised
from hub.core.requests import access_token
from models_registry.exceptions import RepositoryNotFound
from models_registry.models import Repository
from models_registry.permissions import Action, can, require


class BadGrant(Forbidden):
    """For addresses: expired, forged, for something else, or taken back. Ask for a new one."""

    code = "bad_grant"
    message = "This address is no longer valid. Ask for a new one."


class BadXetToken(Unauthorised):
    """For tokens in a header: the client then fetches a fresh one."""

    code = "bad_xet_token"
    message = "The Xet token is missing, wrong or expired."


class WrongXetScope(Forbidden):
    code = "wrong_xet_scope"
    message = "This Xet token may only read."


@dataclass(frozen=True)
class Grant:
    """What a caller may do. `subject` says to what exactly, in the words of the purpose.

    Attributes:
        user_id: 0 for nobody in particular.
        token_id: the access token that the grant was asked with; 0 for a browser's session.
    """

    READ: ClassVar[str] = "read"
    WRITE: ClassVar[str] = "write"
    PROPOSE: ClassVar[str] = "propose"  # To deliver content for a pull request.

    purpose: str
    repository_id: int
    user_id: int
    token_id: int
    action: str
    subject: tuple[Any, ...] = ()

    @classmethod
    def ask(
        cls, request: HttpRequest, repository: Repository, *, purpose: str, action: str, subject: Any = ()
    ) -> "Grant":
        """A grant for whoever sent this request. That she may, the caller has checked."""
        user_id = request.user.pk if isinstance(request.user, User) else 0
        token = access_token(request)
        return cls(purpose, repository.pk, user_id or 0, token.pk if token else 0, action, tuple(subject))

    @classmethod
    def ask_to_deliver(
        cls, request: HttpRequest, repository: Repository, *, purpose: str, subject: Any = ()
    ) -> "Grant":
        """A grant to bring content: as one who may write, or as one who may propose. That she may, was checked."""
        action = cls.WRITE if can(request.user, Action.WRITE, repository) else cls.PROPOSE
        return cls.ask(request, repository, purpose=purpose, action=action, subject=subject)

    def derive(self, *, purpose: str, subject: Any) -> "Grant":
        """A grant to read something narrower, for the same caller."""
        return replace(self, purpose=purpose, action=self.READ, subject=tuple(subject))

    def sign(self) -> str:
        payload = [self.repository_id, self.user_id, self.token_id, self.action, *self.subject]
        return signing.dumps(payload, salt=_salt(self.purpose))


_NEEDS = {Grant.READ: Action.DOWNLOAD, Grant.PROPOSE: Action.PROPOSE, Grant.WRITE: Action.WRITE}


@dataclass(frozen=True)
class Redeemed:
    """A grant that still holds, with its rows."""

    grant: Grant
    user: User | AnonymousUser
    repository: Repository

    @property
    def member(self) -> User:
        """The caller of an action that nobody may do unnamed."""
        if not isinstance(self.user, User):
            raise BadGrant
        return self.user


def redeem(value: str, *, purpose: str, lifetime_s: int) -> Redeemed:
    """Open a grant and ask again whether it still is right.

    Raises:
        BadGrant: forged, expired, for another purpose, or its caller or token is gone.
        RepositoryNotFound: the repository is gone or no longer hers to see.
        GatedRepository, RepositoryForbidden, ScopeTooSmall: she lost the right.
    """
    try:
        repository_id, user_id, token_id, action, *subject = signing.loads(
            value, salt=_salt(purpose), max_age=lifetime_s
        )
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadGrant from error
    grant = Grant(purpose, repository_id, user_id, token_id, action, tuple(subject))
    user = _caller(grant)
    repository = Repository.objects.select_related("namespace").filter(pk=repository_id).first()
    if repository is None:
        raise RepositoryNotFound(name="", anonymous=0)
    require(user, _NEEDS[action], repository)
    return Redeemed(grant, user, repository)


def _caller(grant: Grant) -> User | AnonymousUser:
    if not grant.user_id:
        return AnonymousUser()
    user = User.objects.filter(pk=grant.user_id, is_active=True).first()
    if user is None:
        raise BadGrant
    if grant.token_id:
        token = AccessToken.objects.filter(pk=grant.token_id, user=user).first()
        if token is None or token.is_expired():
            raise BadGrant
        user.narrow_to(token)
    return user


def _salt(purpose: str) -> str:
    return f"smallhub.grant.{purpose}"
