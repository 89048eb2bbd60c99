"""The wire: access requests of gated repositories (E49, E50)."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authentication import acting_user
from hub.core.bodies import BadBody, json_object, text_field
from hub.core.pagination import keyset_page
from models_registry.api.lookup import endpoint, find_repository
from models_registry.api.present import moment
from models_registry.exceptions import AccessRequestNotFound, NotGated
from models_registry.models import AccessRequest, AccessState
from models_registry.permissions import Action, require
from models_registry.services import access as services

PAGE = 100
STATES = (AccessState.PENDING, AccessState.ACCEPTED, AccessState.REJECTED)


@require_safe
def listing(request: HttpRequest, kind: str, namespace: str, name: str, status: str) -> HttpResponse:
    """E49. Newest first; the next page in the Link header."""
    repository = find_repository(request, kind, namespace, name)
    require(acting_user(request), Action.WRITE, repository)
    if status not in STATES:
        raise AccessRequestNotFound
    if not repository.has_gate:
        raise NotGated(name=repository.full_name)
    rows = repository.access_requests.filter(state=status).select_related("user")
    page = keyset_page(rows, order=("-id",), limit=PAGE, cursor=request.GET.get("cursor"))
    response = JsonResponse([_item(row) for row in page.rows], safe=False)
    if page.next_cursor:
        address = f"{endpoint(request)}{request.path}?{urlencode({'cursor': page.next_cursor})}"
        response["Link"] = f'<{address}>; rel="next"'
    return response


@require_http_methods(["POST"])
def handle(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """E50. Accept, reject, or set back to pending."""
    repository, actor = find_repository(request, kind, namespace, name), acting_user(request)
    require(actor, Action.WRITE, repository)
    body = json_object(request)
    status = text_field(body, "status")
    if status not in STATES:
        raise BadBody(reason="“status” must be pending, accepted or rejected.")
    username, public_id = text_field(body, "user", default=""), text_field(body, "requestId", default="")
    if bool(username) == bool(public_id):
        raise BadBody(reason="Name the request by “user” or by “requestId”.")
    found = services.find_request(repository, username=username, public_id=public_id)
    reason = text_field(body, "rejectionReason", default="")
    decided = services.decide_access(
        repository=repository, actor=actor, request=found, state=AccessState(status), reason=reason
    )
    return JsonResponse(_item(decided))


@require_http_methods(["POST"])
def grant(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """E50. Access for somebody who did not ask."""
    repository, actor = find_repository(request, kind, namespace, name), acting_user(request)
    require(actor, Action.WRITE, repository)
    username = text_field(json_object(request), "user")
    return JsonResponse(_item(services.grant_access(repository=repository, actor=actor, username=username)))


def _item(row: AccessRequest) -> dict[str, Any]:
    """One request. The e-mail was given with the question: who never asked shows none."""
    person: dict[str, Any] = {"user": row.user.username, "fullname": row.user.get_full_name()}
    if row.asked_at and row.user.email:
        person["email"] = row.user.email
    item: dict[str, Any] = {
        "requestId": row.public_id,
        "user": person,
        "status": row.state,
        "timestamp": moment(row.asked_at or row.updated_at),
    }
    if row.answers:
        item["fields"] = row.answers
    if row.reason:
        item["rejectionReason"] = row.reason
    return item
