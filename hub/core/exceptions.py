"""The kinds of failure we foresaw. Each app derives its refusals from these; only doors know status codes.

HubError
├── Invalid      the request cannot be understood or breaks a rule
├── Unauthorised  nobody is signed in, or the token is wrong
├── Forbidden    known caller, not allowed
├── NotFound     not there, or not to be seen
├── Moved        at another address now
├── Conflict     the world moved
├── OverLimit    too large or too many
└── Unavailable  try again later
"""

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Self


class HubError(Exception):
    """A failure we foresaw. `code` is public API: add codes, never rename one."""

    code: ClassVar[str] = "error"
    message: ClassVar[str] = "Something went wrong."

    def __init__(self, **details: str | int) -> None:
        super().__init__(self.message.format(**details))
        self.details = details

    def __reduce__(self) -> tuple[Callable[[], Self], tuple[()]]:
        return partial(type(self), **self.details), ()  # Keeps errors picklable between worker processes.


class Invalid(HubError):
    code = "invalid"
    message = "The request is not valid."


class Unauthorised(HubError):
    code = "unauthorised"
    message = "Sign in, or send a token."


class Forbidden(HubError):
    code = "forbidden"
    message = "You may not do this."


class NotFound(HubError):
    code = "not_found"
    message = "There is nothing here."


class Moved(HubError):
    """What was asked for is at `location`, a path on this very hub. The method and the body go there unchanged."""

    code = "moved"
    message = "This is at {location} now."
    wire_code = ""
    wire_status = 307

    @property
    def wire_headers(self) -> dict[str, str]:
        return {"Location": str(self.details["location"])}


class Conflict(HubError):
    code = "conflict"
    message = "The world moved in the meantime."


class OverLimit(HubError):
    code = "over_limit"
    message = "That is over the limit."


class Unavailable(HubError):
    code = "unavailable"
    message = "This part is not available now. Try again in a moment."
