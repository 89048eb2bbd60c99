"""Rows as the wire's JSON."""

from datetime import UTC, datetime
from typing import Any

from models_registry.models import Commit
from models_registry.types import Entry, Listing


def moment(value: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as the wire asks."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"


def entry_item(entry: Entry) -> dict[str, Any]:
    """One file of a tree."""
    item: dict[str, Any] = {"type": "file", "oid": entry.oid, "size": entry.size, "path": entry.path}
    if entry.is_large:
        item["lfs"] = {"oid": entry.sha256, "size": entry.size, "pointerSize": entry.pointer_size}
        item["xetHash"] = entry.xet_hash
    return item


def folder_item(path: str, oid: str) -> dict[str, Any]:
    return {"type": "directory", "oid": oid, "size": 0, "path": path}


def commit_item(commit: Commit, *, formatted: bool = False) -> dict[str, Any]:
    """One line of a history."""
    item: dict[str, Any] = {
        "id": commit.oid,
        "title": commit.title,
        "message": commit.message,
        "authors": [{"user": commit.author_name, "avatar": ""}],
        "date": moment(commit.committed_at),
    }
    if formatted:
        item["formatted"] = {"title": _escaped(commit.title), "message": _escaped(commit.message)}
    return item


def last_commit_item(commit: Commit) -> dict[str, Any]:
    return {"id": commit.oid, "title": commit.title, "date": moment(commit.committed_at)}


def siblings(listing: Listing, *, blobs: bool) -> list[dict[str, Any]]:
    """All files, in the shape that info answers use (which differs from trees: `sha256`, not `oid`)."""
    items: list[dict[str, Any]] = []
    for entry in listing.files.values():
        item: dict[str, Any] = {"rfilename": entry.path}
        if blobs:
            item |= {"size": entry.size, "blobId": entry.oid}
            if entry.is_large:
                item["lfs"] = {"sha256": entry.sha256, "size": entry.size, "pointerSize": entry.pointer_size}
        items.append(item)
    return items


def _escaped(text: str) -> str:
    from django.utils.html import escape

    return str(escape(text))
