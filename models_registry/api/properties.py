"""What the wire tells of repositories, property by property (E12 to E15).

A page of repositories is told from its rows and from `Beside`, which reads all that is not on the rows in a number of
queries that does not depend on how many rows there are.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Sum

from accounts.models import User
from hub.core.exceptions import Invalid
from models_registry import facts
from models_registry.api.present import moment, siblings
from models_registry.manifests import listings_of
from models_registry.models import Commit, Kind, LineageLink, Repository, RepositoryContent, RepositoryTag
from models_registry.types import Listing

MAX_SPACES = 100  # Of a model that many apps use, so many are named.


class UnknownProperty(Invalid):
    """Clients read the list of names out of the text."""

    code = "unknown_property"
    message = "\u2716 Invalid option: expected one of {known}\n  \u2192 at expand[{at}]"
    wire_code = ""


@dataclass
class Beside:
    """What a page of repositories needs beside their rows.

    Attributes:
        commits: by the repository's row number.
        storage: bytes of large content, likewise.
        children: how many models are built on one, by its name in lower case.
        spaces: the apps that use a model, likewise.
        bases: models by their name in lower case.
    """

    commits: dict[int, Commit] = field(default_factory=dict)
    listings: dict[int, Listing] = field(default_factory=dict)
    storage: dict[int, int] = field(default_factory=dict)
    children: dict[str, int] = field(default_factory=dict)
    spaces: dict[str, list[str]] = field(default_factory=dict)
    bases: dict[str, Repository] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """One repository as it is told."""

    repository: Repository
    beside: Beside
    blobs: bool = False

    @property
    def commit(self) -> Commit | None:
        return self.beside.commits.get(self.repository.pk)

    @property
    def listing(self) -> Listing | None:
        commit = self.commit
        return self.beside.listings.get(commit.pk) if commit else None


Maker = Callable[[Shown], Any]
_NOTHING: Maker = lambda shown: None  # noqa: E731 - the tables below read better with a name than with copies.

_SHARED: dict[str, Maker] = {
    "author": lambda shown: shown.repository.namespace.name,
    "cardData": lambda shown: shown.repository.card,
    "createdAt": lambda shown: moment(shown.repository.created_at),
    "disabled": lambda shown: False,
    "lastModified": lambda shown: moment(shown.repository.updated_at),
    "likes": lambda shown: shown.repository.likes,
    "private": lambda shown: shown.repository.is_private,
    "resourceGroup": _NOTHING,
    "sha": lambda shown: shown.commit.oid if shown.commit else shown.repository.head,
    "siblings": lambda shown: siblings(shown.listing, blobs=shown.blobs) if shown.listing else None,
    "tags": lambda shown: shown.repository.tags,
    "trendingScore": lambda shown: round(shown.repository.trending_score, 2),
    "usedStorage": lambda shown: shown.beside.storage.get(shown.repository.pk, 0),
}
_COUNTED: dict[str, Maker] = {
    "downloads": lambda shown: shown.repository.downloads,
    "downloadsAllTime": lambda shown: shown.repository.downloads,
    "gated": lambda shown: shown.repository.gated or shown.repository.inherited_gate or False,
}
_OF_MODELS: dict[str, Maker] = {
    "baseModels": lambda shown: _base_models(shown),
    "childrenModelCount": lambda shown: shown.beside.children.get(shown.repository.key, 0),
    "config": lambda shown: shown.repository.config or None,
    "evalResults": lambda shown: [],
    "gguf": _NOTHING,
    "inference": _NOTHING,
    "inferenceProviderMapping": lambda shown: [],
    "library_name": lambda shown: shown.repository.library or None,
    "mask_token": lambda shown: shown.repository.config.get("tokenizer_config", {}).get("mask_token"),
    "model-index": lambda shown: shown.repository.card.get("model-index"),
    "pipeline_tag": lambda shown: shown.repository.task or None,
    "safetensors": lambda shown: _safetensors(shown.repository),
    "spaces": lambda shown: shown.beside.spaces.get(shown.repository.key, []),
    "transformersInfo": lambda shown: facts.transformers_info(shown.repository.config, shown.repository.task),
    "widgetData": lambda shown: shown.repository.card.get("widget"),
}
_OF_DATASETS: dict[str, Maker] = {
    "citation": _NOTHING,
    "description": lambda shown: shown.repository.summary,
    "mainSize": lambda shown: shown.repository.size_bytes,
    "paperswithcode_id": lambda shown: shown.repository.card.get("paperswithcode_id"),
}
_OF_APPS: dict[str, Maker] = {
    "datasets": lambda shown: shown.repository.card.get("datasets") or [],
    "models": lambda shown: shown.repository.card.get("models") or [],
    "region": _NOTHING,
    "runtime": lambda shown: {"stage": "NO_APP_FILE", "hardware": {"current": None, "requested": None}},
    "sdk": lambda shown: shown.repository.card.get("sdk") or "static",
    "subdomain": lambda shown: shown.repository.full_name.replace("/", "-").lower(),
}
_MAKERS: dict[str, dict[str, Maker]] = {
    Kind.MODEL: _SHARED | _COUNTED | _OF_MODELS,
    Kind.DATASET: _SHARED | _COUNTED | _OF_DATASETS,
    Kind.APP: _SHARED | _OF_APPS,
}
# The public hub's own lists leave these of the shared ones out, yet answers for apps carry them.
_BESIDE_EXPAND = {"downloads": _COUNTED["downloads"], "gated": _COUNTED["gated"]}

_LISTED = ("likes", "trendingScore", "private", "downloads", "tags", "createdAt", "author", "lastModified", "gated")
_LISTED_OF_KIND = {Kind.MODEL: ("pipeline_tag", "library_name"), Kind.DATASET: ("description",), Kind.APP: ("sdk",)}
_FULL = ("sha", "siblings", "disabled")
_FULL_OF_KIND = {Kind.MODEL: (), Kind.DATASET: ("cardData",), Kind.APP: ("cardData", "models", "datasets")}
_INFO_OF_KIND = {
    Kind.MODEL: (
        *("config", "gguf", "mask_token", "model-index", "safetensors", "spaces", "transformersInfo", "widgetData"),
        "inference",
    ),
    Kind.DATASET: ("citation", "paperswithcode_id"),
    Kind.APP: ("models", "datasets", "runtime", "subdomain", "region"),
}


def check_expand(kind: Kind, expand: Sequence[str]) -> None:
    """Refuse a name that this kind does not know.

    Raises:
        UnknownProperty: with all names there are.
    """
    known = _MAKERS[kind]
    for at, name in enumerate(expand):
        if name not in known:
            raise UnknownProperty(known="|".join(f'"{each}"' for each in sorted(known)), at=at)


def names_of_info(kind: Kind) -> tuple[str, ...]:
    """What one repository's own answer holds where nothing is asked for in particular."""
    names = (*_LISTED, *_FULL, "cardData", "usedStorage", *_LISTED_OF_KIND[kind], *_INFO_OF_KIND[kind])
    return tuple(dict.fromkeys(names))


def names_of_list(kind: Kind, *, full: bool, config: bool, card: bool) -> tuple[str, ...]:
    """What an item of a list holds where nothing is asked for in particular."""
    names = (*_LISTED, *_LISTED_OF_KIND[kind])
    if full:
        names = (*names, *_FULL, *_FULL_OF_KIND[kind])
    if config and kind is Kind.MODEL:
        names = (*names, "config")
    if card:
        names = (*names, "cardData")
    return tuple(dict.fromkeys(names))


def beside(
    rows: Sequence[Repository],
    names: Iterable[str],
    *,
    viewer: User | AnonymousUser,
    commits: dict[int, Commit] | None = None,
) -> Beside:
    """Read what these rows need for these properties.

    Args:
        commits: the revisions asked for, by the repository's row number; None where the heads are meant.
    """
    wanted = set(names)
    found = Beside(commits=commits or {})
    if commits is None and wanted & {"siblings"}:
        heads = Commit.objects.filter(repository__in=rows, oid__in=[row.head for row in rows])
        current = {row.pk: row.head for row in rows}
        found.commits = {each.repository_id: each for each in heads if each.oid == current[each.repository_id]}
    if "siblings" in wanted:
        found.listings = listings_of(found.commits.values())
    if "usedStorage" in wanted:
        found.storage = _storage(rows)
    if wanted & {"childrenModelCount", "spaces"}:
        _read_users(found, rows, wanted, viewer)
    if "baseModels" in wanted:
        names_of_bases = {name.lower() for row in rows for name in _base_names(row)}
        visible = Repository.objects.visible_to(viewer).filter(kind=Kind.MODEL, key__in=names_of_bases)
        found.bases = {each.key: each for each in visible.select_related("namespace")}
    return found


def item(shown: Shown, *, names: Iterable[str], expand: Sequence[str] = ()) -> dict[str, Any]:
    """One repository as JSON: its ids, and the properties named; those asked for by `expand` even where empty."""
    repository = shown.repository
    told: dict[str, Any] = {"_id": repository.public_id, "id": repository.full_name}
    if repository.kind == Kind.MODEL:
        told["modelId"] = repository.full_name
    makers = _BESIDE_EXPAND | _MAKERS[repository.kind]
    for name in expand or names:
        value = makers[name](shown)
        if value is not None or expand:
            told[name] = value
    return told


def _safetensors(repository: Repository) -> dict[str, Any] | None:
    by_dtype = repository.parameters_by_dtype
    return {"parameters": by_dtype, "total": repository.parameters} if by_dtype else None


def _base_names(repository: Repository) -> list[str]:
    prefix = "base_model:"
    found = (tag.removeprefix(prefix) for tag in repository.tags if tag.startswith(prefix))
    return [name for name in found if ":" not in name]  # The others say the relation as well.


def _base_models(shown: Shown) -> dict[str, Any] | None:
    """What its files name as its base, as far as it is here and may be seen."""
    found = [shown.beside.bases.get(name.lower()) for name in _base_names(shown.repository)]
    models = [{"_id": each.public_id, "id": each.full_name} for each in found if each is not None]
    told = (tag.split(":") for tag in shown.repository.tags if tag.startswith("base_model:"))
    relation = next((parts[1] for parts in told if len(parts) > 2), "finetune")
    return {"relation": relation, "models": models} if models else None


def _storage(rows: Sequence[Repository]) -> dict[int, int]:
    """Bytes of all large content that each repository holds, of any commit; small files of the head on top."""
    held = RepositoryContent.objects.filter(repository__in=rows).order_by().values_list("repository_id")
    return dict(held.annotate(total=Sum("content__size_bytes")))


def _read_users(found: Beside, rows: Sequence[Repository], wanted: set[str], viewer: User | AnonymousUser) -> None:
    """Who builds on these models: by their lineage, and by the tags of apps."""
    visible = Repository.objects.listed_to(viewer)
    if "childrenModelCount" in wanted:
        keys = {row.pk: row.key for row in rows}
        children = LineageLink.objects.children_of(keys, viewer).filter(repository__kind=Kind.MODEL)
        counted = children.order_by().values_list("parent_id").annotate(number=Count("repository", distinct=True))
        for parent, number in counted:
            found.children[keys[parent]] = number
    if "spaces" in wanted:
        by_tag = {f"model:{row.full_name}": row.key for row in rows}
        apps = visible.filter(kind=Kind.APP)
        tags = RepositoryTag.objects.filter(tag__in=by_tag, repository__in=apps.values("pk"))
        newest = tags.select_related("repository__namespace").order_by("-repository_id")
        for row in newest[: MAX_SPACES * max(len(rows), 1)]:
            users = found.spaces.setdefault(by_tag[row.tag], [])
            if len(users) < MAX_SPACES:
                users.append(row.repository.full_name)
