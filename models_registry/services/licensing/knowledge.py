"""Brings rows that were derived from the records of licences up to those of this release.

A head that moves writes them anew by itself. Where a release knows licences better than the one before, housekeeping
goes over all rows once: in batches, from where it broke off, and without touching one that is right already.
"""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from django.db import transaction

from models_registry import licences
from models_registry.licences import licence_class
from models_registry.licences.choices import names_of
from models_registry.models import LicenceKnowledge, Repository, RepositoryLicence, StorageUse
from models_registry.services.licensing.marks import mark
from models_registry.signals import licences_renewed

BATCH = 200
BATCHES = 20
_THE_ROW = 1


@cache
def digest() -> str:
    """Names what this release knows: the records, the rules, how expressions are read, and SPDX's list."""
    return digest_of(Path(licences.__file__).parent)


def digest_of(folder: Path) -> str:
    """The same of code and records in a folder. Another comment makes another digest: rows are then looked at, once."""
    found = hashlib.sha256(version("license-expression").encode())
    for path in sorted(path for kind in ("*.py", "*.toml") for path in folder.rglob(kind)):
        found.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def renew(*, batch: int = BATCH, batches: int = BATCHES) -> int:
    """Go over the next repositories, if what is known has changed; how many of them said something else.

    It may run twice at once, and be killed anywhere: nothing is counted as done before it is.
    """
    wanted = digest()
    row = LicenceKnowledge.objects.filter(pk=_THE_ROW).first()
    if row is None or row.digest != wanted:
        row, _ = LicenceKnowledge.objects.update_or_create(
            pk=_THE_ROW, defaults={"digest": wanted, "reached": 0, "is_done": False}
        )
    changed = 0
    for _ in range(batches):
        if row.is_done:
            break
        found = list(Repository.everything.filter(pk__gt=row.reached).order_by("pk")[:batch])
        changed += _renew(found)
        reached, is_done = found[-1].pk if found else row.reached, len(found) < batch
        here = LicenceKnowledge.objects.filter(pk=_THE_ROW, digest=wanted, reached=row.reached)
        if not here.update(reached=reached, is_done=is_done):
            break  # Somebody else is at it, or knows something else.
        row.reached, row.is_done = reached, is_done
    return changed


def _renew(rows: list[Repository]) -> int:
    pks = {row.pk for row in rows}
    known: dict[int, set[str]] = {}
    for pk, name in RepositoryLicence.objects.filter(repository__in=pks).values_list("repository_id", "name"):
        known.setdefault(pk, set()).add(name)
    changed = 0
    for row in rows:
        if (row.licence_class, known.get(row.pk, set())) != (licence_class(row.licence), set(names_of(row.licence))):
            changed += _write(row)
    with transaction.atomic():
        licences_renewed.send(sender=LicenceKnowledge, repositories=pks)
        mark(pks)
    return changed


@transaction.atomic
def _write(row: Repository) -> int:
    StorageUse.objects.lock(row)  # As commits do: what a new head wrote meanwhile is right.
    same = Repository.everything.filter(pk=row.pk, licence=row.licence)
    if not same.update(licence_class=licence_class(row.licence)):
        return 0
    RepositoryLicence.objects.filter(repository=row).delete()
    RepositoryLicence.objects.bulk_create(
        RepositoryLicence(repository=row, name=name) for name in names_of(row.licence)
    )
    return 1
