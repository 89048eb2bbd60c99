"""What goes into a bill of materials, whatever it is written as. Pure."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from models_registry.licences import find, parse, spdx_ids

MODEL, DATASET, APP = "model", "dataset", "app"
_OURS = uuid.UUID("5d5f2c1e-7d0b-4c53-9a45-5f9a1f6b6a4e")  # Names of bills are made in this space.
_STRANGE = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True)
class File:
    """One file with the hash of its content."""

    path: str
    size: int
    sha256: str
    is_weights: bool = False


@dataclass(frozen=True)
class Measured:
    """One score. `receipt` is the address of the signed record; the same scale as in our API."""

    benchmark: str
    metric: str
    value: float
    unit: str = ""
    low: float | None = None
    high: float | None = None
    data: str = ""
    receipt: str = ""


@dataclass(frozen=True)
class Item:
    """One model, data set or app. The same with or without files.

    Args:
        key: names it within the bill.
        where: the address of its page; empty where there is none to see.
    """

    key: str
    kind: str
    name: str
    licence: str = ""
    version: str = ""
    commit: str = ""
    where: str = ""
    author: str = ""
    released_at: datetime | None = None
    summary: str = ""
    task: str = ""
    architecture: str = ""
    library: str = ""
    languages: tuple[str, ...] = ()
    parameters: int | None = None
    files: tuple[File, ...] = ()


@dataclass(frozen=True)
class Origin:
    """`child` was made from `parent`, in this way, and how that is known."""

    child: str
    parent: str
    relation: str
    evidence: str


@dataclass(frozen=True)
class Bill:
    """All of one version."""

    subject: Item
    made_at: datetime
    hub: str
    hub_version: str
    parts: tuple[Item, ...] = ()
    origins: tuple[Origin, ...] = ()
    measured: tuple[Measured, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def serial(self) -> uuid.UUID:
        """The same for the same version of the same thing."""
        return uuid.uuid5(_OURS, f"{self.hub}/{self.subject.kind}/{self.subject.name}@{self.subject.commit}")

    @property
    def created(self) -> str:
        return written(self.made_at)


def written(moment: datetime) -> str:
    """A moment as both standards write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def spdx_expression(licence: str) -> str:
    """A licence as SPDX writes it: ids that its list lacks become `LicenseRef-…`; "" where nothing is declared."""
    read = parse(licence)
    if not read.ids:
        return ""
    if read.fault:
        return reference_of(licence)
    ways = []
    for ids in read.alternatives:
        joined = " AND ".join(_spelt(name) for name in sorted(ids))
        ways.append(f"({joined})" if len(ids) > 1 and len(read.alternatives) > 1 else joined)
    return " OR ".join(ways)


def own_references(licence: str) -> list[tuple[str, str]]:
    """(reference, name) of what SPDX's list lacks in this licence."""
    read = parse(licence)
    if read.fault:
        return [(reference_of(licence), licence)]
    return [(reference_of(name), name) for name in read.ids if _spelt(name) == reference_of(name)]


def reference_of(name: str) -> str:
    return (
        name if name.startswith("LicenseRef-") else f"LicenseRef-{_STRANGE.sub('-', name).strip('-')[:80] or 'unnamed'}"
    )


def _spelt(name: str) -> str:
    plain = name.partition(" WITH ")[0]
    return name if plain.lower() in spdx_ids() else reference_of(name)


def source_of(name: str) -> str:
    """Where the text of a licence stands; "" where nobody here knows."""
    record = find(name)
    return record.source if record else ""
