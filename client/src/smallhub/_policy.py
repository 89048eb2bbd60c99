"""Which licences a project lets in: asked before any byte is pulled.

`smallhub.toml`, in the current folder or one above it:

    [licences]
    allow = ["permissive", "cc-by-sa-4.0"]   # classes and ids; everything else is refused
    organisation = "acme"                    # and what this organisation of the hub allows
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ._exceptions import Invalid, LicenceRefused, NotFound, Offline

if TYPE_CHECKING:
    from ._http import Http

POLICY_FILE = "smallhub.toml"
UNKNOWN = "unknown"
CLASSES = ("permissive", "copyleft", "non-commercial", "restricted", UNKNOWN)
_ENDINGS = ("-only", "-or-later")


@dataclass(frozen=True, slots=True)
class Licence:
    """What a version is licensed under, as the hub reads it.

    Args:
        text: as it was declared; empty where nothing was.
        kind: its class.
        choices: any one of these may be taken; each names the licences that hold together, with their classes.
    """

    text: str = ""
    kind: str = UNKNOWN
    choices: tuple[Mapping[str, str], ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """From the JSON of a manifest or a lock file. What an older hub left out is unknown."""
        value = data.get("licence")
        if isinstance(value, Mapping):
            value = value.get("id") or value.get("spdx") or value.get("name")
        kind = str(data.get("licence_class") or UNKNOWN)
        rows = data.get("licence_choices") or ()
        choices = tuple({str(name): str(each) for name, each in row.items()} for row in rows)
        return cls(str(value or ""), kind if kind in CLASSES else UNKNOWN, choices)

    def to_json(self) -> dict[str, Any]:
        """The form that `read` takes; for lock files and the cache."""
        return {
            "licence": self.text,
            "licence_class": self.kind,
            "licence_choices": [dict(choice) for choice in self.choices],
        }

    def is_within(self, allow: Iterable[str]) -> bool:
        """Does a list of classes and ids let it in? One choice is enough, but of that all licences must be allowed."""
        wanted = {_plain(entry) for entry in allow}
        choices = self.choices or ({self.text: self.kind},)
        return any(all(_plain(name) in wanted or kind in wanted for name, kind in choice.items()) for choice in choices)

    def __str__(self) -> str:
        return self.text or "no licence"


@dataclass(frozen=True, slots=True)
class Rule:
    """A list of what is allowed, and where it stands."""

    allow: tuple[str, ...]
    source: str

    def check(self, name: str, licence: Licence) -> None:
        """Let it pass, or say what forbids it.

        Raises:
            LicenceRefused
        """
        if not licence.is_within(self.allow):
            kind = "" if licence.text in CLASSES else f" ({licence.kind})"
            listed = ", ".join(self.allow) or "nothing"
            raise LicenceRefused(
                f"{name} is under {licence}{kind}, and {self.source} allows {listed} alone. Nothing was pulled.",
                name=name,
                licence=licence.text,
                licence_class=licence.kind,
                allow=list(self.allow),
                rule=self.source,
            )


@dataclass(frozen=True, slots=True)
class Policy:
    """All that a project asks of licences."""

    rules: tuple[Rule, ...] = ()
    organisation: str = ""
    source: str = field(default="", compare=False)

    @classmethod
    def find(cls, folder: Path | None = None) -> Self:
        """The policy of a folder: of the first `smallhub.toml` in it or above it.

        Raises:
            Invalid: the file breaks the rules; it is not ignored, for then nothing would be kept out.
        """
        start = (folder or Path.cwd()).absolute()
        for place in (start, *start.parents):
            path = place / POLICY_FILE
            if path.is_file():
                return cls.read(path)
        return cls()

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read one file.

        Raises:
            Invalid
        """
        try:
            table = tomllib.loads(path.read_text("utf-8")).get("licences", {})
        except (OSError, ValueError) as error:
            raise Invalid(f"{path} cannot be read: {error}.", code="bad_policy") from error
        unknown = sorted(table.keys() - {"allow", "organisation"}) if isinstance(table, dict) else ["licences"]
        if unknown:
            raise Invalid(f"{path}: {unknown[0]!r} says nothing about licences.", code="bad_policy")
        organisation = table.get("organisation", "")
        if not isinstance(organisation, str):
            raise Invalid(f"{path}: the organisation must be a name.", code="bad_policy")
        rules = (Rule(read_allow(table["allow"], str(path)), str(path)),) if "allow" in table else ()
        return cls(rules, organisation, str(path))

    def with_rule(self, allow: tuple[str, ...] | None, source: str) -> Policy:
        """The same with one more list; None adds nothing."""
        return self if allow is None else Policy((*self.rules, Rule(allow, source)), self.organisation, self.source)

    def check(self, name: str, licence: Licence) -> None:
        """Ask every rule.

        Raises:
            LicenceRefused
        """
        for rule in self.rules:
            rule.check(name, licence)


def read_allow(value: object, source: str) -> tuple[str, ...]:
    """A list of classes and ids.

    Raises:
        Invalid
    """
    if not isinstance(value, list) or not all(isinstance(entry, str) and entry.strip() for entry in value):
        raise Invalid(f"{source}: “allow” must be a list of classes and ids of licences.", code="bad_policy")
    return tuple(entry.strip() for entry in value)


class Policies:
    """The rules that hold here: those of the folder, and of the organisation that it names."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._found: Policy | None = None

    def here(self) -> Policy:
        """Read once for each connection.

        Raises:
            Invalid: the file breaks the rules. NotFound: there is no such organisation, or this token is not in it.
        """
        if self._found is None:
            found = Policy.find()
            self._found = self._with_organisation(found) if found.organisation else found
        return self._found

    def _with_organisation(self, policy: Policy) -> Policy:
        try:
            data = self._http.call("GET", "/api/v1/licence-rules", params={"organisation": policy.organisation}).data
        except Offline:  # Nothing is pulled from the hub then, and what is here was asked when it came.
            return policy
        rows = data["items"] if isinstance(data, dict) and isinstance(data.get("items"), list) else []
        if not rows:
            raise NotFound(
                f"{policy.source} names the organisation {policy.organisation!r}, of which this token is no member.",
                code="not_a_member",
            )
        for row in rows:
            if row.get("for_pulls") and row.get("allow"):
                source = f"the organisation {row['organisation']} on {self._http.config.endpoint}"
                policy = policy.with_rule(tuple(map(str, row["allow"])), source)
        return policy


def _plain(name: str) -> str:
    """One spelling: small letters, without the ending that newer ids of GNU licences have."""
    name = name.strip().lower()
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return name
