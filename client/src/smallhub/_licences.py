"""What must be kept for everything that a project locked: licences, obligations, notices, bills of materials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._exceptions import Invalid, NotFound, Offline, ServerError
from ._http import Http
from ._lock import Lock, Pin
from ._names import Reference
from ._policy import CLASSES, UNKNOWN, Licence

CONFLICT = "conflict"
FAILURES = (*CLASSES, CONFLICT)
FORMATS = ("spdx", "cyclonedx")
MAX_ASKED = 200
NOT_ADVICE = "This is read from what authors declare. It is not legal advice."


@dataclass(frozen=True, slots=True)
class Obligation:
    """One thing to do (`must`) or not to do (`must-not`) with a version, and which parts ask for it."""

    term: str
    text: str
    because: tuple[str, ...] = ()
    kind: str = "must"
    licence: str = ""
    section: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for one locked version.

    Args:
        source: `hub`, or `lock` where the hub could not be asked: then only what the lock file recorded is known.
        verdict: ok, obligations, conflict or unknown; empty where only the lock file spoke.
    """

    name: str
    repository: str
    kind: str
    commit: str
    release: str
    licence: Licence
    source: str
    verdict: str = ""
    obligations: tuple[Obligation, ...] = ()
    conflicts: tuple[str, ...] = ()
    unknowns: tuple[str, ...] = ()
    problem: str = ""

    def fails(self, wanted: Iterable[str]) -> list[str]:
        """Which of these words hold of it: classes of licences, `conflict`, `unknown`."""
        found = {self.licence.kind}
        if self.verdict == CONFLICT or self.conflicts:
            found.add(CONFLICT)
        if self.verdict == UNKNOWN or self.unknowns or self.problem:
            found.add(UNKNOWN)
        return sorted(found & set(wanted))


@dataclass(frozen=True, slots=True)
class LicenceReport:
    """All of a lock file. `offline` says why the hub was not asked; empty if it was."""

    rows: tuple[Terms, ...]
    offline: str = ""

    def failures(self, wanted: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """(name, word) for everything that a build should stop at."""
        return tuple((row.name, word) for row in self.rows for word in row.fails(wanted))


class Licences:
    """Asking the hub about licences of locked commits."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def report(self, lock: Lock) -> LicenceReport:
        """One request for all pins (for every 200 of them); from the lock file alone without a network."""
        pins = list(lock.pins.values())
        try:
            rows = [row for some in _portions(pins) for row in self._ask(some)]
        except Offline as error:
            return LicenceReport(tuple(_from_pin(pin) for pin in pins), offline=error.message)
        return LicenceReport(tuple(rows))

    def notice(self, lock: Lock) -> str:
        """The NOTICE file of everything that is locked.

        Raises:
            Offline: it needs the hub.
        """
        texts = [self._notices(some) for some in _portions(list(lock.pins.values()))]
        return "\n".join(text.strip("\n") + "\n" for text in texts if text)

    def bill(self, reference: Reference, format: str) -> dict[str, Any]:  # noqa: A002
        """The bill of materials of one version.

        Raises:
            Invalid: no such format.
        """
        if format not in FORMATS:
            raise Invalid(f"A bill of materials is written as {' or '.join(FORMATS)}.", code="bad_format")
        path = f"/api/v1/{reference.api_kind}/{reference.repository}/sbom"
        params = {"format": format, **({"revision": reference.revision} if reference.revision else {})}
        return dict(self._http.call("GET", path, params=params).data)

    def _ask(self, pins: Sequence[Pin]) -> list[Terms]:
        data = self._http.call("POST", "/api/v1/licences", json_body={"items": [_item(pin) for pin in pins]}).data
        try:
            return [_read(pin, row) for pin, row in zip(pins, data["items"], strict=True)]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ServerError(f"The hub's answer cannot be read: {error!r}.", code="bad_answer") from error

    def _notices(self, pins: Sequence[Pin]) -> str:
        body = {"items": [_item(pin) for pin in pins], "notice": True}
        data = self._http.call("POST", "/api/v1/licences", json_body=body).data
        missing = [pin.name for pin, row in zip(pins, data["items"], strict=True) if not row["found"]]
        if missing:
            raise NotFound(f"The hub does not know {', '.join(missing)} any more.", code="not_found")
        return str(data["notice"])


def check_words(words: Sequence[str]) -> None:
    """Refuse a word that could never fail, for then a build would pass for want of a letter.

    Raises:
        Invalid
    """
    for word in words:
        if word not in FAILURES:
            raise Invalid(f"{word!r} is none of {', '.join(FAILURES)}.", code="bad_class")


def markdown(report: LicenceReport) -> str:
    """A table and what follows from it, for a repository's own documents."""
    lines = ["# Licences of models and data", ""]
    if report.offline:
        lines += [f"From the lock file alone: {report.offline}", ""]
    lines += ["| name | version | licence | class | verdict |", "| --- | --- | --- | --- | --- |"]
    for row in report.rows:
        cells = (row.name, row.release or row.commit[:12], str(row.licence), row.licence.kind, row.verdict or "—")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    for row in report.rows:
        said = _said(row)
        if said:
            lines += ["", f"## {row.name}", "", *(f"- {line}" for line in said)]
    return "\n".join([*lines, "", NOT_ADVICE])


def text(report: LicenceReport) -> str:
    """The same for a terminal."""
    lines = [f"From the lock file alone: {report.offline}"] if report.offline else []
    width = max((len(row.name) for row in report.rows), default=0)
    terms = max((len(str(row.licence)) for row in report.rows), default=0)
    for row in report.rows:
        version = row.release or row.commit[:12]
        lines.append(f"{row.name:{width}}  {version:12}  {row.licence!s:{terms}}  {row.licence.kind}")
        lines += [f"  {line}" for line in _said(row)]
    return "\n".join([*(lines or ["Nothing is locked."]), NOT_ADVICE])


def _said(row: Terms) -> list[str]:
    said = [f"problem: {row.problem}"] if row.problem else []
    said += [f"conflict: {line}" for line in row.conflicts]
    for each in row.obligations:
        where = f" ({each.licence} {each.section})" if each.section else ""
        said.append(f"{'must not' if each.kind == 'must-not' else 'must'}: {each.text}{where}")
    return said + [f"not known: {line}" for line in row.unknowns]


def _portions(pins: list[Pin]) -> list[list[Pin]]:
    return [pins[start : start + MAX_ASKED] for start in range(0, len(pins), MAX_ASKED)]


def _item(pin: Pin) -> dict[str, str]:
    return {"kind": pin.kind, "repository": repository_of(pin), "commit": pin.commit}


def repository_of(pin: Pin) -> str:
    """`ns/name` of what was locked."""
    return Reference.parse(pin.repository or pin.name.partition("@")[0], kind=pin.kind).repository  # type: ignore[arg-type]


def _from_pin(pin: Pin) -> Terms:
    problem = "" if pin.terms else "locked before licences were recorded; `smallhub update` records it"
    return Terms(
        name=pin.name,
        repository=repository_of(pin),
        kind=pin.kind,
        commit=pin.commit,
        release=pin.release,
        licence=pin.terms or Licence(),
        source="lock",
        problem=problem,
    )


def _read(pin: Pin, row: Mapping[str, Any]) -> Terms:
    """One answer. What the hub does not show any more is known by the lock file alone."""
    if not row["found"]:
        known = _from_pin(pin)
        return Terms(
            **{name: getattr(known, name) for name in ("name", "repository", "kind", "commit", "release", "licence")},
            source="lock",
            problem="the hub does not show it any more",
        )
    return Terms(
        name=pin.name,
        repository=str(row["repository"]),
        kind=pin.kind,
        commit=str(row["commit"]),
        release=pin.release,
        licence=Licence.read(row),
        source="hub",
        verdict=str(row["verdict"]),
        obligations=tuple(_obligation(each) for each in row["obligations"]),
        conflicts=tuple(str(each["text"]) for each in row["conflicts"]),
        unknowns=tuple(str(each["text"]) for each in row["unknowns"]),
    )


def _obligation(row: Mapping[str, Any]) -> Obligation:
    said = {name: str(row.get(name, "")) for name in ("licence", "section")}
    kind = "must-not" if row.get("kind") == "must-not" else "must"
    return Obligation(str(row["term"]), str(row["text"]), tuple(map(str, row["because"])), kind=kind, **said)
