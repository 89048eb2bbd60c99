"""Reads what the files of a commit say of licences: after the push, off the request, in bounds, once a commit."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import F

from hub.core.exceptions import HubError
from models_registry.formats.errors import BadFormat
from models_registry.licence_files import is_licence_file, match_text, read_reuse, spdx_line
from models_registry.licence_files.declared import BESIDE, INSIDE, MAX_REUSE_BYTES, REUSE
from models_registry.licence_files.matching import MAX_BYTES
from models_registry.manifests import listing_of
from models_registry.models import Commit, Kind, LicenceReading, Repository
from models_registry.services.licensing.marks import mark
from models_registry.services.tensors import weight_header
from models_registry.services.weight_headers import read_range
from models_registry.types import Entry, Listing

TEXT = "text"
MAX_TEXTS = 30
MAX_REUSE = 10
MAX_BESIDE = 50
MAX_WEIGHTS = 24
MAX_BESIDE_BYTES = 4096
MAX_VALUE = 200
MISSED_AFTER = timedelta(minutes=10)
MISSED_WITHIN = timedelta(days=3)
_WEIGHTS = (".safetensors", ".gguf")
_KEYS = ("license", "general.license", "modelspec.license", "licence")
_NAMES = ("license_name", "general.license.name")
_LINKS = ("license_link", "general.license.link")


def has_any(listing: Listing) -> bool:
    """Whether a commit holds a file that may speak of licences, so that there is something to read."""
    return next(_wanted(listing), None) is not None


def read_commit(*, commit: Commit) -> LicenceReading:
    """Read a commit's licence files, unless that was done. A second time at once does nothing more."""
    done = LicenceReading.objects.filter(commit=commit).first()
    if done is not None:
        return done
    repository = commit.repository
    known = _of_parent(commit)
    found: list[dict[str, Any]] = []
    faults: list[str] = []
    for entry, source in _wanted(listing_of(commit)):
        if entry.path in commit.held:
            continue
        rows = known.get((entry.path, entry.oid))
        if rows is None:
            rows = list(_read(repository, entry, source, faults))
        found += rows
    with transaction.atomic():
        reading, is_new = LicenceReading.objects.get_or_create(
            commit=commit, defaults={"found": found, "faults": faults[:MAX_TEXTS]}
        )
        if is_new and found:
            mark({repository.pk})  # What its files say may change what follows from its licence.
    return reading


def read_missed(*, at: datetime, limit: int = 50) -> int:
    """Read heads whose job was lost. Returns how many."""
    heads = Commit.objects.filter(
        repository__kind__in=[Kind.MODEL, Kind.DATASET],
        repository__head=F("oid"),
        repository__updated_at__gt=at - MISSED_WITHIN,
        repository__updated_at__lt=at - MISSED_AFTER,
        repository__deleted_at__isnull=True,
        licence_reading__isnull=True,
    )
    rows = list(heads.select_related("repository__namespace").order_by("pk")[:limit])
    for commit in rows:
        read_commit(commit=commit)
    return len(rows)


def _wanted(listing: Listing) -> Iterator[tuple[Entry, str]]:
    """The files to read, with the way to read each, those near the top first."""
    entries = sorted(listing.files.values(), key=lambda entry: (entry.path.count("/"), entry.path))
    yield from ((entry, TEXT) for entry in islice((e for e in entries if is_licence_file(e.path)), MAX_TEXTS))
    reuse = (entry for entry in entries if entry.path.rpartition("/")[2] == "REUSE.toml")
    yield from ((entry, REUSE) for entry in islice(reuse, MAX_REUSE))
    beside = (e for e in entries if e.path.endswith(".license") and e.path.removesuffix(".license") in listing.files)
    yield from ((entry, BESIDE) for entry in islice(beside, MAX_BESIDE))
    weights = (entry for entry in entries if entry.path.endswith(_WEIGHTS))
    yield from ((entry, INSIDE) for entry in islice(weights, MAX_WEIGHTS))


def _of_parent(commit: Commit) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What is known of files that this commit did not change."""
    parent = commit.parents[0] if commit.parents else ""
    row = LicenceReading.objects.filter(commit__repository=commit.repository_id, commit__oid=parent).first()
    known: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for found in row.found if row is not None else ():
        known.setdefault((found["path"], found["oid"]), []).append(found)
    return known


def _read(repository: Repository, entry: Entry, source: str, faults: list[str]) -> Iterable[dict[str, Any]]:
    base = {"path": entry.path, "oid": entry.oid, "source": source}
    try:
        if source == INSIDE:
            return _inside(repository, entry, base)
        limit = {TEXT: MAX_BYTES, REUSE: MAX_REUSE_BYTES + 1, BESIDE: MAX_BESIDE_BYTES}[source]
        raw = read_range(repository, entry, 0, min(entry.size, limit))
    except (HubError, BadFormat) as error:
        faults.append(f"{entry.path}: {error}"[:300])
        return []
    if source == REUSE:
        mapping = read_reuse(raw, path=entry.path)
        faults += mapping.faults
        return [base | {"pattern": r.pattern, "licence": r.licence, "holder": r.holder} for r in mapping.rules]
    if source == BESIDE:
        licence = spdx_line(raw)
        return [base | {"licence": licence}] if licence else []
    match = match_text(raw)
    more = {"also": list(match.also), "added": list(match.added), "missing": list(match.missing)}
    found = {"licence": _value(match.licence), "score": match.score, "by": match.by}
    return [base | found | {name: value for name, value in more.items() if value}]


def _inside(repository: Repository, entry: Entry, base: dict[str, Any]) -> list[dict[str, Any]]:
    """What the header of a weight file says of itself."""
    metadata = weight_header(repository, entry).metadata
    licence = _first(metadata, _KEYS)
    if not licence:
        return []
    more = {"name": _first(metadata, _NAMES), "link": _first(metadata, _LINKS)}
    return [base | {"licence": licence} | {name: value for name, value in more.items() if value}]


def _first(metadata: Any, keys: Iterable[str]) -> str:
    return next((value for key in keys if (value := _value(metadata.get(key)))), "")


def _value(value: Any) -> str:
    """A text of a stranger's file, on one line."""
    text = value if isinstance(value, str) else ""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())[:MAX_VALUE]
