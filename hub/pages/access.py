"""Gated repositories for who asks: reading the terms, accepting them, and what one asked for oneself."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import acting_user
from accounts.models import Organisation, Role, User
from hub.core import markdown
from hub.core.exceptions import OverLimit
from hub.core.pagination import keyset_page
from hub.pages import facets
from hub.pages.repository import Opened, open_repository
from models_registry import addresses, gates
from models_registry.exceptions import AlreadyAsked, AlreadyHasAccess, AnswersIncomplete, FormChanged
from models_registry.inherited import demands_acceptance
from models_registry.models import Acceptance, AccessRequest, AccessState, Gate, Repository
from models_registry.services import access as services
from models_registry.services.heads import licence_file
from models_registry.services.licensing.needs import Need, needs_of

PER_PAGE = 30
FOR, BACK = "gate-organisation", "gate-back"  # What our own form sends beside the answers.


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """What the owner wants to know and wants agreed to; and where the request stands."""
    user = acting_user(request)
    opened = open_repository(request, kind, namespace, name)
    repository = opened.repository
    needs = needs_of(repository, user, sources=opened.sources)
    own = next((need for need in needs if need.is_own), None)
    organisations = list(_administered(user)[:50]) if own else []
    for_others = bool(organisations) and (FOR in request.GET or FOR in request.POST)
    if opened.may_download and not (own and own.is_renewal) and not for_others:
        messages.info(request, gettext("The files of this repository are open to you."))
        return redirect(_back(request) or addresses.page(repository))
    problem, status = "", 200
    if request.method == "POST":
        try:
            made = _accept(request, repository, user, organisations)
        except (AnswersIncomplete, FormChanged) as error:
            problem, status = str(error), 409 if isinstance(error, FormChanged) else 400
        else:
            return _asked(request, made)
    form = services.form_of(repository)
    context = (
        opened.context("card")
        | _form(request, repository, form)
        | {
            "own": own,
            "sources": [need for need in needs if not need.is_own],
            "asked": None if for_others else _standing(own),
            "organisations": organisations,
            "for_others": for_others,
            "chosen": request.POST.get(FOR, ""),
            "back": _back(request),
            "is_ask_page": True,
            "problem": problem,
        }
    )
    return render(request, "models_registry/ask_access.html", context, status=status)


def _form(request: HttpRequest, repository: Repository, form: gates.Form) -> dict[str, Any]:
    """The terms as a page shows them."""
    return {
        "form": form,
        "fields": [(field, request.POST.get(field.name, "")) for field in form.fields],
        "prompt_html": rendered(form.prompt, repository),
        "licence_text": licence_file(repository).body.decode("utf-8", "replace") if form.licence_sha256 else "",
        "sha256": form.sha256(),
    }


def terms_of(opened: Opened) -> dict[str, Any]:
    """For the page of a licence: what people agree to before they get the files, and how it stands with the viewer."""
    repository, viewer = opened.repository, opened.viewer
    if not repository.is_gated:
        return {"needs": [], "demands": demands_acceptance(repository.licence)}
    gate = Gate.objects.filter(repository=repository).select_related("form").first() if repository.has_gate else None
    keys = [repository.pk, *(source.pk for source in opened.sources)]
    receipts = Acceptance.objects.of(viewer).filter(repository__in=keys, withdrawn_at=None)
    return {
        "needs": needs_of(repository, viewer, sources=opened.sources),
        "gate": gate,
        "demands": demands_acceptance(repository.licence),
        "receipts": list(receipts[:5]),
        "speaks_for": viewer.is_authenticated and repository.has_gate and _administered(viewer).exists(),
    }


def _standing(own: Need | None) -> AccessRequest | None:
    """Her request, if all that she can do is wait or read why not."""
    if own is None or own.asked is None or own.asked.state == AccessState.ACCEPTED:
        return None
    return own.asked


def _accept(
    request: HttpRequest, repository: Repository, user: User, organisations: list[Organisation]
) -> AccessRequest:
    """Send the form. Sending it twice is doing it once."""
    given = {key: value for key, value in request.POST.items() if key not in gates.RESERVED}
    chosen = request.POST.get(FOR, "")
    organisation = next((each for each in organisations if each.name == chosen), None) if chosen else None
    seen = request.POST.get("form", "")
    try:
        return services.ask_access(
            repository=repository, user=user, answers=given, seen_sha256=seen, organisation=organisation
        )
    except (AlreadyAsked, AlreadyHasAccess):
        found = services.found_request(repository, user, organisation)
        if found is None or not seen or found.form is None or found.form.sha256 != seen:
            raise
        return found


def _asked(request: HttpRequest, made: AccessRequest) -> HttpResponse:
    back = _back(request)
    page = addresses.page(made.repository)
    if made.state == AccessState.ACCEPTED:
        messages.success(request, gettext("You accepted. What you accepted, and when, is kept among your settings."))
        return redirect(back or page)
    messages.info(request, gettext("You asked. The owner decides; this page shows how it stands."))
    return redirect(back or f"{page}/ask-access")


def _back(request: HttpRequest) -> str:
    """Where the person came from, on this hub: the page of what was made from this."""
    back = request.POST.get(BACK) or request.GET.get(BACK) or ""
    is_safe = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return back if is_safe else ""


def _administered(user: User) -> QuerySet[Organisation]:
    mine = user.memberships.filter(role=Role.ADMIN).values("organisation_id")
    return Organisation.objects.filter(pk__in=mine).select_related("namespace").order_by("name")


def rendered(text: str, repository: Repository | None) -> str:
    """Words of the owner as HTML, cleaned as cards are; as they were typed where they cannot be rendered.

    Args:
        repository: where what the words name without an address lies; None where it is gone or hidden.
    """
    places = markdown.Places(page="", raw="")
    if repository is not None:
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
def mine(request: HttpRequest) -> HttpResponse:
    """What one asked for, and where others wait for oneself to decide."""
    user = acting_user(request)
    rows = AccessRequest.objects.spoken_for(user).select_related("repository__namespace", "organisation")
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
