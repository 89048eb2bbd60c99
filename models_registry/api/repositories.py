"""The wire: repositories made, deleted and described (E03, E06, E07, E09, E12)."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authentication import acting_user
from hub.core.bodies import BadBody, flag, json_object, text_field
from models_registry.api import yanks
from models_registry.api.lookup import KINDS, SINGULAR, endpoint, find_repository, find_revision, many, web_url
from models_registry.api.properties import Shown, beside, check_expand, names_of_info
from models_registry.api.properties import item as item_of
from models_registry.exceptions import RepositoryExists
from models_registry.models import Commit, Gated, Kind, Repository, Visibility
from models_registry.permissions import Action, can, require
from models_registry.services import repositories as services
from models_registry.services.access import set_gate
from models_registry.services.heads import describe


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
    """E09. Visibility and gate; other settings follow with their features."""
    repository = find_repository(request, kind, namespace, name)
    require(acting_user(request), Action.ADMINISTER, repository)
    body = json_object(request)
    visibility, gated = _visibility(body), _gated(body)
    if visibility is not None:
        repository = services.set_visibility(repository=repository, user=acting_user(request), visibility=visibility)
    if gated is not None:
        repository = set_gate(repository=repository, user=acting_user(request), gated=gated)
    return JsonResponse(
        {"private": repository.is_private, "visibility": repository.visibility, "gated": repository.gated or False}
    )


@require_safe
def auth_check(request: HttpRequest, kind: str, namespace: str, name: str, write: bool = False) -> HttpResponse:
    """E03. Empty when the caller may; the usual refusal else."""
    repository = find_repository(request, kind, namespace, name)
    require(request.user, Action.WRITE if write else Action.DOWNLOAD, repository)
    return HttpResponse()


@require_safe
def info(request: HttpRequest, kind: str, namespace: str, name: str, rev: str | None = None) -> HttpResponse:
    """E12."""
    repository, commit = find_revision(request, kind, namespace, name, rev)
    wanted, expand = Kind(repository.kind), many(request, "expand")
    check_expand(wanted, expand)
    if commit.oid != repository.head:
        describe(repository=repository, commit=commit)
    names = names_of_info(wanted)
    around = beside([repository], expand or names, viewer=request.user, commits={repository.pk: commit})
    shown = Shown(repository, around, blobs=flag(request.GET.get("blobs", "false")))
    item = item_of(shown, names=names, expand=expand)
    if flag(request.GET.get("securityStatus", "false")):
        item["securityRepoStatus"] = _security(commit)
    response = JsonResponse(item)
    response["X-Repo-Commit"] = commit.oid
    yanks.warn(request, response, repository, commit, rev or repository.default_branch)
    return response


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


def _gated(body: dict[str, Any]) -> Gated | None:
    """`auto`, `manual` or `false`; None where the body does not speak of it."""
    wanted = body.get("gated")
    if wanted is None:
        return None
    if wanted is False:
        return Gated.OFF
    if wanted not in (Gated.AUTO, Gated.MANUAL):
        raise BadBody(reason="“gated” must be auto, manual or false.")
    return Gated(wanted)


def _prefix(kind: Kind) -> str:
    return {Kind.MODEL: "", Kind.DATASET: "datasets/", Kind.APP: "spaces/"}[kind]


def _security(commit: Commit) -> dict[str, Any]:
    issues = [{"path": path, "level": "unsafe"} for path in sorted(commit.held)]
    return {"scansDone": commit.scan_verdict != "pending", "filesWithIssues": issues}


def may_see_held(request: HttpRequest, repository: Repository) -> bool:
    """Writers get their own files back whatever the scan says; others only when they insist."""
    return can(request.user, Action.WRITE, repository) or flag(request.GET.get("quarantined", "false"))
