"""The wire: repositories made, moved, settled, duplicated, deleted, and counted (E06 to E11)."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import acting_user
from accounts.exceptions import NamespaceNotFound
from accounts.models import Namespace
from accounts.permissions import role_in
from hub.core.bodies import BadBody, flag, json_object, text_field
from hub.core.pagination import keyset_page
from models_registry import lookalikes
from models_registry.api.lookup import PREFIX, SINGULAR, endpoint, find_named, find_repository, web_url
from models_registry.api.present import moment
from models_registry.exceptions import NameReserved, RepositoryExists
from models_registry.models import Gated, Kind, Repository, Visibility
from models_registry.permissions import Action, require
from models_registry.services import repositories as services
from models_registry.services.duplicates import duplicate_repository
from models_registry.services.moves import WIRE_KINDS, move_repository
from models_registry.services.settings import Changes, update_settings

_PER_PAGE = 100


@require_POST
def create(request: HttpRequest) -> HttpResponse:
    """E06. The answer carries `url` also when the repository exists: `exist_ok=True` reads it."""
    user = acting_user(request)
    body = json_object(request)
    namespace, name, kind = _named(body, user.username)
    try:
        made = services.create_repository(
            user=user,
            namespace=namespace,
            name=name,
            kind=kind,
            visibility=_visibility(body, kind) or Visibility.PUBLIC,
            sdk=text_field(body, "sdk", default="") if kind is Kind.APP else "",
            licence=text_field(body, "license", default=""),
        )
    except (RepositoryExists, NameReserved) as error:
        return _exists(request, error, kind, namespace, name)
    response = JsonResponse({"url": web_url(request, made), "name": made.full_name, "id": made.public_id})
    like = lookalikes.find(kind, made.full_name)
    if like:
        response["X-Name-Warning"] = f"{made.full_name} is easily taken for {like}"
    return response


@require_http_methods(["DELETE"])
def delete(request: HttpRequest) -> HttpResponse:
    """E07. The body of this DELETE names the repository, by its present name."""
    user = acting_user(request)
    namespace, name, kind = _named(json_object(request), user.username)
    services.delete_repository(repository=find_named(request, kind, namespace, name), user=user)
    return HttpResponse("OK", content_type="text/plain")


@require_POST
def move(request: HttpRequest) -> HttpResponse:
    """E08. To another name or another namespace; the old name leads to the new one from then on."""
    user = acting_user(request)
    body = json_object(request)
    kind = _kind(body)
    source, target = _pair(body, "fromRepo"), _pair(body, "toRepo")
    repository = find_named(request, kind, *source)
    moved = move_repository(repository=repository, user=user, namespace=target[0], name=target[1])
    return JsonResponse({"url": web_url(request, moved), "name": moved.full_name})


@require_http_methods(["PUT"])
def settings(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """E09. What is given is settled; the answer says how all of it stands."""
    repository = find_repository(request, kind, namespace, name)
    user = acting_user(request)
    require(user, Action.ADMINISTER, repository)
    body = json_object(request)
    disabled = body.get("discussionsDisabled")
    changes = Changes(
        visibility=_visibility(body, Kind(repository.kind)),
        gated=_gated(body),
        discussions_disabled=None if disabled is None else flag(disabled),
        description=None if body.get("description") is None else text_field(body, "description"),
        default_branch=None if body.get("defaultBranch") is None else text_field(body, "defaultBranch"),
    )
    settled = update_settings(repository=repository, user=user, changes=changes)
    return JsonResponse(
        {
            "private": settled.is_private,
            "visibility": settled.visibility,
            "gated": settled.gated or False,
            "discussionsDisabled": settled.discussions_disabled,
            "description": settled.description,
            "defaultBranch": settled.default_branch,
        }
    )


@require_POST
def duplicate(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """E10. Nothing is ever pending: the files are linked, not copied."""
    source = find_repository(request, kind, namespace, name)
    user = acting_user(request)
    body = json_object(request)
    target = _pair(body, "repository")
    try:
        made = duplicate_repository(
            source=source,
            user=user,
            namespace=target[0],
            name=target[1],
            visibility=_visibility(body, Kind(source.kind)),
        )
    except (RepositoryExists, NameReserved) as error:
        return _exists(request, error, Kind(source.kind), *target)
    return JsonResponse({"url": web_url(request, made), "name": made.full_name, "filesCopyPending": False})


@require_safe
def own_repositories(request: HttpRequest) -> HttpResponse:
    """E11, of the caller."""
    return _storage(request, acting_user(request).username)


@require_safe
def organisation_repositories(request: HttpRequest, namespace: str) -> HttpResponse:
    """E11, of an organisation that the caller belongs to."""
    acting_user(request)
    return _storage(request, namespace)


def _storage(request: HttpRequest, name: str) -> HttpResponse:
    user = acting_user(request)
    holder = Namespace.objects.held().named(name).first()
    if holder is None or (role_in(user, holder) is None and not user.is_superuser):
        raise NamespaceNotFound(name=name[:100])
    found = Repository.objects.filter(namespace=holder).select_related("namespace")
    total = found.aggregate(total=Sum("size_bytes"))["total"] or 0
    page = keyset_page(found, order=("-updated_at", "-id"), limit=_PER_PAGE, cursor=request.GET.get("cursor"))
    items = [
        {
            "id": row.full_name,
            "type": WIRE_KINDS[Kind(row.kind)],
            "updatedAt": moment(row.updated_at),
            "visibility": row.visibility,
            "storage": row.size_bytes,
            "storagePercent": round(100 * row.size_bytes / total, 2) if total else 0,
        }
        for row in page.rows
    ]
    response = JsonResponse(items, safe=False)
    if page.next_cursor:
        query = urlencode({"cursor": page.next_cursor})
        response["Link"] = f'<{endpoint(request)}{request.path}?{query}>; rel="next"'
    return response


def _exists(
    request: HttpRequest, error: RepositoryExists | NameReserved, kind: Kind, namespace: str, name: str
) -> HttpResponse:
    """409 with the address under which it is to be found, as far as the caller may know."""
    visible = Repository.objects.visible_to(request.user)
    existing = visible.named(kind, namespace, name).first() or visible.formerly(kind, namespace, name).first()
    shown = existing.full_name if existing else f"{namespace}/{name}"
    answer = {"error": str(error), "name": shown, "url": f"{endpoint(request)}/{PREFIX[kind]}{shown}"}
    return JsonResponse(answer | {"code": error.code}, status=409)


def _named(body: dict[str, Any], own: str) -> tuple[str, str, Kind]:
    """Namespace, name and kind of a create or delete body. Old clients put the namespace into the name."""
    name = text_field(body, "name")
    namespace = text_field(body, "organization", default="") or own
    if "/" in name:
        namespace, name = name.split("/", 1)
    return namespace, name, _kind(body)


def _kind(body: dict[str, Any]) -> Kind:
    kind = SINGULAR.get(text_field(body, "type", default="model"))
    if kind is None:
        raise BadBody(reason="“type” must be model, dataset or space.")
    return kind


def _pair(body: dict[str, Any], field: str) -> tuple[str, str]:
    namespace, slash, name = text_field(body, field).partition("/")
    if not slash or not namespace or not name or "/" in name:
        raise BadBody(reason=f"“{field}” must be a namespace and a name, as in you/tiny.")
    return namespace, name


def _visibility(body: dict[str, Any], kind: Kind) -> Visibility | None:
    """What a body asks for, in today's or in yesterday's words. A protected app hides its files, as a private one."""
    wanted = body.get("visibility")
    if wanted is None:
        return None if body.get("private") is None else Visibility(("public", "private")[flag(body["private"])])
    if wanted == "protected" and kind is Kind.APP:
        return Visibility.PRIVATE
    if wanted not in Visibility.values:
        raise BadBody(reason="“visibility” must be public or private.")
    return Visibility(wanted)


def _gated(body: dict[str, Any]) -> Gated | None:
    wanted = body.get("gated")
    if wanted is None:
        return None
    if wanted is False:
        return Gated.OFF
    if wanted not in (Gated.AUTO, Gated.MANUAL):
        raise BadBody(reason="“gated” must be auto, manual or false.")
    return Gated(wanted)
