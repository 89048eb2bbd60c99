"""The lock file of a project: which commit each name meant when it was locked, and the SHA-256 of every file.

A locked pull brings these bytes or fails; what a name means today is asked for by `outdated` and taken by `update`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from ._cache import write_durably
from ._exceptions import IntegrityError, Invalid, NotFound
from ._names import Reference, is_commit, is_sha256
from ._policy import Licence, read_allow
from ._types import Manifest

LOCK_FILE = "smallhub.lock"
NEED = "need:"  # Begins the name of what was chosen by need rather than by name.
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Pin:
    """One locked name. `release` is empty where the commit was none.

    `repository` is filled where the name is a need: which model was chosen for it.
    """

    name: str
    kind: str
    commit: str
    release: str
    total_bytes: int
    files: Mapping[str, str] = field(default_factory=dict)
    repository: str = ""
    terms: Licence | None = None  # None where it was locked before licences were.

    @classmethod
    def of(cls, name: str, manifest: Manifest, *, repository: str = "") -> Self:
        """What a name means by this manifest."""
        return cls(
            name=name,
            kind=manifest.kind,
            commit=manifest.commit,
            release=manifest.release,
            total_bytes=manifest.total_bytes,
            files={file.path: file.sha256 for file in manifest.files},
            repository=repository,
            terms=manifest.terms,
        )

    def check(self, manifest: Manifest) -> None:
        """Compare what the hub offers with what was locked.

        Raises:
            IntegrityError: another commit, another file or other bytes.
        """
        offered = {file.path: file.sha256 for file in manifest.files}
        if manifest.commit != self.commit or offered != dict(self.files):
            changed = sorted(
                path for path in offered.keys() | self.files.keys() if offered.get(path) != self.files.get(path)
            )
            raise IntegrityError(
                f"{self.name} is not what was locked: {', '.join(changed[:3]) or manifest.commit[:12]} differs.",
                name=self.name,
            )


@dataclass(frozen=True, slots=True)
class PinState:
    """A locked name and what it means today. `yanked` is the reason why the locked release was withdrawn.

    The repositories are filled for needs. `current` is empty where nothing fits a need any more.
    """

    name: str
    locked: str
    current: str
    locked_release: str
    current_release: str
    size_change: int
    yanked: str = ""
    locked_repository: str = ""
    current_repository: str = ""
    locked_licence: str = ""
    current_licence: str = ""
    locked_licence_class: str = ""
    current_licence_class: str = ""

    @property
    def is_outdated(self) -> bool:
        """Does the name mean something else now?"""
        return self.locked != self.current

    @property
    def has_other_licence(self) -> bool:
        """Would an update bring another licence?"""
        return bool(self.current) and self.locked_licence.strip().lower() != self.current_licence.strip().lower()

    @property
    def licence_change(self) -> str:
        """From which licence to which, with their classes: `mit (permissive) -> gpl-3.0 (copyleft)`."""
        old = f"{self.locked_licence or 'none'} ({self.locked_licence_class})"
        return f"{old} -> {self.current_licence or 'none'} ({self.current_licence_class})"


@dataclass(frozen=True, slots=True)
class Lock:
    """All pins of one file, for one hub. `allow` are the licences that it lets in; None: all."""

    endpoint: str
    pins: Mapping[str, Pin]
    allow: tuple[str, ...] | None = None

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a lock file.

        Raises:
            NotFound: there is none.
            Invalid: it is damaged, or of a later format.
        """
        try:
            data = json.loads(path.read_text("utf-8"))
        except FileNotFoundError as error:
            raise NotFound(f"There is no {path}. Make it with `smallhub lock NAME`.", code="no_lock") from error
        except (OSError, ValueError) as error:
            raise Invalid(f"{path} cannot be read: {error}.", code="bad_lock") from error
        try:
            if data["format"] != _FORMAT:
                raise ValueError(f"format {data['format']!r}")
            pins = {name: _pin(name, row) for name, row in data["models"].items()}
            allow = read_allow(data["allow"], str(path)) if "allow" in data else None
            return cls(endpoint=str(data["endpoint"]), pins=pins, allow=allow)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Invalid(f"{path} is no lock file of this version: {error!r}.", code="bad_lock") from error

    def write(self, path: Path) -> None:
        """Write it whole or not at all, sorted, so that a diff shows what changed."""
        models = {}
        for name in sorted(self.pins):
            row = asdict(self.pins[name])
            row["files"] = dict(sorted(row["files"].items()))
            del row["name"]
            if not row["repository"]:
                del row["repository"]
            del row["terms"]
            terms = self.pins[name].terms
            models[name] = row | (terms.to_json() if terms else {})
        allow = {} if self.allow is None else {"allow": list(self.allow)}
        data = {"format": _FORMAT, "endpoint": self.endpoint, **allow, "models": models}
        write_durably(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")

    def find(self, name: str) -> Pin:
        """The pin of a name.

        Raises:
            NotFound: it is not locked.
        """
        if name not in self.pins:
            raise NotFound(f"{name} is not locked. Lock it with `smallhub lock {name}`.", code="not_locked")
        return self.pins[name]

    def with_pins(self, pins: Iterable[Pin]) -> Lock:
        """The same with these pins in place of those of their names."""
        return replace(self, pins={**self.pins, **{pin.name: pin for pin in pins}})


def state(pin: Pin, locked: Manifest, current: Manifest | None) -> PinState:
    """How far a pin has fallen behind; without a current manifest its need is met by nothing."""
    return PinState(
        name=pin.name,
        locked=pin.commit,
        current=current.commit if current else "",
        locked_release=pin.release,
        current_release=current.release if current else "",
        size_change=current.total_bytes - pin.total_bytes if current else 0,
        yanked=locked.yanked,
        locked_repository=pin.repository,
        current_repository=current.repository if current and pin.repository else "",
        locked_licence=locked.terms.text,
        current_licence=current.terms.text if current else "",
        locked_licence_class=locked.terms.kind,
        current_licence_class=current.terms.kind if current else "",
    )


def locked_reference(pin: Pin) -> Reference:
    """The very commit that was locked."""
    repository = pin.repository or pin.name.partition("@")[0]
    return Reference.parse(repository, kind=pin.kind, revision=pin.commit)  # type: ignore[arg-type]


def check_hub(known: Lock, endpoint: str, path: Path) -> None:
    """One name may be another model on another hub.

    Raises:
        Invalid
    """
    if known.endpoint != endpoint:
        raise Invalid(f"{path} was locked at {known.endpoint}, but the hub in use is {endpoint}.", code="other_hub")


def _pin(name: str, row: Any) -> Pin:
    files = dict(row["files"])
    if not is_commit(row["commit"]) or not all(is_sha256(sha256) for sha256 in files.values()):
        raise ValueError(f"the pin of {name!r}")
    return Pin(
        name=name,
        kind=str(row["kind"]),
        commit=row["commit"],
        release=str(row["release"]),
        total_bytes=int(row["total_bytes"]),
        files=files,
        repository=str(row.get("repository", "")),
        terms=Licence.read(row) if "licence" in row else None,
    )
