"""The packed form of a commit's listing, and reading it back through a small memory.

A commit never changes, so a listing read once by a process stays right for ever.
"""

import json
import zlib
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from models_registry.models import Commit, Manifest
from models_registry.types import Entry, Listing

_FIELDS = ("path", "oid", "size", "sha256", "xet_hash", "pointer_size", "last_commit")


def pack(listing: Listing) -> bytes:
    """Columns instead of records: equal values stand side by side and compress to almost nothing."""
    entries = [listing.files[path] for path in sorted(listing.files)]
    columns = {name: [getattr(entry, name) for entry in entries] for name in _FIELDS}
    document: dict[str, Any] = {"files": columns, "folders": listing.folders}
    executable = [entry.path for entry in entries if entry.executable]
    if executable:
        document["executable"] = executable
    return zlib.compress(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(), 6)


def unpack(packed: bytes) -> Listing:
    document = json.loads(zlib.decompress(packed))
    rows = zip(*(document["files"][name] for name in _FIELDS), strict=True)
    executable = set(document.get("executable", ()))
    entries = [Entry(*row) for row in rows]
    entries = [replace(each, executable=True) if each.path in executable else each for each in entries]
    return Listing(files={entry.path: entry for entry in entries}, folders=document["folders"])


def store(*, commit: Commit, listing: Listing) -> Manifest:
    """Write the listing of a new commit, once."""
    return Manifest.objects.create(
        commit=commit, packed=pack(listing), file_count=len(listing.files), total_bytes=listing.total_bytes
    )


def listing_of(commit: Commit) -> Listing:
    """All files of a commit. Callers must not change the result: it is shared."""
    return _listing(commit.pk, commit.oid)


def listings_of(commits: Iterable[Commit]) -> dict[int, Listing]:
    """Those of many commits in one query, by the commit's row number; for pages, whose commits seldom come again."""
    wanted = [commit.pk for commit in commits]
    found = Manifest.objects.filter(commit__in=wanted).values_list("commit_id", "packed")
    return {commit_id: unpack(bytes(packed)) for commit_id, packed in found}


@lru_cache(maxsize=256)
def _listing(commit_id: int, oid: str) -> Listing:
    # The commit's id is part of the key: databases of tests give row numbers again.
    return unpack(bytes(Manifest.objects.values_list("packed", flat=True).get(commit_id=commit_id)))
