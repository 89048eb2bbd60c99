"""Gated repositories for people: asking, the owner's queue, and what one asked for oneself."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import acting_user
from accounts.models import User
from hub.core import markdown
from hub.core.exceptions import HubError, OverLimit
from hub.core.pagination import keyset_page
from hub.pages import facets
from hub.pages.repository import Opened, find_repository, open_repository
from models_registry import addresses, gates
from models_registry.exceptions import AccessRequestNotFound, AnswersIncomplete, FormChanged, InvalidGate
from models_registry.models import AccessRequest, AccessState, Gate, Gated, Repository
from models_registry.permissions import Action, require
from models_registry.services import access as services
from models_registry.services.licensing import receipts

PER_PAGE = 30
STATES = (AccessState.PENDING, AccessState.ACCEPTED, AccessState.REJECTED)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """What the owner wants to know and wants agreed to; and where the request stands."""
    user = acting_user(request)
    opened = open_repository(request, kind, namespace, name)
    repository = opened.repository
    if opened.may_download:
        messages.info(request, gettext("The files of this repository are open to you."))
        return redirect(addresses.page(repository))
    form = services.form_of(repository)
    asked = opened.asked if opened.asked and opened.asked.state != AccessState.WITHDRAWN else None
    problem, status = "", 200
    if request.method == "POST":
        given = {key: value for key, value in request.POST.items() if key not in gates.RESERVED}
        try:
            made = services.ask_access(
                repository=repository, user=user, answers=given, seen_sha256=request.POST.get("form", "")
            )
        except (AnswersIncomplete, FormChanged) as error:
            problem, status = str(error), 409 if isinstance(error, FormChanged) else 400
        else:
            return _asked(request, made)
    context = opened.context("card") | {
        "form": form,
        "fields": [(field, request.POST.get(field.name, "")) for field in form.fields],
        "prompt_html": _rendered(form.prompt, repository),
        "sha256": form.sha256(),
        "asked": asked,
        "is_ask_page": True,
        "problem": problem,
    }
    return render(request, "models_registry/ask_access.html", context, status=status)


def _asked(request: HttpRequest, made: AccessRequest) -> HttpResponse:
    if made.state == AccessState.ACCEPTED:
        messages.success(request, gettext("The files are open to you now."))
        return redirect(addresses.page(made.repository))
    messages.info(request, gettext("You asked. The owner decides; this page shows how it stands."))
    return redirect(f"{addresses.page(made.repository)}/ask-access")


def _rendered(text: str, repository: Repository) -> str:
    """Words of the owner as HTML, cleaned as cards are; as they were typed where they cannot be rendered."""
    places = markdown.Places(
        folder="",
        page=addresses.at(repository, "blob", repository.default_branch) + "/",
        raw=addresses.at(repository, "resolve", repository.default_branch) + "/",
    )
    try:
        return markdown.render(text, places) if text else ""
    except OverLimit:
        return ""


@login_required
@require_safe
def review(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """The gate's settings and who asked: waiting, accepted or rejected."""
    opened = open_repository(request, kind, namespace, name)
    require(acting_user(request), Action.WRITE, opened.repository)
    return render(request, "models_registry/access_review.html", _review(request, opened))


def _review(request: HttpRequest, opened: Opened) -> dict[str, Any]:
    repository = opened.repository
    wanted = request.GET.get("state", "")
    state = AccessState(wanted) if wanted in STATES else AccessState.PENDING
    counts = dict(repository.access_requests.order_by().values_list("state").annotate(Count("pk")))
    rows = repository.access_requests.filter(state=state).select_related("user", "decided_by", "form")
    page = keyset_page(
        rows.prefetch_related("steps__actor"), order=("-id",), limit=PER_PAGE, cursor=request.GET.get("cursor")
    )
    gate = Gate.objects.filter(repository=repository).first()
    return opened.context("settings") | {
        "page": "access",
        "state": state.value,
        "states": [
            (AccessState.PENDING.value, gettext("Waiting"), counts.get("pending", 0)),
            (AccessState.ACCEPTED.value, gettext("Accepted"), counts.get("accepted", 0)),
            (AccessState.REJECTED.value, gettext("Rejected"), counts.get("rejected", 0)),
        ],
        "requests": page.rows,
        "next_url": facets.with_value(request.GET, "cursor", page.next_cursor) if page.next_cursor else "",
        "any": bool(counts),
        "may_administer": opened.may_administer,
        "prompt": gate.prompt if gate else "",
        "field_lines": gates.field_lines(gate.fields if gate else []),
        "card_fields": [key for key in repository.card if key.startswith("extra_gated_")],
        "problem": "",
    }


@login_required
@require_POST
def settle(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Who may have the files, and what people read and answer before they ask."""
    opened = open_repository(request, kind, namespace, name)
    user, repository = acting_user(request), opened.repository
    wanted = request.POST.get("gated", "")
    try:
        services.set_gate(
            repository=repository,
            user=user,
            gated=Gated(wanted) if wanted in Gated.values else Gated.OFF,
            prompt=request.POST.get("prompt", ""),
            fields=request.POST.get("fields", ""),
        )
    except InvalidGate as error:
        context = _review(request, open_repository(request, kind, namespace, name))
        context |= {"problem": str(error), "prompt": request.POST.get("prompt", "")}
        context["field_lines"] = request.POST.get("fields", "")
        return render(request, "models_registry/access_review.html", context, status=400)
    messages.success(request, gettext("The gate is set."))
    return redirect(_review_page(repository))


@login_required
@require_POST
def decide(request: HttpRequest, kind: str, namespace: str, name: str, public_id: str) -> HttpResponse:
    """Accept, reject or take back."""
    repository, actor = find_repository(request, kind, namespace, name), acting_user(request)
    require(actor, Action.WRITE, repository)
    wanted = request.POST.get("status", "")
    found = services.find_request(repository, public_id=public_id)
    if wanted not in STATES:
        raise AccessRequestNotFound
    reason = request.POST.get("reason", "")
    try:
        services.decide_access(
            repository=repository, actor=actor, request=found, state=AccessState(wanted), reason=reason
        )
    except HubError as error:
        messages.error(request, str(error))
    return redirect(f"{_review_page(repository)}?state={found.state}")


@login_required
@require_POST
def grant(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Give access to somebody by name."""
    repository, actor = find_repository(request, kind, namespace, name), acting_user(request)
    require(actor, Action.WRITE, repository)
    try:
        services.grant_access(repository=repository, actor=actor, username=request.POST.get("user", "").strip())
    except HubError as error:
        messages.error(request, str(error))
        return redirect(_review_page(repository))
    return redirect(f"{_review_page(repository)}?state=accepted")


@login_required
@require_safe
def export(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponseBase:
    """All requests with their answers as a table for spreadsheets."""
    repository = find_repository(request, kind, namespace, name)
    lines = receipts.requests_as_csv(repository=repository, actor=acting_user(request))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="access-{repository.name}.csv"'
    response["Cache-Control"] = "private, no-store"
    return response


@login_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """What one asked for, and where others wait for oneself to decide."""
    user = acting_user(request)
    rows = AccessRequest.objects.of(user).select_related("repository__namespace")
    page = keyset_page(rows, order=("-id",), limit=PER_PAGE, cursor=request.GET.get("cursor"))
    context = {
        "requests": page.rows,
        "next_url": facets.with_value(request.GET, "cursor", page.next_cursor) if page.next_cursor else "",
        "to_review": to_review(user),
    }
    return render(request, "accounts/access.html", context)


@login_required
@require_POST
def withdraw(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take a request back, or give access up."""
    services.withdraw_access(user=acting_user(request), public_id=public_id)
    return redirect("settings_access")


def to_review(user: User) -> list[tuple[Repository, int]]:
    """Repositories that this person decides about and where somebody waits, at most fifty, with how many wait."""
    waiting = AccessRequest.objects.waiting_for(user).values_list("repository").annotate(n=Count("pk")).order_by("-n")
    counts = dict(waiting[:50])
    rows = Repository.objects.filter(pk__in=counts).select_related("namespace")
    return sorted(((row, counts[row.pk]) for row in rows), key=lambda pair: (-pair[1], pair[0].key))


def _review_page(repository: Repository) -> str:
    return f"{addresses.page(repository)}/settings/access"
