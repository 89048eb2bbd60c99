"""The badge of a licence, and the list of licences that an organisation lets in."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authentication import acting_user
from accounts.models import Namespace
from accounts.organisation_pages import own_organisation
from evaluation.badges import draw
from hub.pages.repository import find_repository
from models_registry import addresses
from models_registry.exceptions import InvalidAllowance
from models_registry.licences import CLASSES, COPYLEFT, NON_COMMERCIAL, PERMISSIVE, RESTRICTED, UNKNOWN, label
from models_registry.models import LicenceAllowance, Repository
from models_registry.services.licensing.allowed import allowance_of, outside, set_allowance
from models_registry.services.licensing.reports import report_of
from models_registry.services.revisions import find_commit

FRESH_S = 300
CHANGES_SHOWN = 20
PLURAL = {"model": "models", "dataset": "datasets", "app": "apps"}
# Dark enough for white text at 4.5 to 1. None is blue: nothing here is measured.
_COLORS = {
    PERMISSIVE: "#1f6f43",
    COPYLEFT: "#6b5310",
    NON_COMMERCIAL: "#a32f1c",
    RESTRICTED: "#8a3d12",
    UNKNOWN: "#5a5f66",
}
LABEL = "licence"


@require_safe
def badge_svg(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """A small picture of the licence for pages elsewhere. In English, whoever looks."""
    repository = find_repository(request, kind, namespace, name)
    picture = draw(LABEL, _message(repository), _COLORS[repository.licence_class])
    return _kept(HttpResponse(picture, content_type="image/svg+xml"), repository)


@require_safe
def badge_json(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """The same as data, in the fields that badge servers read, then ours."""
    repository = find_repository(request, kind, namespace, name)
    answer: dict[str, Any] = {
        "schemaVersion": 1,
        "label": LABEL,
        "message": _message(repository),
        "color": _COLORS[repository.licence_class],
        "repository": repository.full_name,
        "commit": repository.head,
        "licence": repository.licence,
        "licence_class": repository.licence_class,
        "url": addresses.absolute(f"{addresses.page(repository)}/licence"),
    }
    return _kept(JsonResponse(answer), repository)


def _message(repository: Repository) -> str:
    return label(repository.licence)[:60] if repository.licence else "none"


def _kept(response: HttpResponse, repository: Repository) -> HttpResponse:
    response["Cache-Control"] = "private, no-store" if repository.is_private else f"public, max-age={FRESH_S}"
    return response


def outputs_of(request: HttpRequest, repository: Repository) -> dict[str, Any]:
    """For the licence page: what follows for whoever uses it, the files that say so, and how its licence changed."""
    page = addresses.absolute(addresses.page(repository))
    return {
        "report": report_of(repository, find_commit(repository, None), request.user) if repository.head else None,
        "licence_changes": repository.licence_changes.all()[:CHANGES_SHOWN],
        "api": f"/api/v1/{PLURAL[repository.kind]}/{repository.full_name}",
        "badge_code": f"[![{repository.full_name}]({page}/licence.svg)]({page}/licence)",
    }


def allowance_context(namespace: Namespace, row: LicenceAllowance | None = None, fault: str = "") -> dict[str, Any]:
    """For the form of the list: what is kept, or what was given and refused."""
    row = row or allowance_of(namespace)
    return {
        "row": row,
        "fault": fault,
        "classes": [(kind, name, kind in row.allowed) for kind, name in CLASSES.items()],
        "ids": "\n".join(entry for entry in row.allowed if entry not in CLASSES),
        "outside": [] if fault else outside(namespace, row.allowed),
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def allowed(request: HttpRequest, name: str) -> HttpResponse:
    """The list of licences that an organisation lets in: ticked classes, and ids a line or comma apart."""
    user = acting_user(request)
    organisation = own_organisation(user, name)
    row, fault = None, ""
    if request.method == "POST":
        ids = request.POST.get("ids", "")[:20_000].replace(",", " ").replace("\x00", " ").split()
        row = LicenceAllowance(
            namespace=organisation.namespace,
            allowed=[*request.POST.getlist("class")[:10], *ids],
            for_uploads=request.POST.get("for_uploads") == "on",
            for_pulls=request.POST.get("for_pulls") == "on",
        )
        try:
            set_allowance(
                namespace=organisation.namespace,
                user=user,
                allowed=row.allowed,
                for_uploads=row.for_uploads,
                for_pulls=row.for_pulls,
            )
            messages.success(request, gettext("The list is saved."))
            return redirect("organisation_licences", name=organisation.name)
        except InvalidAllowance as error:
            fault = str(error)
    context = {"organisation": organisation, "part": "licences"}
    context |= allowance_context(organisation.namespace, row, fault)
    return render(request, "accounts/organisation_licences_allowed.html", context, status=400 if fault else 200)
