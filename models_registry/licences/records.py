"""What this hub knows of licences: one record each, read from `families/*.toml`. Pure.

A record states facts in our own words, each with the section of the text that says so. It is no legal advice. Of the
rest of SPDX's list the ids alone are known, from the index that `license-expression` carries.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from django.utils.translation import gettext_lazy

from models_registry.licences.classes import class_of
from models_registry.licences.terms import GROUPS, LIMIT, MAY, MUST, OUTPUT, PATENT, TERMS, THRESHOLD, USE, Text

SUBJECTS = ("software", "content", "data", "model")
# Of the groups of a record's file, in its words.
_TABLES = {
    "may": MAY,
    "must": MUST,
    "limits": LIMIT,
    "uses": USE,
    "outputs": OUTPUT,
    "thresholds": THRESHOLD,
    "patent": PATENT,
}
_PLAIN = {"id", "label", "name", "version", "subject", "source", "reviewed", "aliases", "acceptance", "extends", "drop"}
_LINKS = {"compatible", "incompatible"}
# What a record says of its own text or name only; one that extends it does not take it over.
_OWN = {"aliases", "label", "drop", "reviewed"}
_UNREVIEWED = gettext_lazy("written from memory, not yet compared with its text")


class RecordFault(ValueError):
    """A file of records breaks a rule; the text says which."""


@dataclass(frozen=True)
class Clause:
    """One thing that a licence says. `section` is where in its text; `what` fills the sentence in."""

    term: str
    section: str
    what: str = ""

    @property
    def text(self) -> Text:
        return TERMS[self.term].text(self.what)

    @property
    def said(self) -> Text:
        return TERMS[self.term].said(self.what)

    @property
    def group(self) -> str:
        return TERMS[self.term].group

    def as_json(self) -> dict[str, str]:
        return {"term": self.term, "section": self.section, "text": str(self.text)}


@dataclass(frozen=True)
class Record:
    """One licence.

    Attributes:
        id: SPDX's spelling, or the id that cards use where SPDX has none.
        label: what people read.
        subject: what it was written for: software, content, data or model.
        compatible: ids that something made from it may carry instead, each with the section that allows it.
        incompatible: ids whose terms this one cannot hold, each with the section that refuses them.
        requires_acceptance: whether people have to agree before they get it.
        reviewed: when each clause was compared with the licence's own text; None where that was not done yet.
    """

    id: str
    label: str
    name: str
    version: str
    family: str
    subject: str
    licence_class: str
    permissions: tuple[Clause, ...]
    conditions: tuple[Clause, ...]
    limits: tuple[Clause, ...]
    use_restrictions: tuple[Clause, ...]
    outputs: tuple[Clause, ...]
    thresholds: tuple[Clause, ...]
    patent: Clause | None
    compatible: Mapping[str, str]
    incompatible: Mapping[str, str]
    aliases: tuple[str, ...]
    requires_acceptance: bool
    source: str
    reviewed: date | None

    @property
    def clauses(self) -> tuple[Clause, ...]:
        found = self.permissions + self.conditions + self.limits + self.use_restrictions
        return found + self.outputs + self.thresholds + ((self.patent,) if self.patent else ())

    @property
    def remark(self) -> Text:
        """How little the record is to be relied on, where it was not compared with the text; else nothing."""
        return "" if self.reviewed else _UNREVIEWED

    def clause(self, term: str) -> Clause | None:
        return next((clause for clause in self.clauses if clause.term == term), None)

    def has(self, term: str) -> bool:
        return self.clause(term) is not None

    @property
    def may(self) -> tuple[Clause, ...]:
        return self.permissions

    @property
    def must(self) -> tuple[Clause, ...]:
        return self.conditions

    @property
    def must_not(self) -> tuple[Clause, ...]:
        return self.limits + self.use_restrictions

    def __hash__(self) -> int:
        return hash(self.id)


@cache
def _by_name() -> dict[str, Record]:
    found: dict[str, Record] = {}
    for record in records():
        for name in (record.id, *record.aliases):
            if name.lower() in found:
                raise RecordFault(f"“{name}” stands for two records.")
            found[name.lower()] = record
    return found


def find(name: str) -> Record | None:
    """The record of one licence by any of its spellings; an exception after WITH only adds to what may be done."""
    plain = " ".join(name.split()).lower()
    plain = plain.partition(" with ")[0]
    known = _by_name()
    if plain.endswith("+") and plain not in known:
        plain = plain.removesuffix("+") + "-or-later"
    return known.get(plain)


@cache
def spdx_ids() -> dict[str, str]:
    """Every id of SPDX's list, in small letters, with its right spelling."""
    text = (files("license_expression") / "data" / "scancode-licensedb-index.json").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for row in json.loads(text):
        for name in (row.get("spdx_license_key"), *row.get("other_spdx_license_keys", ())):
            if name and not name.startswith("LicenseRef-"):
                found[name.lower()] = name
    return found


@cache
def records() -> tuple[Record, ...]:
    """All records, by id.

    Raises:
        RecordFault: a file breaks a rule.
    """
    sources = (entry for entry in (files(__package__) / "families").iterdir() if entry.name.endswith(".toml"))
    texts = {entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8") for entry in sources}
    found = [record for family, text in sorted(texts.items()) for record in read_family(family, text)]
    return tuple(sorted(found, key=lambda record: record.id.lower()))


def read_family(family: str, text: str) -> Iterator[Record]:
    """The records of one file. One that extends another has what it says, but for its own words and the review."""
    known: dict[str, dict[str, Any]] = {}
    for row in tomllib.loads(text).get("licence", ()):
        parent = row.get("extends")
        if parent is not None and parent not in known:
            raise RecordFault(f"{family}: {row.get('id')} extends {parent}, which does not stand before it.")
        full = _extended(known[parent], row) if parent else row
        known[row["id"]] = full
        yield _record(family, full)


def _extended(parent: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    full = {key: value for key, value in parent.items() if key not in _OWN}
    for key, value in row.items():
        full[key] = {**full.get(key, {}), **value} if key in _TABLES else value
    for term in row.get("drop", ()):
        for table in _TABLES:
            full[table] = {key: value for key, value in full.get(table, {}).items() if key != term}
    return full


def _record(family: str, row: dict[str, Any]) -> Record:
    strange = set(row) - _PLAIN - set(_TABLES) - _LINKS
    if strange:
        raise RecordFault(f"{row.get('id')}: {', '.join(sorted(strange))} is no part of a record.")
    if row["subject"] not in SUBJECTS or not row["source"].startswith("https://"):
        raise RecordFault(f"{row['id']}: subject or source is none.")
    groups = {group: tuple(_clauses(row["id"], table, row.get(table, {}))) for table, group in _TABLES.items()}
    terms = {clause.term for group in GROUPS for clause in groups[group]}
    return Record(
        id=row["id"],
        label=row.get("label", row["id"]),
        name=row["name"],
        version=row.get("version", ""),
        family=family,
        subject=row["subject"],
        licence_class=class_of(terms, restricts_uses=bool(groups[USE])),
        permissions=groups[MAY],
        conditions=groups[MUST],
        limits=groups[LIMIT],
        use_restrictions=groups[USE],
        outputs=groups[OUTPUT],
        thresholds=groups[THRESHOLD],
        patent=groups[PATENT][0] if groups[PATENT] else None,
        compatible=row.get("compatible", {}),
        incompatible=row.get("incompatible", {}),
        aliases=tuple(row.get("aliases", ())),
        requires_acceptance=row.get("acceptance", False),
        source=row["source"],
        reviewed=row.get("reviewed"),
    )


def _clauses(name: str, table: str, rows: dict[str, Any]) -> Iterator[Clause]:
    for term, value in rows.items():
        section, what = value if isinstance(value, list) else (value, "")
        known = TERMS.get(term)
        if known is None or known.group != _TABLES[table]:
            raise RecordFault(f"{name}: “{term}” is no word for {table}.")
        if not section or known.needs != bool(what):
            raise RecordFault(f"{name}: “{term}” has no section, or too little or too much to say.")
        yield Clause(term, section, what)
