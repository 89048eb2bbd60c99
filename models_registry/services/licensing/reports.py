"""What whoever uses a version must keep to: its own licence and what its lineage asks, said once and with reasons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from models_registry.licences import (
    Clause,
    Judgement,
    Lineage,
    Obligation,
    Record,
    find,
    judge,
    licence_class,
    parse,
)
from models_registry.licences.choices import terms_of
from models_registry.licences.classes import ORDER, strictest
from models_registry.models import Commit, Release, Repository
from models_registry.services.licensing.declared import licence_of, licences_of
from models_registry.services.licensing.judgements import lineage_as_of

Viewer = User | AnonymousUser
NOT_ADVICE = "This is read from what authors declare. It is not legal advice."
# What every licence says, and nobody has to do anything for.
_IDLE = {"no-warranty", "no-liability", "revocable"}


@dataclass(frozen=True)
class Duty:
    """One thing to do, or not to do. `because` names the parts that ask for it."""

    kind: str
    term: str
    text: str
    because: tuple[str, ...]
    licence: str
    section: str
    source: str
    is_certain: bool = True

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "because": list(self.because)}


@dataclass(frozen=True)
class Report:
    """All of one version. `chosen` are the licences whose duties are listed: the freest choice that is offered."""

    repository: Repository
    commit: Commit
    release: str
    licence: str
    chosen: tuple[str, ...]
    lineage: Lineage
    judgement: Judgement
    duties: tuple[Duty, ...]

    @property
    def must(self) -> tuple[Duty, ...]:
        return tuple(duty for duty in self.duties if duty.kind == "must")

    @property
    def must_not(self) -> tuple[Duty, ...]:
        return tuple(duty for duty in self.duties if duty.kind == "must-not")

    @property
    def has_choice(self) -> bool:
        return len(parse(self.licence).alternatives) > 1

    def as_json(self) -> dict[str, Any]:
        told = self.judgement.as_json()
        return {
            "repository": self.repository.full_name,
            "kind": self.repository.kind,
            "commit": self.commit.oid,
            "release": self.release,
            **terms_of(self.licence),
            "chosen": list(self.chosen),
            "verdict": told["verdict"],
            "may_be": told["may_be"],
            "obligations": [duty.as_json() for duty in self.duties],
            "conflicts": told["conflicts"],
            "unknowns": told["unknowns"],
            "trace": told["trace"],
            "lineage": self.lineage.as_json(),
            "not_legal_advice": NOT_ADVICE,
        }


def report_of(repository: Repository, commit: Commit, viewer: Viewer, *, release: str = "") -> Report:
    """The report on one commit, as this viewer may see it."""
    return _report(repository, commit, viewer, licence_of(repository, commit), release)


def reports_of(viewer: Viewer, wanted: Sequence[tuple[str, str, str]]) -> list[Report | None]:
    """The same for many, in their order; None for what this viewer does not see.

    Args:
        wanted: kind, `ns/name` and commit of each.
    """
    keys = {name.lower() for _, name, _ in wanted}
    rows = Repository.objects.visible_to(viewer).filter(key__in=keys).select_related("namespace")
    repositories = {(row.kind, row.key): row for row in rows}
    oids = {oid for _, _, oid in wanted}
    commits = Commit.objects.filter(repository__in=[row.pk for row in repositories.values()], oid__in=oids)
    known = {(row.repository_id, row.oid): row for row in commits}
    licences = licences_of(known.values())
    releases = dict(Release.objects.filter(commit__in=known.values()).order_by("pk").values_list("commit_id", "name"))
    found: list[Report | None] = []
    for kind, name, oid in wanted:
        repository = repositories.get((kind, name.lower()))
        commit = known.get((repository.pk, oid)) if repository is not None else None
        if repository is None or commit is None:
            found.append(None)
            continue
        licence = licences[commit.pk] if commit.pk in licences else licence_of(repository, commit)
        found.append(_report(repository, commit, viewer, licence, releases.get(commit.pk, "")))
    return found


def freest_choice(licence: str) -> tuple[str, ...]:
    """Of the choices that a licence offers, the one that asks least; () where nothing is declared."""
    ways = parse(licence).alternatives
    return tuple(sorted(min(ways, key=_weight))) if ways else ()


def _weight(ids: Iterable[str]) -> tuple[int, int, list[str]]:
    conditions = sum(len(record.must) for record in map(find, ids) if record)
    return ORDER.index(strictest(map(licence_class, ids))), conditions, sorted(ids)


def _report(repository: Repository, commit: Commit, viewer: Viewer, licence: str, release: str) -> Report:
    lineage = lineage_as_of(repository, viewer, commit)
    judgement = judge(lineage)
    chosen = freest_choice(licence)
    names = {key: part.name for key, part in lineage.parts.items()}
    own = [duty for record in map(find, chosen) if record for duty in _of_record(record, repository.full_name)]
    carried = [_carried(each, names) for each in judgement.obligations]
    return Report(repository, commit, release, licence, chosen, lineage, judgement, _united([*own, *carried]))


def _of_record(record: Record, name: str) -> Iterable[Duty]:
    for kind, clauses in (("must", record.must + record.thresholds), ("must-not", record.must_not)):
        for clause in clauses:
            if clause.term not in _IDLE:
                yield _duty(kind, clause, record, name)


def _duty(kind: str, clause: Clause, record: Record, name: str) -> Duty:
    return Duty(kind, clause.term, str(clause.text), (name,), record.id, clause.section, record.source)


def _carried(each: Obligation, names: dict[str, str]) -> Duty:
    because = tuple(names.get(key, key) for key in each.because)
    return Duty(each.kind, each.term, str(each.text), because, each.licence, each.section, each.source, each.is_certain)


def _united(duties: list[Duty]) -> tuple[Duty, ...]:
    """Each said once, by the first licence that asks it, because of all parts that do."""
    found: dict[tuple[str, str, str], Duty] = {}
    for duty in duties:
        key = (duty.kind, duty.term, duty.text)
        before = found.get(key)
        if before is None:
            found[key] = duty
            continue
        because = tuple(dict.fromkeys(before.because + duty.because))
        certain = before.is_certain or duty.is_certain
        found[key] = Duty(**{**vars(before), "because": because, "is_certain": certain})
    return tuple(sorted(found.values(), key=lambda duty: duty.kind))
