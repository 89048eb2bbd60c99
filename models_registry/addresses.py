"""Where a repository and what is in it lives on the web. One place writes addresses, so that all are quoted alike.

A revision is one segment (`refs%2Fpr%2F1`), a path keeps its slashes: the form of the public hub.
"""

from typing import TYPE_CHECKING
from urllib.parse import quote

from django.conf import settings

if TYPE_CHECKING:
    from models_registry.models import Repository

PREFIXES = {"model": "", "dataset": "datasets/", "app": "spaces/"}


def page(repository: "Repository") -> str:
    """`/ns/name`, `/datasets/ns/name` or `/spaces/ns/name`."""
    return f"/{PREFIXES[repository.kind]}{repository.full_name}"


def at(repository: "Repository", view: str, revision: str, path: str = "") -> str:
    """One view of a revision: `tree`, `blob`, `resolve`, `commits`, `commit`, `evaluations`."""
    address = f"{page(repository)}/{view}/{quote(revision, safe='')}"
    return f"{address}/{quote(path)}" if path else address


def settings_page(repository: "Repository", subject: str = "") -> str:
    """One page of its settings: `visibility`, `names`, …; the first one without a subject."""
    return f"{page(repository)}/settings" + (f"/{subject}" if subject else "")


def resolve(repository: "Repository", revision: str, path: str, *, download: bool = False) -> str:
    """The bytes of one file."""
    return at(repository, "resolve", revision, path) + ("?download=true" if download else "")


def absolute(path: str) -> str:
    """An address of ours for texts that no request asked for: messages to other machines, errors."""
    root = settings.SMALLHUB_PUBLIC_URL or f"http://{settings.SMALLHUB_HOST}:{settings.SMALLHUB_PORT}"
    return root + path


def thread(repository: "Repository", number: int, view: str = "") -> str:
    """A discussion or pull request; `view` is commits, files or an action."""
    address = f"{page(repository)}/discussions/{number}"
    return f"{address}/{view}" if view else address
