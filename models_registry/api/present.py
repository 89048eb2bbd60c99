"""Rows as the wire's JSON."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from hub.core.exceptions import Invalid
from models_registry.manifests import listing_of
from models_registry.models import Commit, Kind, Repository
from models_registry.types import Entry, Listing


class UnknownProperty(Invalid):
    code = "unknown_property"
    message = '"expand" must be one of [{known}]'


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


def info(
    repository: Repository,
    commit: Commit | None,
    *,
    expand: Iterable[str] = (),
    blobs: bool = False,
    names: Iterable[str] | None = None,
) -> dict[str, Any]:
    """What the wire tells of a repository.

    Args:
        commit: the revision asked for; None where only the row's own facts are wanted (lists).
        expand: give only these properties.
        names: the default set where `expand` is empty.

    Raises:
        UnknownProperty: `expand` names something else; the message lists what there is.
    """
    makers = _makers(repository, commit, blobs)
    wanted = list(expand)
    unknown = [name for name in wanted if name not in makers]
    if unknown:
        raise UnknownProperty(known=", ".join(sorted(makers)))
    item: dict[str, Any] = {"_id": repository.public_id, "id": repository.full_name}
    if repository.kind == Kind.MODEL:
        item["modelId"] = repository.full_name
    for name in wanted or names or _default(repository):
        value = makers[name]()
        if value is not None or wanted:
            item[name] = value
    return item


LIST_NAMES = (
    "author",
    "likes",
    "trendingScore",
    "private",
    "downloads",
    "tags",
    "createdAt",
    "lastModified",
    "gated",
    "disabled",
)
LIST_NAMES_OF_MODELS = (*LIST_NAMES, "pipeline_tag", "library_name")


def _default(repository: Repository) -> tuple[str, ...]:
    shared = (*LIST_NAMES, "sha", "siblings", "cardData", "usedStorage")
    if repository.kind == Kind.MODEL:
        return (
            *shared,
            "pipeline_tag",
            "library_name",
            "safetensors",
            "config",
            "transformersInfo",
            "model-index",
            "spaces",
        )
    if repository.kind == Kind.DATASET:
        return (*shared, "description")
    return (*shared, "sdk", "runtime", "models", "datasets")


def _makers(repository: Repository, commit: Commit | None, blobs: bool) -> dict[str, Callable[[], Any]]:
    """Each property of this kind by name, computed only when asked for."""

    def files() -> list[dict[str, Any]] | None:
        return siblings(listing_of(commit), blobs=blobs) if commit else None

    shared: dict[str, Callable[[], Any]] = {
        "author": lambda: repository.namespace.name,
        "cardData": lambda: repository.card,
        "createdAt": lambda: moment(repository.created_at),
        "disabled": lambda: False,
        "downloads": lambda: repository.downloads,
        "downloadsAllTime": lambda: repository.downloads,
        "gated": lambda: False,
        "lastModified": lambda: moment(repository.updated_at),
        "likes": lambda: repository.likes,
        "private": lambda: repository.is_private,
        "resourceGroup": lambda: None,
        "sha": lambda: commit.oid if commit else repository.head,
        "siblings": files,
        "tags": lambda: repository.tags,
        "trendingScore": lambda: 0,
        "usedStorage": lambda: repository.size_bytes,
    }
    if repository.kind == Kind.MODEL:
        return shared | _model_makers(repository)
    if repository.kind == Kind.DATASET:
        return shared | {
            "citation": lambda: None,
            "description": lambda: repository.summary,
            "mainSize": lambda: repository.size_bytes,
            "paperswithcode_id": lambda: None,
        }
    return shared | {
        "datasets": lambda: repository.card.get("datasets") or [],
        "models": lambda: repository.card.get("models") or [],
        "region": lambda: None,
        "runtime": lambda: {"stage": "NO_APP_FILE", "hardware": {"current": None, "requested": None}},
        "sdk": lambda: repository.card.get("sdk") or "static",
        "subdomain": lambda: repository.full_name.replace("/", "-").lower(),
    }


def _model_makers(repository: Repository) -> dict[str, Callable[[], Any]]:
    nothing: Callable[[], Any] = lambda: None  # noqa: E731 - a table reads better than nine functions.
    by_dtype = repository.parameters_by_dtype
    return {
        "baseModels": lambda: repository.card.get("base_model"),
        "childrenModelCount": nothing,
        "config": nothing,
        "evalResults": list,
        "gguf": nothing,
        "inference": nothing,
        "inferenceProviderMapping": nothing,
        "library_name": lambda: repository.library or None,
        "mask_token": nothing,
        "model-index": lambda: repository.card.get("model-index"),
        "pipeline_tag": lambda: repository.task or None,
        "safetensors": lambda: {"parameters": by_dtype, "total": repository.parameters} if by_dtype else None,
        "spaces": list,
        "transformersInfo": nothing,
        "widgetData": nothing,
    }


def _escaped(text: str) -> str:
    from django.utils.html import escape

    return str(escape(text))
