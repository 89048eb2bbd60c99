"""Gated repositories for their owners: who asked, and what is asked."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import acting_user
from hub.core.exceptions import HubError
from hub.core.pagination import keyset_page
from hub.pages import facets
from hub.pages.access import rendered
from hub.pages.repository import Opened, find_repository, open_repository
from models_registry import addresses, gates
from models_registry.exceptions import AccessRequestNotFound, InvalidGate
from models_registry.inherited import demands_acceptance
from models_registry.models import AccessForm, AccessState, Gate, Gated, Renewal, Repository
from models_registry.permissions import Action, require
from models_registry.services import access as services
from models_registry.services.heads import licence_file
from models_registry.services.licensing import receipts
from models_registry.services.licensing.needs import licences_to_accept
from models_registry.services.licensing.terms import form_now

PER_PAGE = 30
VERSIONS_SHOWN = 30
STATES = (AccessState.PENDING, AccessState.ACCEPTED, AccessState.REJECTED)


@login_required
@require_safe
def review(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Who asked: waiting, accepted or rejected."""
    opened = open_repository(request, kind, namespace, name)
    require(acting_user(request), Action.WRITE, opened.repository)
    return render(request, "models_registry/access_review.html", _review(request, opened))


def _review(request: HttpRequest, opened: Opened) -> dict[str, Any]:
    repository = opened.repository
    wanted, query = request.GET.get("state", ""), request.GET.get("q", "").replace("\x00", "").strip()[:100]
    state = AccessState(wanted) if wanted in STATES else AccessState.PENDING
    counts = dict(repository.access_requests.order_by().values_list("state").annotate(Count("pk")))
    rows = repository.access_requests.filter(state=state).search(query)
    rows = rows.select_related("user", "decided_by", "form", "organisation").prefetch_related("steps__actor")
    page = keyset_page(rows, order=("-id",), limit=PER_PAGE, cursor=request.GET.get("cursor"))
    return opened.context("settings") | {
        "page": "access",
        "state": state.value,
        "states": [
            (AccessState.PENDING.value, gettext("Waiting"), counts.get("pending", 0)),
            (AccessState.ACCEPTED.value, gettext("Accepted"), counts.get("accepted", 0)),
            (AccessState.REJECTED.value, gettext("Rejected"), counts.get("rejected", 0)),
        ],
        "query": query,
        "requests": page.rows,
        "next_url": facets.with_value(request.GET, "cursor", page.next_cursor) if page.next_cursor else "",
        "any": bool(counts),
        "may_administer": opened.may_administer,
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def gate(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Who may have the files, what people read and answer before they ask, and what becomes of them as it changes."""
    opened = open_repository(request, kind, namespace, name)
    user, repository = acting_user(request), opened.repository
    require(user, Action.ADMINISTER, repository)
    row = Gate.objects.filter(repository=repository).select_related("form").first() or Gate(repository=repository)
    if request.method != "POST":
        return render(request, "models_registry/access_gate.html", _gate(opened, row))
    try:
        _read_gate(request, row)
        if "preview" in request.POST:
            context = _gate(opened, row) | {"preview": _preview(repository, row), "chosen": _chosen(request)}
            return render(request, "models_registry/access_gate.html", context)
        _set(request, repository, row)
    except InvalidGate as error:
        context = _gate(opened, row) | {"problem": str(error), "field_lines": request.POST.get("fields", "")}
        context["chosen"] = _chosen(request)
        return render(request, "models_registry/access_gate.html", context, status=400)
    messages.success(request, gettext("The gate is set."))
    return redirect(f"{_review_page(repository)}/gate")


def _read_gate(request: HttpRequest, row: Gate) -> None:
    """What was sent, on a row that is not saved; what was not sent stays as it is."""
    row.prompt = request.POST.get("prompt", "")[: gates.MAX_PROMPT]
    if "renewal" in request.POST:
        renewal, days = request.POST["renewal"], request.POST.get("renew_days", "") or "14"
        row.renewal = Renewal(renewal) if renewal in Renewal.values else Renewal.KEEP
        row.with_children = "with_children" in request.POST
        if not (days.isascii() and days.isdigit() and len(days) < 6):
            raise InvalidGate(reason=gettext("Give people a whole number of days."))
        row.renew_days = int(days)
    row.fields = services.read_fields(request.POST.get("fields", ""))


def _chosen(request: HttpRequest) -> Gated:
    wanted = request.POST.get("gated", "")
    return Gated(wanted) if wanted in Gated.values else Gated.OFF


def _set(request: HttpRequest, repository: Repository, row: Gate) -> None:
    rules = services.GateRules(Renewal(row.renewal), row.renew_days, row.with_children)
    services.set_gate(
        repository=repository,
        user=acting_user(request),
        gated=_chosen(request),
        prompt=row.prompt,
        fields=request.POST.get("fields", ""),
        rules=rules if "renewal" in request.POST else None,
        is_minor="is_minor" in request.POST,
    )


def _preview(repository: Repository, row: Gate) -> dict[str, Any]:
    """How the form looks that was typed, before it holds."""
    file = licence_file(repository)
    form = form_now(repository, file, row)
    return {
        "form": form,
        "fields": [(field, "") for field in form.fields],
        "prompt_html": rendered(form.prompt, repository),
        "licence_text": file.body.decode("utf-8", "replace"),
        "sha256": form.sha256(),
    }


def _gate(opened: Opened, row: Gate) -> dict[str, Any]:
    repository = opened.repository
    versions = AccessForm.objects.filter(repository=repository).annotate(people=Count("requests"))
    return opened.context("settings") | {
        "page": "access",
        "gate": row,
        "chosen": repository.gated,
        "field_lines": gates.field_lines(row.fields),
        "card_fields": [key for key in repository.card if key.startswith("extra_gated_")],
        "licence_path": licence_file(repository).path,
        "passes_on": demands_acceptance(repository.licence),
        "versions": list(versions.order_by("-version")[:VERSIONS_SHOWN]),
        "waiting": repository.access_requests.filter(renew_by__isnull=False).count(),
        "may_administer": True,
        "problem": "",
        "preview": None,
    }


@login_required
@require_POST
def minor(request: HttpRequest, kind: str, namespace: str, name: str, version: int) -> HttpResponse:
    """Whether a version of the terms means the same as the one before."""
    repository = find_repository(request, kind, namespace, name)
    is_minor = request.POST.get("is_minor") == "1"
    try:
        services.mark_minor(repository=repository, user=acting_user(request), version=version, is_minor=is_minor)
    except InvalidGate as error:
        messages.error(request, str(error))
    return redirect(f"{_review_page(repository)}/gate#versions")


@login_required
@require_POST
def carry(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Ask people to accept a licence that demands it: a gate that opens to who accepts."""
    repository = find_repository(request, kind, namespace, name)
    user = acting_user(request)
    require(user, Action.ADMINISTER, repository)
    found = licences_to_accept(repository)
    if found:
        words = gettext("You accept the terms of [{name}]({source}).")
        lines = [words.format(name=row.name, source=row.source) for row in found]
        prompt = None if licence_file(repository).path else "\n\n".join(lines)
        rules = services.GateRules(with_children=True)
        services.set_gate(repository=repository, user=user, gated=Gated.AUTO, prompt=prompt, rules=rules)
        messages.success(request, gettext("People accept the licence now before they get the files."))
    return redirect(f"{_review_page(repository)}/gate")


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
def decide_many(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """The same for all that were ticked."""
    repository, actor = find_repository(request, kind, namespace, name), acting_user(request)
    require(actor, Action.WRITE, repository)
    wanted, before = request.POST.get("status", ""), request.POST.get("state", "")
    if wanted not in STATES:
        raise AccessRequestNotFound
    ids = request.POST.getlist("request")
    try:
        done = services.decide_many(
            repository=repository,
            actor=actor,
            public_ids=ids,
            state=AccessState(wanted),
            reason=request.POST.get("reason", ""),
        )
    except HubError as error:
        messages.error(request, str(error))
    else:
        said = ngettext("{n} request decided.", "{n} requests decided.", done).format(n=done)
        messages.success(request, said if ids else gettext("Tick the requests first."))
    return redirect(f"{_review_page(repository)}?state={before if before in STATES else AccessState.PENDING.value}")


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
    """All requests with their answers: a table for spreadsheets, or JSON for programs."""
    repository, actor = find_repository(request, kind, namespace, name), acting_user(request)
    is_json = request.GET.get("format") == "json"
    lines = (receipts.requests_as_json if is_json else receipts.requests_as_csv)(repository=repository, actor=actor)
    response = StreamingHttpResponse(lines, content_type="application/json" if is_json else "text/csv; charset=utf-8")
    ending = "json" if is_json else "csv"
    response["Content-Disposition"] = f'attachment; filename="access-{repository.name}.{ending}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _review_page(repository: Repository) -> str:
    return f"{addresses.page(repository)}/settings/access"
