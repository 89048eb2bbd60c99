"""What can go wrong, as one tree, so that `except smallhub.NotFound` catches just what it says.

SmallhubError                 anything this package foresaw; `code` is stable, `details` holds the facts
├── Invalid                   the request makes no sense: a bad name, an empty folder, too long a prompt
├── NotFound                  the hub has no such thing, or hides it from this token
│   ├── RepositoryNotFound
│   └── RevisionNotFound
├── AccessDenied              no token, a wrong token, or a token without this right
│   └── AcceptanceNeeded      the files go to who accepted the terms, and this token's owner has not
├── Conflict                  the world moved: somebody else pushed in the meantime
├── Refused                   it could be done, but it would not be safe
│   ├── UnsafePath            the server named a file outside the folder, or one no system can hold
│   ├── UnsafeRedirect        the server sent us where we will not go
│   ├── LatestHeld            no release of it may be `latest` now, and no revision was named
│   ├── Quarantined           the scan of this version found something dangerous
│   ├── LicenceRefused        a rule of the project or the organisation keeps this licence out
│   ├── Unscanned             nobody has looked at this version yet, and only scanned ones were asked for
│   └── UnsupportedModel      the files are no model that we load (unknown, pickled, broken)
├── IntegrityError            the bytes are not the ones that the manifest names
├── CacheError                the disk does not do what the cache needs (full, not writable)
├── ServerError               the hub failed, or spoke nonsense, even after retries
└── Offline                   the hub cannot be reached, and the cache has no answer either
"""

# `except NotFound` reads as what it is; the base class says that it is an error.

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import Callable


class SmallhubError(Exception):
    """A failure that was foreseen. `exit_status` is what the command line returns for it."""

    code: str = "error"
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.details = details

    @property
    def message(self) -> str:
        """The sentence for a person."""
        return str(self.args[0])

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[str]]:
        # Keyword arguments would be lost by the default, and errors do cross process borders.
        return partial(type(self), code=self.code, **self.details), (self.message,)


class Invalid(SmallhubError):
    """The request itself makes no sense; trying again will not help."""

    code = "invalid"


class NotFound(SmallhubError):
    """The hub has no such thing, or does not show it to this token."""

    code = "not_found"
    exit_status = 3


class RepositoryNotFound(NotFound):
    """No repository of that name is visible."""

    code = "repository_not_found"


class RevisionNotFound(NotFound):
    """The repository has no such branch, tag or commit."""

    code = "revision_not_found"


class AccessDenied(SmallhubError):
    """The token is missing, wrong, or lacks the right."""

    code = "access_denied"
    exit_status = 4


class AcceptanceNeeded(AccessDenied):
    """The files are gated: somebody has to read and accept the terms first, or to be accepted."""

    code = "gated_repository"


class Conflict(SmallhubError):
    """Somebody else changed the same thing first."""

    code = "conflict"


class Refused(SmallhubError):
    """Declined for safety, not for lack of ability."""

    code = "refused"
    exit_status = 7


class UnsafePath(Refused):
    """A file name from the server that would land outside the folder, or that some system cannot hold."""

    code = "unsafe_path"


class UnsafeRedirect(Refused):
    """A redirect from https to http, to a scheme that is not HTTP, or without end."""

    code = "unsafe_redirect"


class LatestHeld(Refused):
    """There are releases, and each is yanked, quarantined, held by its gate or still being measured."""

    code = "latest_held"


class Quarantined(Refused):
    """The hub's scan quarantined this version."""

    code = "quarantined"


class LicenceRefused(Refused):
    """A rule of this project, or of an organisation, keeps this licence out; `details` names both."""

    code = "licence_refused"


class Unscanned(Refused):
    """The hub's scan has not looked at this version, and only scanned ones were asked for."""

    code = "unscanned"


class UnsupportedModel(Refused):
    """The folder holds no model that can be loaded safely; `code` says which kind of no."""

    code = "unsupported_model"

    def __init__(self, code: str, reason: str, **details: Any) -> None:
        super().__init__(reason, code=code, **details)
        self.reason = reason

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[str]]:
        return partial(type(self), self.code, **self.details), (self.reason,)


class IntegrityError(SmallhubError):
    """A file's SHA-256 differs from the manifest's; `details["path"]` names the file."""

    code = "integrity"
    exit_status = 5


class CacheError(SmallhubError):
    """The cache folder cannot do what is asked of it."""

    code = "cache"


class ServerError(SmallhubError):
    """The hub failed or answered with something that is not an answer."""

    code = "server"


class NotMeasurable(SmallhubError):
    """The measurement cannot be made again here; `code` says which kind of no."""

    code = "not_measurable"


class Offline(SmallhubError):
    """No way to the hub, and nothing cached that would do."""

    code = "offline"
    exit_status = 6
