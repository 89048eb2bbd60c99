"""What the hub tells us, as frozen values. Reading is strict: a manifest decides what is written to disk."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self

from ._exceptions import ServerError, UnsafePath
from ._names import check_path, is_commit, is_sha256
from ._policy import Licence

MAX_FILES = 100_000


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One file of a version. `sha256` is of the content itself, also for small files kept in Git."""

    path: str
    size: int
    sha256: str
    url: str = ""
    oid: str = ""
    held: str = ""  # Why the hub's scan holds this file back; empty for most.


@dataclass(frozen=True, slots=True)
class Manifest:
    """All files of one commit, with what the hub knows of it."""

    repository: str
    kind: str
    commit: str
    revision: str
    files: tuple[ManifestFile, ...]
    licence: str | None = None
    quarantined: bool = False
    verdict: Mapping[str, Any] = field(default_factory=dict)
    created_at: str | None = None
    release: str = ""  # The release that this commit is; empty for most commits.
    notes: str = ""  # What its author says of it, in markdown.
    yanked: str = ""  # Why the release was withdrawn.
    terms: Licence = field(default_factory=Licence)  # The licence with its class, as the hub reads it.

    @property
    def is_scanned(self) -> bool:
        """Whether the hub has looked at the files. Data sets and apps are not scanned; older hubs do not tell."""
        return self.kind != "model" or self.verdict.get("scan") != "pending"

    def without_held(self) -> Self:
        """The same version without the files that the hub's scan holds back."""
        return replace(self, files=tuple(file for file in self.files if not file.held))

    @property
    def total_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    @classmethod
    def read(cls, data: object) -> Self:
        """Check and convert the JSON of a manifest.

        Raises:
            UnsafePath: a file's name is refused.
            ServerError: it is no manifest.
        """
        try:
            return cls._read(data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ServerError(f"The hub's manifest cannot be read: {error!r}.", code="bad_manifest") from error

    @classmethod
    def _read(cls, data: Any) -> Self:
        if not is_commit(data["commit"]):
            raise ValueError(f"commit {data['commit']!r}")
        rows = data["files"]
        if len(rows) > MAX_FILES:
            raise ValueError(f"{len(rows)} files")
        files = tuple(_read_file(row) for row in rows)
        _check_tree([file.path for file in files])
        return cls(
            repository=str(data["repository"]),
            kind=str(data.get("kind", "model")),
            commit=data["commit"],
            revision=str(data.get("revision") or data["commit"]),
            files=files,
            licence=_read_licence(data.get("licence")),
            # Anything but a plain false is taken as a warning: in doubt the careful side.
            quarantined=data.get("quarantined", False) is not False,
            verdict=dict(data.get("verdict") or {}),
            created_at=data.get("created_at"),
            release=_read_part(data.get("release"), "name"),
            notes=_read_part(data.get("release"), "notes") or str(data.get("notes") or ""),
            yanked=_read_part(data.get("yanked"), "reason"),
            terms=Licence.read(data),
        )

    def to_json(self) -> dict[str, Any]:
        """The JSON form that `read` takes; without addresses, which expire."""
        row = asdict(self)
        row["files"] = [{**asdict(file), "url": ""} for file in self.files]
        del row["terms"]
        return row | self.terms.to_json()


@dataclass(frozen=True, slots=True)
class FileCheck:
    """The state of one file of a pulled version."""

    path: str
    state: Literal["ok", "missing", "changed", "unexpected"]


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What `verify` found. `ok` is true when each file of the manifest is there with the right bytes, and no other."""

    repository: str
    commit: str
    folder: str
    checks: tuple[FileCheck, ...]

    @property
    def ok(self) -> bool:
        """Is everything as the manifest says?"""
        return not self.problems

    @property
    def problems(self) -> tuple[FileCheck, ...]:
        """The files that are not as they should be."""
        return tuple(check for check in self.checks if check.state != "ok")


@dataclass(frozen=True, slots=True)
class PushReport:
    """What a push did. `commit` is the head afterwards; `is_new` tells whether this push made it.

    `is_draft`: the hub shows it in no list, because its card declares no licence.
    """

    repository: str
    commit: str
    url: str
    is_new: bool
    changed: tuple[str, ...]
    unchanged: int
    uploaded_bytes: int
    is_draft: bool = False


def _read_file(row: Any) -> ManifestFile:
    path, size, sha256 = row["path"], row["size"], row["sha256"]
    if not isinstance(path, str) or not isinstance(size, int) or isinstance(size, bool) or not isinstance(sha256, str):
        raise TypeError(f"file entry {row!r}")
    check_path(path)
    if size < 0 or not is_sha256(sha256):
        raise ValueError(f"size or sha256 of {path!r}")
    return ManifestFile(
        path=path,
        size=size,
        sha256=sha256,
        url=str(row.get("url") or ""),
        oid=str(row.get("oid") or ""),
        held=str(row.get("held") or ""),
    )


def _read_part(value: Any, key: str) -> str:
    """One text of an object of the hub's; a manifest kept on disk holds the text itself."""
    if isinstance(value, Mapping):
        return str(value.get(key) or "")
    return str(value) if isinstance(value, str) and key != "notes" else ""


def _read_licence(value: Any) -> str | None:
    """The licence as its short name, whether the hub gave a string or an object with an `id`."""
    if isinstance(value, Mapping):
        value = value.get("id") or value.get("spdx") or value.get("name")
    return str(value) if value else None


def _check_tree(paths: Sequence[str]) -> None:
    """Refuse lists of paths that no folder can hold: doubled names, or a file that is a folder as well."""
    taken = {_same_name(path) for path in paths}
    if len(taken) != len(paths):
        raise UnsafePath("The server named two files that are one and the same here.")
    for path in paths:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            if _same_name("/".join(parts[:depth])) in taken:
                raise UnsafePath(f"The server named a file {path!r} inside another file.", path=path)


def _same_name(path: str) -> str:
    """The form under which this system's usual file system takes two names as one."""
    if sys.platform in {"win32", "darwin"}:
        return unicodedata.normalize("NFC", path).casefold()
    return path
