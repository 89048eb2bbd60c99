"""The words that the table of access is written in."""

import enum
from dataclasses import dataclass
from typing import Any


class Access(enum.Enum):
    """What a caller needs."""

    OPEN = "anybody; private things of others are left out"
    SIGNED_IN = "to be signed in"
    OWN = "to be signed in; what belongs to others is not there"
    READ = "to see the repository"
    DOWNLOAD = "to be given the repository's files"
    DISCUSS = "to see the repository and be signed in, with a token that writes"
    AUTHOR = "to have written it (the starter has)"
    WRITE = "to write to the repository"
    ADMINISTER = "to administer the repository"
    CREATE = "to create in the namespace"
    LIKE = "to see the repository and be signed in; a token must write"
    CURATE = "to write in the namespace of the collection; who only sees it is refused"
    TAKE_PART = "to be signed in; a token must write"
    COPY = "to see the repository, and to create in the namespace"
    MEMBER = "to belong to the organisation"
    SIGNED = "an address or token that was signed for this very thing"
    STAFF = "to administer the site"
    NOTHING = "nobody: there is nothing at this address"


@dataclass(frozen=True)
class Route:
    """One named address.

    Attributes:
        address: with the fields of `world.Place`.
        methods: what each method needs; all others are answered with 405.
        body: what an allowed caller may send; sent to everybody.
        is_page: answers people rather than programs: strangers are led to the sign-in page.
        kinds: which kinds of repository it is tried with.
        also: statuses that an allowed caller may hear, where the world of the matrix is not what the address is for.
        names_no_repository: strangers hear that there is nothing, for nothing says that signing in would help.
    """

    address: str
    methods: dict[str, Access]
    body: Any = None
    content_type: str = "application/json"
    is_page: bool = False
    kinds: tuple[str, ...] = ("models",)
    names_no_repository: bool = False
    also: tuple[int, ...] = ()


def read(address: str, access: Access = Access.READ, **more: Any) -> Route:
    return Route(address, {"GET": access, "HEAD": access}, **more)


def page(address: str, access: Access = Access.READ, **more: Any) -> Route:
    return Route(address, {"GET": access, "HEAD": access}, is_page=True, **more)


def form(address: str, access: Access, **more: Any) -> Route:
    return Route(address, {"GET": access, "HEAD": access, "POST": access}, is_page=True, **more)


FORM = "application/x-www-form-urlencoded"


def post(address: str, access: Access, **more: Any) -> Route:
    return Route(address, {"POST": access}, is_page=True, **more)


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ALL = ("models", "datasets", "spaces")
REPO = "/api/{kind}/{repo}"
V1 = "/api/v1/repositories/{v1}/{repo}"
