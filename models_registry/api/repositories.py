"""The wire: repositories made, deleted, described and listed (E03, E06, E07, E09, E12 to E15)."""

import re
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authentication import acting_user
from hub.core.bodies import BadBody, flag, json_object, text_field
from hub.core.pagination import keyset_page
from models_registry.api import present, yanks
from models_registry.api.lookup import KINDS, SINGULAR, endpoint, find_repository, find_revision, web_url
from models_registry.exceptions import RepositoryExists
from models_registry.models import Commit, Kind, Repository, Visibility
from models_registry.permissions import Action, can, require
from models_registry.services import repositories as services

MAX_PAGE = 1000
_ORDERS = {
    "createdAt": ("-created_at", "-id"),
    "created_at": ("-created_at", "-id"),
    "downloads": ("-downloads", "-id"),
    "lastModified": ("-updated_at", "-id"),
    "last_modified": ("-updated_at", "-id"),
    "likes": ("-likes", "-id"),
    "trendingScore": ("-likes", "-id"),
    "trending_score": ("-likes", "-id"),
}


@require_http_methods(["POST"])
def create(request: HttpRequest) -> HttpResponse:
    """E06. The answer carries `url` also when the repository exists: `exist_ok=True` reads it."""
    user = acting_user(request)
    body = json_object(request)
    namespace, name, kind = _named(body, user.username)
    visibility = _visibility(body) or Visibility.PUBLIC
    try:
        made = services.create_repository(user=user, namespace=namespace, name=name, kind=kind, visibility=visibility)
    except RepositoryExists as error:
        existing = Repository.objects.visible_to(user).named(kind, namespace, name).first()
        shown = existing.full_name if existing else f"{namespace}/{name}"
        answer = {"error": str(error), "name": shown, "url": f"{endpoint(request)}/{_prefix(kind)}{shown}"}
        return JsonResponse(answer, status=409)
    return JsonResponse({"url": web_url(request, made), "name": made.full_name, "id": made.public_id})


@require_http_methods(["DELETE"])
def delete(request: HttpRequest) -> HttpResponse:
    """E07. The body of this DELETE names the repository."""
    user = acting_user(request)
    namespace, name, kind = _named(json_object(request), user.username)
    plural = next(plural for plural, known in KINDS.items() if known == kind)
    services.delete_repository(repository=find_repository(request, plural, namespace, name), user=user)
    return HttpResponse("OK", content_type="text/plain")


@require_http_methods(["PUT"])
def settings(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """E09. Visibility now; other settings follow with their features."""
    repository = find_repository(request, kind, namespace, name)
    require(acting_user(request), Action.ADMINISTER, repository)
    visibility = _visibility(json_object(request))
    if visibility is not None:
        repository = services.set_visibility(repository=repository, user=acting_user(request), visibility=visibility)
    return JsonResponse({"private": repository.is_private, "visibility": repository.visibility, "gated": False})


@require_safe
def auth_check(request: HttpRequest, kind: str, namespace: str, name: str, write: bool = False) -> HttpResponse:
    """E03. Empty when the caller may; the usual refusal else."""
    repository = find_repository(request, kind, namespace, name)
    require(request.user, Action.WRITE if write else Action.READ, repository)
    return HttpResponse()


@require_safe
def info(request: HttpRequest, kind: str, namespace: str, name: str, rev: str | None = None) -> HttpResponse:
    """E12."""
    repository, commit = find_revision(request, kind, namespace, name, rev)
    item = present.info(
        repository, commit, expand=_many(request, "expand"), blobs=flag(request.GET.get("blobs", "false"))
    )
    if flag(request.GET.get("securityStatus", "false")):
        item["securityRepoStatus"] = _security(commit)
    response = JsonResponse(item)
    response["X-Repo-Commit"] = commit.oid
    yanks.warn(request, response, repository, commit, rev or repository.default_branch)
    return response


@require_safe
def listing(request: HttpRequest, kind: str) -> HttpResponse:
    """E13 to E15: a bare array, the next page in the Link header."""
    expand = _many(request, "expand")
    order = _ORDERS.get(request.GET.get("sort", "trendingScore"))
    if order is None:
        raise BadBody(reason=f"“sort” must be one of {', '.join(sorted(_ORDERS))}.")
    found = _filtered(request, KINDS[kind])
    page = keyset_page(found, order=order, limit=_limit(request), cursor=request.GET.get("cursor"))
    names = _list_names(request, KINDS[kind])
    heads = _heads(page.rows) if "siblings" in (*expand, *names) else {}
    items = [present.info(row, heads.get(row.head), expand=expand, names=names) for row in page.rows]
    response = JsonResponse(items, safe=False)
    if page.next_cursor:
        response["Link"] = f'<{_next_url(request, page.next_cursor)}>; rel="next"'
    return response


def _filtered(request: HttpRequest, kind: Kind) -> QuerySet[Repository]:
    query = request.GET
    found = Repository.objects.visible_to(request.user).filter(kind=kind).select_related("namespace")
    if query.get("author"):
        found = found.filter(namespace__key=query["author"].lower()[:100])
    for words in query.getlist("search"):
        found = found.search(words[:200])
    for value in _many(request, "filter"):
        for tag in value.split(","):
            # Languages come bare or with their prefix, tasks of data sets likewise.
            found = found.filter(Q(tag_rows__tag=tag) | Q(tag_rows__tag=f"language:{tag}")).distinct()
    if query.get("pipeline_tag"):
        found = found.filter(task=query["pipeline_tag"])
    if flag(query.get("gated", "false")):
        return found.none()
    return found


def _list_names(request: HttpRequest, kind: Kind) -> tuple[str, ...]:
    names = present.LIST_NAMES_OF_MODELS if kind is Kind.MODEL else present.LIST_NAMES
    if flag(request.GET.get("full", "false")):
        names = (*names, "sha", "siblings", *(("cardData",) if kind is not Kind.MODEL else ()))
    if flag(request.GET.get("cardData", "false")):
        names = (*names, "cardData")
    return tuple(dict.fromkeys(names))


def _heads(rows: list[Repository]) -> dict[str, Commit]:
    found = Commit.objects.filter(repository__in=rows, oid__in=[row.head for row in rows])
    return {commit.oid: commit for commit in found}


def _limit(request: HttpRequest) -> int:
    text = request.GET.get("limit", "")
    if not text:
        return MAX_PAGE
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise BadBody(reason="“limit” must be a whole number of at least 1.")
    return min(int(text), MAX_PAGE)


def _next_url(request: HttpRequest, cursor: str) -> str:
    pairs = [(key, value) for key, values in request.GET.lists() for value in values if key != "cursor"]
    return f"{endpoint(request)}{request.path}?{urlencode([*pairs, ('cursor', cursor)])}"


def _named(body: dict[str, Any], own: str) -> tuple[str, str, Kind]:
    """Namespace, name and kind of a create or delete body. Old clients put the namespace into the name."""
    name = text_field(body, "name")
    namespace = text_field(body, "organization", default="") or own
    if "/" in name:
        namespace, name = name.split("/", 1)
    kind = SINGULAR.get(text_field(body, "type", default="model"))
    if kind is None:
        raise BadBody(reason="“type” must be model, dataset or space.")
    return namespace, name, kind


def _visibility(body: dict[str, Any]) -> Visibility | None:
    wanted = body.get("visibility")
    if wanted is None:
        return None if body.get("private") is None else Visibility(("public", "private")[flag(body["private"])])
    if wanted not in Visibility.values:
        raise BadBody(reason="“visibility” must be public or private.")
    return Visibility(wanted)


def _prefix(kind: Kind) -> str:
    return {Kind.MODEL: "", Kind.DATASET: "datasets/", Kind.APP: "spaces/"}[kind]


def _many(request: HttpRequest, name: str) -> list[str]:
    return request.GET.getlist(name) + request.GET.getlist(f"{name}[]")


def _security(commit: Commit) -> dict[str, Any]:
    issues = [{"path": path, "level": "unsafe"} for path in sorted(commit.held)]
    return {"scansDone": commit.scan_verdict != "pending", "filesWithIssues": issues}


def may_see_held(request: HttpRequest, repository: Repository) -> bool:
    """Writers get their own files back whatever the scan says; others only when they insist."""
    return can(request.user, Action.WRITE, repository) or flag(request.GET.get("quarantined", "false"))
