"""Models by need: what is asked for, what the hub answers, and the pull that picks the front-runner and pins it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlencode

from ._exceptions import Invalid, NotFound, ServerError
from ._http import Http
from ._lock import NEED, Lock, Pin, check_hub, locked_reference
from ._names import Reference, is_commit
from ._pull import NOTICE

if TYPE_CHECKING:
    from ._client import Hub
    from ._types import Manifest

log = logging.getLogger("smallhub")


@dataclass(frozen=True, slots=True)
class Need:
    """What a model must do and keep to. None asks for nothing.

    Args:
        task: an id, or a common name: ner, sentiment, qa, embeddings, ….
        language: a code such as de; what decides is measured in it.
        max_mb, max_ms, max_memory_mb, max_parameters: at most this on disk, to the first token or answer, at the peak.
        licence: an id such as mit, or a class: permissive, copyleft, non-commercial.
        benchmark: which one decides; the hub chooses without it.
        min_score: at least this good, in the benchmark's unit.
    """

    task: str
    language: str | None = None
    max_mb: float | None = None
    max_ms: float | None = None
    max_memory_mb: float | None = None
    max_parameters: float | None = None
    licence: str | None = None
    benchmark: str | None = None
    min_score: float | None = None

    @property
    def params(self) -> dict[str, str]:
        """What was given, as the hub is asked: in a fixed order, numbers in their shortest form."""
        given = ((each.name, getattr(self, each.name)) for each in fields(self))
        return {
            name: value if isinstance(value, str) else f"{value:.12g}" for name, value in given if value is not None
        }

    @property
    def name(self) -> str:
        """Under which a lock file keeps what was chosen: `need:task=ner&language=de`."""
        return NEED + urlencode(self.params)

    @classmethod
    def of_name(cls, name: str) -> Self:
        """The need that a lock file's name stands for.

        Raises:
            Invalid: it is no such name.
        """
        try:
            values: dict[str, Any] = dict(parse_qsl(name.removeprefix(NEED), strict_parsing=True))
            for key in values:
                if key.startswith(("max_", "min_")):
                    values[key] = float(values[key])
            return cls(**values)
        except (ValueError, TypeError) as error:
            raise Invalid(f"{name!r} is no need: {error}.", code="bad_need") from error


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model that fits. `interval` is the 95 % interval of `value`; `reason` says why it has its place."""

    model: str
    commit: str
    release: str
    reason: str
    value: float
    interval: tuple[float, float] | None
    metric: str
    unit: str
    benchmark: str
    size_bytes: int
    first_ms: float | None
    memory_bytes: int | None
    licence: str

    @property
    def pin(self) -> str:
        """The very commit: `ns/name@commit`."""
        return f"{self.model}@{self.commit}"


@dataclass(frozen=True, slots=True)
class Findings:
    """What fits a need, the best first; where nothing does, `message` says why and `excluded` counts by limit."""

    candidates: tuple[Candidate, ...]
    benchmark: str | None = None
    fitting: int = 0
    measured: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)
    message: str = ""

    @property
    def best(self) -> Candidate:
        """The front-runner.

        Raises:
            NotFound: nothing fits.
        """
        if not self.candidates:
            text = self.message or "No model fits all of this."
            raise NotFound(text, code="nothing_fits", excluded=dict(self.excluded))
        return self.candidates[0]


class Needs:
    """Asking the hub for models by need."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def find(self, need: Need, *, limit: int = 10) -> Findings:
        """Ranked candidates for a need."""
        data = self._http.call("GET", "/api/v1/models/find", params={**need.params, "limit": str(limit)}).data
        try:
            return Findings(
                candidates=tuple(_candidate(row) for row in data["items"]),
                benchmark=data.get("benchmark"),
                fitting=int(data["fitting"]),
                measured=int(data["measured"]),
                excluded={str(name): int(count) for name, count in data["excluded"].items()},
                message=str(data["message"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ServerError(f"The hub's answer cannot be read: {error!r}.", code="bad_answer") from error


def pull_by_need(hub: Hub, need: Need, *, lock_file: Path, update: bool, folder: Path | None, **options: Any) -> Path:
    """Bring what was chosen for this need before, or choose now and write it down; see `smallhub.pull`."""
    known = Lock.read(lock_file) if lock_file.exists() else Lock(hub.config.endpoint, {})
    check_hub(known, hub.config.endpoint, lock_file)
    pin = None if update else known.pins.get(need.name)
    options["allow"] = known.allow
    if pin is not None:
        return hub.downloads.pull(locked_reference(pin), folder=folder, pin=pin, **options)
    best = hub.needs.find(need, limit=1).best
    pin = pin_of(need.name, hub.downloads.manifest(Reference.parse(best.pin, kind="model")))
    found = hub.downloads.pull(locked_reference(pin), folder=folder, pin=pin, **options)
    known.with_pins([pin]).write(lock_file)
    log.log(NOTICE, "%s: %s Locked in %s at %s.", best.model, best.reason, lock_file, best.commit[:12])
    return found


def pin_of(name: str, manifest: Manifest) -> Pin:
    """A need's pin: unlike a name, it has to say which repository was chosen."""
    return Pin.of(name, manifest, repository=manifest.repository)


def meaning(hub: Hub, pin: Pin) -> Manifest | None:
    """What a locked name or need means today; None where nothing fits the need any more."""
    if not pin.name.startswith(NEED):
        return hub.downloads.manifest(Reference.parse(pin.name, kind=pin.kind))  # type: ignore[arg-type]
    found = hub.needs.find(Need.of_name(pin.name), limit=1)
    if not found.candidates:
        return None
    return hub.downloads.manifest(Reference.parse(found.best.pin, kind="model"))


def _candidate(row: Any) -> Candidate:
    model, commit = str(row["model"]), str(row["commit"])
    if not is_commit(commit):
        raise ValueError(f"commit {commit!r}")
    Reference.parse(model, kind="model")
    interval = row["interval"]
    return Candidate(
        model=model,
        commit=commit,
        release=str(row["release"]),
        reason=str(row["reason"]),
        value=float(row["value"]),
        interval=(float(interval[0]), float(interval[1])) if interval else None,
        metric=str(row["metric"]),
        unit=str(row["unit"]),
        benchmark=str(row["benchmark"]),
        size_bytes=int(row["bytes"]),
        first_ms=None if row["first_ms"] is None else float(row["first_ms"]),
        memory_bytes=None if row["peak_memory_bytes"] is None else int(row["peak_memory_bytes"]),
        licence=str(row["licence"]),
    )
