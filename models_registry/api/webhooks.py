"""The wire: webhooks (E73, E74). The secret is said once more to who just set it, and to nobody afterwards."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods

from accounts.authentication import acting_user
from accounts.grants import Right
from accounts.models import Scope
from accounts.permissions import require_token
from hub.core.bodies import BadBody, json_object, text_field
from models_registry.exceptions import WebhookNotFound
from models_registry.models import Webhook
from models_registry.services import webhooks as services
from models_registry.services.webhooks import DOMAINS, Watch


@require_http_methods(["GET", "HEAD", "POST"])
def webhooks(request: HttpRequest) -> HttpResponse:
    """E73. All of one's own as a bare array; POST makes one."""
    user = acting_user(request)
    if request.method != "POST":
        require_token(user, Right.WEBHOOKS, Scope.READ, user.namespace)
        rows = Webhook.objects.of(user).prefetch_related("watches")
        return JsonResponse([_item(row) for row in rows], safe=False)
    body = json_object(request)
    secret = text_field(body, "secret", default="")
    made = services.create_webhook(
        user=user,
        url=_url(body),
        watched=_watched(body.get("watched")),
        domains=_domains(body.get("domains")) or DOMAINS,
        secret=secret,
    )
    return JsonResponse({"webhook": _item(made, secret)})


@require_http_methods(["GET", "HEAD", "POST", "DELETE"])
def webhook(request: HttpRequest, public_id: str) -> HttpResponse:
    """E73. One of one's own; POST changes what its body names."""
    user = acting_user(request)
    if request.method == "DELETE":
        services.delete_webhook(user=user, public_id=public_id)
        return JsonResponse({"success": True})
    if request.method == "POST":
        body = json_object(request)
        secret = text_field(body, "secret") if body.get("secret") is not None else None
        changed = services.update_webhook(
            user=user,
            public_id=public_id,
            url=_url(body) if body.get("url") or body.get("jobSourceId") else None,
            # Clients send an empty list where they mean: as it is.
            watched=_watched(body["watched"]) if body.get("watched") else None,
            domains=_domains(body.get("domains")),
            secret=secret,
        )
        return JsonResponse({"webhook": _item(changed, secret or "")})
    require_token(user, Right.WEBHOOKS, Scope.READ, user.namespace)
    found = Webhook.objects.of(user).filter(public_id=public_id).first()
    if found is None:
        raise WebhookNotFound
    return JsonResponse({"webhook": _item(found)})


@require_http_methods(["POST"])
def switch(request: HttpRequest, public_id: str, disabled: bool) -> HttpResponse:
    """E74."""
    found = services.switch_webhook(user=acting_user(request), public_id=public_id, disabled=disabled)
    return JsonResponse({"webhook": _item(found)})


def _item(row: Webhook, secret: str = "") -> dict[str, Any]:
    return {
        "id": row.public_id,
        "url": row.url,
        "watched": [{"type": watch.kind, "name": watch.name} for watch in row.watches.all()],
        "domains": row.domains,
        "secret": secret or None,
        "disabled": row.disabled,
        "job": None,
    }


def _url(body: dict[str, Any]) -> str:
    if body.get("jobSourceId") is not None:
        raise BadBody(reason="This hub runs no jobs. Give the webhook a “url”.")
    return text_field(body, "url")


def _watched(value: Any) -> list[Watch]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise BadBody(reason="“watched” must be a list of objects.")
    return [Watch(text_field(each, "type"), text_field(each, "name")) for each in value]


def _domains(value: Any) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadBody(reason="“domains” must be a list of texts.")
    return list(value)
