"""The wire: lists of repositories (E13 to E15) and the tags that they can be filtered by (E16)."""

import re
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from hub.core.bodies import BadBody, flag
from hub.core.pagination import keyset_page
from models_registry import labels
from models_registry.api.lookup import KINDS, MAX_PAGE, many, next_url, page_limit
from models_registry.api.properties import Shown, beside, check_expand, item, names_of_list
from models_registry.models import Kind, Repository, RepositoryTag, Visibility
from models_registry.querysets_licences import under_licence

MAX_PAGE_WITH_FILES = 100  # Their lists of files are unpacked one by one.
MAX_FILTERS = 30
TAGS_LIFETIME_S = 300
MAX_TAGS_OF_TYPE = 1000
_ORDERS = {
    "createdAt": "created_at",
    "created_at": "created_at",
    "downloads": "downloads",
    "lastModified": "updated_at",
    "last_modified": "updated_at",
    "likes": "likes",
    "likes7d": "trending_score",
    "trendingScore": "trending_score",
    "trending_score": "trending_score",
}
# What runs a model, by what its tags say.
_APPS = {
    "transformers": {"transformers"},
    "vllm": {"transformers"},
    "sglang": {"transformers"},
    "llama.cpp": {"gguf"},
    "ollama": {"gguf"},
    "lmstudio": {"gguf"},
    "jan": {"gguf"},
    "smallhub": {"smallhub"},
}
_PREFIXES = {
    Kind.MODEL: {"language": "language", "license": "license", "dataset": "dataset", "region": "region"},
    Kind.DATASET: {
        "task_categories": "task_categories",
        "task_ids": "task_ids",
        "size_categories": "size_categories",
        "multilinguality": "multilinguality",
        "language_creators": "language_creators",
        "language": "language",
        "license": "license",
        "benchmark": "benchmark",
        "modality": "modality",
        "format": "format",
        "library": "library",
    },
}
_SCALE = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


@require_safe
def listing(request: HttpRequest, kind: str) -> HttpResponse:
    """E13 to E15: a bare array, the next page in the Link header."""
    wanted, expand = KINDS[kind], many(request, "expand")
    check_expand(wanted, expand)
    names = names_of_list(
        wanted, full=_asked(request, "full"), config=_asked(request, "config"), card=_asked(request, "cardData")
    )
    limit = min(page_limit(request), MAX_PAGE_WITH_FILES if "siblings" in (expand or names) else MAX_PAGE)
    found = filtered(request, wanted)
    page = keyset_page(found, order=_order(request), limit=limit, cursor=request.GET.get("cursor"))
    around = beside(page.rows, expand or names, viewer=request.user)
    items = [item(Shown(row, around), names=names, expand=expand) for row in page.rows]
    response = JsonResponse(items, safe=False)
    if page.next_cursor:
        response["Link"] = f'<{next_url(request, page.next_cursor)}>; rel="next"'
    return response


@require_safe
def tags_by_type(request: HttpRequest, kind: str) -> HttpResponse:
    """E16. What there is to filter by among public repositories, most used first."""
    wanted = KINDS[kind]
    key = f"tags-by-type-{wanted}"
    found = cache.get(key)
    if found is None:
        found = _tags_by_type(wanted)
        cache.set(key, found, timeout=TAGS_LIFETIME_S)
    return JsonResponse(found)


def filtered(request: HttpRequest, kind: Kind) -> QuerySet[Repository]:
    """The repositories of a kind that the query asks for, of those that the caller may see."""
    query = request.GET
    found = Repository.objects.listed_to(request.user).filter(kind=kind).select_related("namespace")
    if query.get("author"):
        found = found.filter(namespace__key=query["author"].lower()[:100])
    for words in query.getlist("search")[:4]:
        found = found.search(words[:200])
    filters = [tag for value in many(request, "filter") for tag in value.split(",") if tag]
    if len(filters) > MAX_FILTERS:
        raise BadBody(reason=f"At most {MAX_FILTERS} filters at a time.")
    for tag in filters:
        # Languages and tasks of data sets come bare or with their prefix.
        wanted: Q | Exists = _tagged({tag, f"language:{tag}", f"task_categories:{tag}"})
        if tag.startswith("license:"):  # Each licence of an expression, by any spelling; classes of them too.
            wanted = Q(wanted) | under_licence(tag.removeprefix("license:"))
        found = found.filter(wanted)
    if query.get("pipeline_tag"):
        found = found.filter(task=query["pipeline_tag"][:100])
    licences = many(request, "licence") + many(request, "license")
    if len(licences) > MAX_FILTERS:
        raise BadBody(reason=f"At most {MAX_FILTERS} filters at a time.")
    found = found.under_licence(*filter(None, licences))
    if query.get("gated"):
        is_open = Q(gated="", inherited_gate="")
        found = found.exclude(is_open) if flag(query["gated"]) else found.filter(is_open)
    return _of_models(request, found) if kind is Kind.MODEL else _of_others(request, found, kind)


def _of_models(request: HttpRequest, found: QuerySet[Repository]) -> QuerySet[Repository]:
    for app in many(request, "apps"):
        tags = _APPS.get(app.lower())
        found = found.filter(_tagged(tags)) if tags else found.none()
    if request.GET.get("inference") or request.GET.get("inference_provider"):
        return found.none()  # No model of this hub is served by a provider.
    if request.GET.get("num_parameters"):
        low, high = _parameters(request.GET["num_parameters"])
        found = found.filter(parameters__gte=low or 0)
        found = found.filter(parameters__lte=high) if high is not None else found
    return found


def _of_others(request: HttpRequest, found: QuerySet[Repository], kind: Kind) -> QuerySet[Repository]:
    if kind is not Kind.APP:
        return found
    for key, prefix in (("models", "model:"), ("datasets", "dataset:")):
        for name in many(request, key):
            found = found.filter(_tagged({prefix + name}))
    if _asked(request, "linked"):
        linked = Q(tag__startswith="model:") | Q(tag__startswith="dataset:")
        found = found.filter(Exists(RepositoryTag.objects.filter(linked, repository=OuterRef("pk"))))
    return found


def _tagged(tags: set[str]) -> Exists:
    """Does it carry one of these? By a look-up per row, so that the order's index still leads the walk."""
    return Exists(RepositoryTag.objects.filter(repository=OuterRef("pk"), tag__in=tags))


def _parameters(text: str) -> tuple[int | None, int | None]:
    """`min:6B,max:128B`, either of both."""
    bounds: dict[str, int] = {}
    for part in text.split(","):
        match = re.fullmatch(r"(min|max):([0-9]{1,15}(?:\.[0-9]{1,6})?)([KMBT]?)", part.strip(), re.ASCII)
        if match is None:
            raise BadBody(reason="“num_parameters” must be like “min:6B,max:128B”.")
        bounds[match[1]] = int(float(match[2]) * _SCALE[match[3]])
    high = bounds.get("max")
    return min(bounds.get("min", 0), 2**63 - 1), None if high is None else min(high, 2**63 - 1)


def _order(request: HttpRequest) -> tuple[str, str]:
    column = _ORDERS.get(request.GET.get("sort") or "trendingScore")
    if column is None:
        raise BadBody(reason=f"“sort” must be one of {', '.join(sorted(_ORDERS))}.")
    sign = "" if request.GET.get("direction") == "1" else "-"
    return f"{sign}{column}", f"{sign}id"


def _asked(request: HttpRequest, name: str) -> bool:
    return flag(request.GET.get(name, "false"))


def _tags_by_type(kind: Kind) -> dict[str, list[dict[str, Any]]]:
    public = Repository.objects.filter(kind=kind, visibility=Visibility.PUBLIC, is_draft=False)
    rows = RepositoryTag.objects.filter(repository__in=public.values("pk")).order_by()
    counted = rows.values_list("tag").annotate(number=Count("pk")).order_by("-number", "tag")
    tags = [tag for tag, _ in counted.iterator(chunk_size=2000)]
    bare = {tag.removeprefix("language:") for tag in tags if tag.startswith("language:")}
    tasks, libraries = (
        set(public.order_by().exclude(**{column: ""}).values_list(column, flat=True).distinct()[:MAX_TAGS_OF_TYPE])
        for column in ("task", "library")
    )
    types = ("pipeline_tag", "library") if kind is Kind.MODEL else ()
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in (*types, *_PREFIXES[kind].values(), "other")}
    for tag in tags:
        if tag in bare:
            continue  # A language's second spelling.
        kind_of_tag = _type_of(tag, kind, tasks, libraries)
        if len(found[kind_of_tag]) < MAX_TAGS_OF_TYPE:
            found[kind_of_tag].append({"id": _id_of(tag, kind), "label": _label(tag, kind_of_tag), "type": kind_of_tag})
    return found


def _type_of(tag: str, kind: Kind, tasks: set[str], libraries: set[str]) -> str:
    if kind is Kind.MODEL and tag in tasks:
        return "pipeline_tag"
    if kind is Kind.MODEL and tag in libraries:
        return "library"
    prefix = tag.partition(":")[0] if ":" in tag else ""
    return _PREFIXES[kind].get(prefix, "other")


def _id_of(tag: str, kind: Kind) -> str:
    """The public hub names the languages of models without their prefix."""
    return tag.removeprefix("language:") if kind is Kind.MODEL else tag


def _label(tag: str, kind_of_tag: str) -> str:
    plain = tag.partition(":")[2] if ":" in tag and kind_of_tag != "other" else tag
    if kind_of_tag == "language":
        return labels.language_name(plain)
    if kind_of_tag == "license":
        return labels.licence_name(plain)
    return str(labels.task_name(plain)) if kind_of_tag in ("pipeline_tag", "task_categories") else plain
