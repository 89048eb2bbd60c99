"""The licences that this hub knows, each with its clauses in plain words and what is published under it."""

from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from hub.core.pagination import keyset_page
from hub.pages import facets
from hub.pages.rows import Row, rows_of
from models_registry.labels import Text
from models_registry.licences import CLASSES, Clause, Record, find, label, records
from models_registry.models import Kind, Repository, RepositoryLicence

PER_PAGE = 20
STRANGERS = 50  # Ids that nobody here has a record of, most used first.
_KINDS = {"models": Kind.MODEL, "datasets": Kind.DATASET}
_ORDER = ("-updated_at", "-id")
Counts = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Line:
    """One licence in the list."""

    record: Record
    class_name: Text
    models: int
    datasets: int


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """All of them, narrowed by words and by class."""
    query = request.GET.get("q", "").strip()[:100]
    chosen = request.GET.get("class", "")
    chosen = chosen if chosen in CLASSES else ""
    counts = public_counts()
    lines = [_line(record, counts) for record in records() if _matches(record, query, chosen)]
    per_class = {kind: sum(record.licence_class == kind for record in records()) for kind in CLASSES}
    context = {
        "lines": lines,
        "query": query,
        "chosen": chosen,
        "classes": [(kind, name, per_class[kind]) for kind, name in CLASSES.items() if per_class[kind]],
        "total": len(records()),
        "strangers": _strangers(counts) if not query and not chosen else [],
    }
    return render(request, "models_registry/licences.html", context)


@require_safe
def licence(request: HttpRequest, licence: str) -> HttpResponse:
    """One of them: what it lets people do, asks and forbids, with sections; and who publishes under it."""
    record = find(licence[:200])
    if record is None:
        return render(request, "models_registry/licence_unknown.html", {"name": licence[:100]}, status=404)
    if record.id != licence:
        return HttpResponsePermanentRedirect(reverse("licence_page", args=[record.id]))
    shown = request.GET.get("show", "models")
    shown = shown if shown in _KINDS else "models"
    found = Repository.objects.visible_to(request.user).filter(kind=_KINDS[shown]).under_licence(record.id)
    page = keyset_page(
        found.select_related("namespace"), order=_ORDER, limit=PER_PAGE, cursor=request.GET.get("cursor")
    )
    counts = public_counts().get(record.id.lower(), {})
    context: dict[str, Any] = {
        "record": record,
        "class_name": CLASSES[record.licence_class],
        "groups": _groups(record),
        "compatible": _linked(record.compatible),
        "incompatible": _linked(record.incompatible),
        "rows": _rows(shown, page.rows),
        "section": shown,
        "shown": shown,
        "tabs": [(key, gettext(name), counts.get(kind, 0)) for key, name, kind in _tabs()],
        "next_url": facets.with_value(request.GET, "cursor", page.next_cursor) if page.next_cursor else "",
        "is_first": "cursor" not in request.GET,
    }
    return render(request, "models_registry/licence_record.html", context)


def public_counts() -> Counts:
    """How many public models and data sets name each licence. Shared for a minute."""
    found: Counts | None = cache.get("licences:counts")
    if found is None:
        rows = RepositoryLicence.objects.filter(
            repository__visibility="public", repository__deleted_at__isnull=True, repository__is_draft=False
        )
        counted = rows.values_list("name", "repository__kind").annotate(n=Count("pk")).order_by("-n", "name")
        found = {}
        for name, kind, number in counted[:5_000]:
            found.setdefault(name, {})[kind] = number
        cache.set("licences:counts", found, facets.COUNTS_S)
    return found


def _tabs() -> tuple[tuple[str, str, str], ...]:
    return (("models", gettext("Models"), Kind.MODEL.value), ("datasets", gettext("Data sets"), Kind.DATASET.value))


def _line(record: Record, counts: Counts) -> Line:
    of_this = counts.get(record.id.lower(), {})
    return Line(record, CLASSES[record.licence_class], of_this.get(Kind.MODEL, 0), of_this.get(Kind.DATASET, 0))


def _matches(record: Record, query: str, chosen: str) -> bool:
    if chosen and record.licence_class != chosen:
        return False
    text = " ".join((record.id, record.label, record.name, record.family, *record.aliases)).lower()
    return all(word in text for word in query.lower().split())


def _strangers(counts: Counts) -> list[tuple[str, int]]:
    """What repositories name and nobody here has read."""
    unknown = ((name, sum(of_kinds.values())) for name, of_kinds in counts.items() if find(name) is None)
    return sorted(unknown, key=lambda pair: (-pair[1], pair[0]))[:STRANGERS]


def _groups(record: Record) -> list[tuple[str, Text, str, tuple[Clause, ...]]]:
    """The clauses by what they are: a mark, a heading, an icon."""
    patent = (record.patent,) if record.patent else ()
    groups: list[tuple[str, Text, str, tuple[Clause, ...]]] = [
        ("ok", gettext("You may"), "check", record.permissions),
        ("must", gettext("You must"), "dash", record.conditions),
        ("no", gettext("You must not"), "x", record.limits),
        ("no", gettext("Uses that are forbidden"), "x", record.use_restrictions),
        ("must", gettext("What it says of outputs"), "dash", record.outputs),
        ("must", gettext("Limits of size"), "dash", record.thresholds),
        ("must", gettext("Patents"), "dash", patent),
    ]
    return [group for group in groups if group[3]]


def _linked(others: Any) -> list[tuple[str, str, str]]:
    """(id of the page or "", name, section) of the licences that another one speaks of."""
    return [(found.id if (found := find(name)) else "", label(name), section) for name, section in others.items()]


def _rows(shown: str, repositories: list[Repository]) -> list[Row]:
    if shown == "models":
        return rows_of(repositories)
    return [Row(repository, None, None, None, "") for repository in repositories]
