"""Names from users and paths from servers: read strictly, before either touches a URL or the disk."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, Self, get_args
from urllib.parse import quote

from ._exceptions import Invalid, UnsafePath

Kind = Literal["model", "dataset", "app"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_PLURALS: dict[str, Kind] = {"models": "model", "datasets": "dataset", "apps": "app"}
_WIRE: dict[Kind, str] = {"model": "models", "dataset": "datasets", "app": "spaces"}  # The wire's word for apps.
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?")
_REVISION = re.compile(r"[^\s~^:?*\[\\\x00-\x1f\x7f]{1,200}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

# Windows opens devices by these names, in any folder and with any extension.
_DEVICES = {"con", "prn", "aux", "nul", "clock$", "conin$", "conout$"} | {
    f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"
}
# Folders that hold state of tools: a model has no business writing there.
_PRIVATE_FOLDERS = {".git", ".smallhub"}


@dataclass(frozen=True, slots=True)
class Reference:
    """A repository at a revision. `revision` is None when the user named none."""

    namespace: str
    name: str
    kind: Kind = "model"
    revision: str | None = None

    @classmethod
    def parse(cls, text: str, *, kind: Kind | None = None, revision: str | None = None) -> Self:
        """Read `ns/name`, `ns/name@rev` or `datasets/ns/name@rev`.

        Raises:
            Invalid: no such name can exist.
        """
        path, at, tail = text.strip().partition("@")
        parts = path.split("/")
        if len(parts) == 3 and parts[0] in _PLURALS:
            kind = kind or _PLURALS[parts[0]]
            parts = parts[1:]
        if len(parts) != 2 or not all(_is_name(part) for part in parts) or (at and not tail):
            raise Invalid(f"{text!r} is not a name like 'namespace/name' or 'namespace/name@v1'.", code="invalid_name")
        if kind is not None and kind not in KINDS:
            raise Invalid(f"There is no kind {kind!r}; the kinds are {', '.join(KINDS)}.", code="invalid_kind")
        wanted = revision or tail or None
        if wanted is not None and not _is_revision(wanted):
            raise Invalid(f"{wanted!r} cannot be a branch, tag or commit.", code="invalid_revision")
        return cls(namespace=parts[0], name=parts[1], kind=kind or "model", revision=wanted)

    def at(self, revision: str) -> Self:
        """The same repository at another revision."""
        return replace(self, revision=revision)

    @property
    def repository(self) -> str:
        """The full name, `namespace/name`."""
        return f"{self.namespace}/{self.name}"

    @property
    def api_kind(self) -> str:
        """`models`, `datasets` or `apps`, as the hub's own API spells it."""
        return f"{self.kind}s"

    @property
    def wire_kind(self) -> str:
        """`models`, `datasets` or `spaces`, as the Hugging Face wire spells it."""
        return _WIRE[self.kind]

    @property
    def wire_prefix(self) -> str:
        """What precedes the name in addresses of files: nothing for models, else the kind and a slash."""
        return "" if self.kind == "model" else f"{self.wire_kind}/"

    def __str__(self) -> str:
        prefix = "" if self.kind == "model" else f"{self.api_kind}/"
        return f"{prefix}{self.repository}" + (f"@{self.revision}" if self.revision else "")


def segment(text: str) -> str:
    """Encode text as one path segment: `refs/pr/1` becomes `refs%2Fpr%2F1`."""
    return quote(text, safe="")


def is_commit(text: str) -> bool:
    """Is this a full Git commit id?"""
    return _COMMIT.fullmatch(text) is not None


def is_sha256(text: str) -> bool:
    """Is this a SHA-256 in lower-case hex?"""
    return _SHA256.fullmatch(text) is not None


def check_path(path: str) -> str:
    """Return `path` if every system can hold it inside a folder, else refuse.

    A server is not trusted with the choice of where bytes land, so the rules of all systems hold on each of them:
    a model that pulls on Linux also pulls on Windows.

    Raises:
        UnsafePath: with the reason.
    """
    reason = _why_unsafe(path)
    if reason:
        raise UnsafePath(f"The server named a file {path!r}, which is refused: {reason}.", path=path)
    return path


def _why_unsafe(path: str) -> str | None:
    if not path or len(path) > 1024:
        return "its name is empty or too long"
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        return "its name holds a control character"
    if any("\ud800" <= character <= "\udfff" for character in path):
        return "its name is not valid Unicode"
    if "\\" in path or ":" in path:
        return "a backslash or colon means a drive or another folder on some systems"
    if path.startswith("/"):
        return "it is an absolute path"
    parts = path.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return "it has an empty, '.' or '..' part"
    if parts[0].casefold() in _PRIVATE_FOLDERS or any(part.casefold() == ".git" for part in parts):
        return "it lies in a folder that holds a tool's own state"
    return next((reason for part in parts if (reason := _why_unsafe_part(part))), None)


def _why_unsafe_part(part: str) -> str | None:
    if len(part.encode("utf-8")) > 255:
        return "a part of it is longer than 255 bytes"
    if part != part.rstrip(". "):
        return "a part of it ends in a dot or a space"
    if part.split(".", 1)[0].rstrip(" ").casefold() in _DEVICES:
        return f"{part!r} is the name of a device on Windows"
    return None


def _is_name(text: str) -> bool:
    has_pair = "--" in text or ".." in text
    return _NAME.fullmatch(text) is not None and not has_pair and not text.lower().endswith(".git")


def _is_revision(text: str) -> bool:
    parts = text.split("/")
    return _REVISION.fullmatch(text) is not None and ".." not in text and "" not in parts and "." not in parts
