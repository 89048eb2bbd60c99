"""Webhooks for people: the list, the form, and the log of what was sent."""

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import acting_user
from accounts.models import User
from hub.core.exceptions import HubError
from hub.core.forms import PlainForm
from hub.core.pagination import keyset_page
from hub.pages import facets
from models_registry.exceptions import WebhookNotFound
from models_registry.models import Webhook, WebhookDelivery, WebhookWatch
from models_registry.services import webhooks as services
from models_registry.services.webhooks import Watch

PER_PAGE = 30
STATES = WebhookDelivery.State.values


class WebhookForm(PlainForm):
    """Where to, what of, and the secret that proves that it is us."""

    url = forms.CharField(
        label=_("Address"),
        max_length=2000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "url"}),
        help_text=_("Starts with https:// or http:// and is reached from this hub, on port 443 or 80."),
    )
    watched = forms.CharField(
        label=_("What to watch"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=_("One a line: model ada/tides, dataset ada/log, space ada/demo, user ada or org harbour."),
    )
    domains = forms.MultipleChoiceField(
        label=_("It hears of"),
        choices=[
            ("repo", _("repositories: commits, branches, releases, settings")),
            ("discussion", _("discussions, pull requests and comments")),
        ],
        widget=forms.CheckboxSelectMultiple,
    )
    secret = forms.CharField(
        label=_("Secret"),
        max_length=200,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Signs each message. It is kept sealed and shown to nobody again."),
    )
    forget_secret = forms.BooleanField(label=_("Take the secret away"), required=False)

    def clean_watched(self) -> list[Watch]:
        found = []
        for line in str(self.cleaned_data["watched"]).splitlines():
            kind, _space, name = line.strip().partition(" ")
            if kind:
                found.append(Watch(kind.lower(), name.strip()))
        return found


@login_required
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """All webhooks of a person."""
    rows = Webhook.objects.of(acting_user(request)).prefetch_related("watches")
    return render(request, "accounts/webhooks.html", {"webhooks": rows})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Make one."""
    form = WebhookForm(request.POST if request.method == "POST" else None, initial={"domains": ["repo", "discussion"]})
    if form.is_valid():
        data = form.cleaned_data
        try:
            made = services.create_webhook(
                user=acting_user(request),
                url=data["url"],
                watched=data["watched"],
                domains=data["domains"],
                secret=data["secret"],
            )
        except HubError as error:
            form.add_error(None, str(error))
        else:
            return redirect("webhook_page", public_id=made.public_id)
    context = {"form": form, "webhook": None}
    return render(request, "accounts/webhook.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, public_id: str) -> HttpResponse:
    """Change one, and read its log."""
    user = acting_user(request)
    webhook = _own(user, public_id)
    form = WebhookForm(request.POST if request.method == "POST" else None, initial=_initial(webhook))
    if form.is_valid():
        data = form.cleaned_data
        secret = "" if data["forget_secret"] else (data["secret"] or None)
        try:
            services.update_webhook(
                user=user,
                public_id=public_id,
                url=data["url"],
                watched=data["watched"],
                domains=data["domains"],
                secret=secret,
            )
        except HubError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, gettext("The webhook is changed."))
            return redirect("webhook_page", public_id=public_id)
    context = {"form": form, "webhook": webhook} | _log(request, webhook)
    return render(request, "accounts/webhook.html", context, status=400 if form.errors else 200)


@login_required
@require_POST
def act(request: HttpRequest, public_id: str) -> HttpResponse:
    """Switch, ping or delete: the button says which."""
    user, deed = acting_user(request), request.POST.get("do", "")
    webhook = _own(user, public_id)
    if deed == "delete":
        services.delete_webhook(user=user, public_id=public_id)
        messages.info(request, gettext("The webhook is deleted."))
        return redirect("webhook_list")
    if deed in {"enable", "disable"}:
        services.switch_webhook(user=user, public_id=public_id, disabled=deed == "disable")
    elif deed == "ping":
        if webhook.disabled:
            messages.error(request, gettext("Switch the webhook on first."))
        else:
            services.ping_webhook(user=user, public_id=public_id)
            messages.info(request, gettext("A ping is on its way; reload to see how it went."))
    return redirect("webhook_page", public_id=public_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delivery(request: HttpRequest, public_id: str, pk: int) -> HttpResponse:
    """One message with its answer; POST sends it again."""
    user = acting_user(request)
    webhook = _own(user, public_id)
    found = webhook.deliveries.filter(pk=pk).first()
    if found is None:
        raise WebhookNotFound
    if request.method == "POST":
        again = services.redeliver(user=user, public_id=public_id, delivery_id=pk)
        messages.info(request, gettext("The message is on its way again; reload to see how it went."))
        return redirect("webhook_delivery", public_id=public_id, pk=again.pk)
    payload = json.dumps(found.payload, indent=2, ensure_ascii=False)
    return render(
        request, "accounts/webhook_delivery.html", {"webhook": webhook, "delivery": found, "payload": payload}
    )


def _own(user: User, public_id: str) -> Webhook:
    found = Webhook.objects.of(user).prefetch_related("watches").filter(public_id=public_id[:24]).first()
    if found is None:
        raise WebhookNotFound
    return found


def _initial(webhook: Webhook) -> dict[str, Any]:
    watches: list[WebhookWatch] = list(webhook.watches.all())
    return {
        "url": webhook.url,
        "domains": webhook.domains,
        "watched": "\n".join(f"{watch.kind} {watch.name}" for watch in watches),
    }


def _log(request: HttpRequest, webhook: Webhook) -> dict[str, Any]:
    state = request.GET.get("state", "")
    state = state if state in STATES else ""
    rows = webhook.deliveries.defer("payload", "response")
    rows = rows.filter(state=state) if state else rows
    page = keyset_page(rows, order=("-id",), limit=PER_PAGE, cursor=request.GET.get("cursor"))
    return {
        "deliveries": page.rows,
        "state": state,
        "states": [
            ("", gettext("All")),
            ("delivered", gettext("Delivered")),
            ("waiting", gettext("Waiting")),
            ("failed", gettext("Failed")),
            ("dropped", gettext("Not sent")),
        ],
        "next_url": facets.with_value(request.GET, "cursor", page.next_cursor) if page.next_cursor else "",
    }
