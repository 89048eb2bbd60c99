"""What a list can be narrowed by: the state of its filters lives in the address, so a search can be shared."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.db.models import Count
from django.http import QueryDict
from django.utils.translation import gettext, gettext_lazy

from models_registry import labels
from models_registry.labels import Text
from models_registry.licences import CLASSES
from models_registry.licences.panels import open_spellings
from models_registry.models import Kind, Repository, RepositoryLicence, RepositoryTag
from models_registry.querysets import RepositoryQuerySet
from models_registry.sizes import SIZES

COUNTS_S = 60  # Counts grow with the catalogue, so a minute's visitors share them.
SHOWN = 8

ORDERS: dict[str, tuple[Text, tuple[str, ...]]] = {
    "updated": (gettext_lazy("Newest change"), ("-updated_at", "-id")),
    "downloads": (gettext_lazy("Most pulled"), ("-downloads", "-id")),
    "created": (gettext_lazy("Newest"), ("-created_at", "-id")),
    "size": (gettext_lazy("Smallest"), ("size_bytes", "id")),
}
BEST, FASTEST = "best", "fastest"  # Of models that were measured.


@dataclass(frozen=True)
class Filters:
    """What was asked for, cleaned: unknown values are dropped, so a stale link still shows something."""

    query: str = ""
    tasks: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    size: str = ""
    open_only: bool = False
    sort: str = "updated"
    compact: bool = False

    @classmethod
    def of(cls, given: QueryDict) -> "Filters":
        sort = given.get("sort", "")
        size = given.get("size", "")
        return cls(
            query=given.get("q", "").strip()[:200],
            tasks=_values(given, "task"),
            licences=_values(given, "licence"),
            languages=_values(given, "language"),
            size=size if size in SIZES else "",
            open_only=given.get("open") == "1",
            sort=sort if sort in {*ORDERS, BEST, FASTEST} else "updated",
            compact=given.get("density") == "compact",
        )

    def apply(self, found: RepositoryQuerySet) -> RepositoryQuerySet:
        if self.query:
            found = found.search(self.query)
        if self.tasks:
            found = found.filter(task__in=self.tasks)
        if self.licences:
            found = found.under_licence(*self.licences)
        if self.open_only:
            found = found.filter(licence__in=open_spellings())
        if self.languages:
            tags = [f"language:{code}" for code in self.languages]
            found = found.filter(pk__in=RepositoryTag.objects.filter(tag__in=tags).values("repository"))
        if self.size:
            _, low, high = SIZES[self.size]
            found = found.filter(size_bytes__gte=low)
            found = found.filter(size_bytes__lt=high) if high is not None else found
        return found

    @property
    def is_narrow(self) -> bool:
        return bool(self.query or self.tasks or self.licences or self.languages or self.size or self.open_only)


def _values(given: QueryDict, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value[:200] for value in given.getlist(name) if value))[:20]


@dataclass(frozen=True)
class Chip:
    """One filter that is on, and the address without it."""

    name: Text
    value: Text
    without: str


def chips(filters: Filters, given: QueryDict) -> list[Chip]:
    """The filters that are on, in the order of the column beside them."""
    found = [Chip(gettext("words"), filters.query, _without(given, "q", None))] if filters.query else []
    found += [Chip(gettext("task"), labels.task_name(t), _without(given, "task", t)) for t in filters.tasks]
    if filters.size:
        found.append(Chip(gettext("size"), SIZES[filters.size][0], _without(given, "size", None)))
    found += [
        Chip(gettext("language"), labels.language_name(c), _without(given, "language", c)) for c in filters.languages
    ]
    if filters.open_only:
        found.append(Chip(gettext("licence"), gettext("open"), _without(given, "open", None)))
    found += [Chip(gettext("licence"), _licence(x), _without(given, "licence", x)) for x in filters.licences]
    return found


def _without(given: QueryDict, name: str, value: str | None) -> str:
    left = given.copy()
    left.pop("cursor", None)
    kept = [item for item in left.getlist(name) if value is not None and item != value]
    left.setlist(name, kept)
    return f"?{left.urlencode()}"


def with_value(given: QueryDict, name: str, value: str) -> str:
    """The address with one value set, from its first page."""
    left = given.copy()
    left.pop("cursor", None)
    left[name] = value
    return f"?{left.urlencode()}"


def query_string(**values: str) -> str:
    """An address's question from its parts."""
    return f"?{urlencode(values)}"


@dataclass(frozen=True)
class Option:
    value: str
    label: Text
    count: int
    is_on: bool


@dataclass
class Facet:
    """One group of checkboxes. `rest` are the options past the first eight."""

    name: str
    label: Text
    options: list[Option] = field(default_factory=list)
    has_open: bool = False

    @property
    def first(self) -> list[Option]:
        return self.options[:SHOWN]

    @property
    def rest(self) -> list[Option]:
        return self.options[SHOWN:]


Counts = dict[str, dict[str, int]]


def public_counts(kind: Kind) -> Counts:
    """How many public repositories carry each task, licence, language and size. Shared for a minute."""
    key = f"facets:{kind}"
    found: Counts | None = cache.get(key)
    if found is None:
        found = _counted(kind)
        cache.set(key, found, COUNTS_S)
    return found


def _counted(kind: Kind) -> Counts:
    public = Repository.objects.filter(kind=kind, visibility="public", is_draft=False)
    counts: Counts = {"all": {"": public.count()}}
    for column in ("task", "licence_class"):
        rows = public.exclude(**{column: ""}).values_list(column).annotate(n=Count("pk")).order_by("-n", column)[:60]
        counts[column] = dict(rows)
    licences = RepositoryLicence.objects.filter(
        repository__kind=kind,
        repository__visibility="public",
        repository__is_draft=False,
        repository__deleted_at__isnull=True,
    )
    counts["licence"] = dict(licences.values_list("name").annotate(n=Count("pk")).order_by("-n", "name")[:60])
    tags = RepositoryTag.objects.filter(
        repository__kind=kind,
        repository__visibility="public",
        repository__is_draft=False,
        repository__deleted_at__isnull=True,
        tag__startswith="language:",
    )
    languages = tags.values_list("tag").annotate(n=Count("pk")).order_by("-n", "tag")[:60]
    counts["language"] = {tag.removeprefix("language:"): n for tag, n in languages}
    counts["size"] = {
        name: public.filter(size_bytes__gte=low, size_bytes__lt=high if high is not None else 2**62).count()
        for name, (_, low, high) in SIZES.items()
    }
    return counts


def facets(filters: Filters, counts: Counts) -> list[Facet]:
    """The groups beside the list; a chosen value is shown even where nobody else carries it."""
    classes = {kind: counts["licence_class"].get(kind, 0) for kind in CLASSES}
    chosen_classes = [value for value in filters.licences if value in CLASSES]
    chosen = [value for value in filters.licences if value not in CLASSES]
    return [
        Facet("task", gettext("Task"), _options(counts["task"], filters.tasks, labels.task_name)),
        Facet("language", gettext("Language"), _options(counts["language"], filters.languages, labels.language_name)),
        Facet("licence", gettext("What licences allow"), _options(classes, chosen_classes, _licence), has_open=True),
        Facet("licence", gettext("Licence"), _options(counts["licence"], chosen, _licence)),
    ]


def licence_filter(given: QueryDict, *kept: str) -> dict[str, Any]:
    """What `components/licence_filter.html` shows. One licence in the address stands beside the classes.

    Args:
        kept: names in the address that stay as they are.
    """
    chosen = chosen_licence(given)
    return {
        "licences": licence_choices(chosen),
        "licence": chosen,
        "kept": [(name, given[name][:200]) for name in kept if given.get(name)],
    }


def licence_choices(chosen: str) -> list[tuple[str, Text]]:
    """Classes of licences with their names, and the one licence that was asked for."""
    return [*CLASSES.items(), *([(chosen, labels.licence_name(chosen))] if chosen and chosen not in CLASSES else [])]


def chosen_licence(given: QueryDict) -> str:
    return given.get("licence", "").strip().replace("\x00", "")[:200]


def _licence(value: str) -> Text:
    """A class or a licence as people read it."""
    return CLASSES[value] if value in CLASSES else labels.licence_name(value)


def _options(counts: dict[str, int], chosen: Iterable[str], label: Callable[[str], Text]) -> list[Option]:
    on = set(chosen)
    values = [*counts, *(value for value in chosen if value not in counts)]
    return [Option(value, label(value), counts.get(value, 0), value in on) for value in values]


def size_options(filters: Filters, counts: Counts) -> list[Option]:
    return [Option(key, label, counts["size"].get(key, 0), key == filters.size) for key, (label, _, _) in SIZES.items()]
