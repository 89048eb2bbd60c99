"""What one accepted, and when: a list of receipts, each with the very text."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.authentication import acting_user
from hub.core.pagination import keyset_page
from hub.pages import facets
from hub.pages.access import rendered
from models_registry import gates
from models_registry.exceptions import AccessRequestNotFound
from models_registry.models import Acceptance, Repository
from models_registry.services.licensing.receipts import receipt_of

PER_PAGE = 30


@login_required
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """One's own, and those of one's organisations, newest first."""
    rows = Acceptance.objects.of(acting_user(request)).select_related("user")
    page = keyset_page(rows, order=("-id",), limit=PER_PAGE, cursor=request.GET.get("cursor"))
    context = {
        "acceptances": page.rows,
        "next_url": facets.with_value(request.GET, "cursor", page.next_cursor) if page.next_cursor else "",
    }
    return render(request, "accounts/acceptances.html", context)


@login_required
@require_safe
def receipt(request: HttpRequest, public_id: str) -> HttpResponse:
    """One acceptance: who, when, to what exactly."""
    found = _find(request, public_id)
    visible = Repository.objects.visible_to(request.user).filter(acceptances=found).select_related("namespace").first()
    form = gates.form_of_content(found.content)
    context = {
        "acceptance": found,
        "form": form,
        "prompt_html": rendered(form.prompt, visible),
        "licence_text": bytes(found.text.body).decode("utf-8", "replace") if found.text else "",
        "repository": visible,
        "is_own": found.user_id == request.user.pk,
    }
    return render(request, "accounts/acceptance.html", context)


@login_required
@require_safe
def as_json(request: HttpRequest, public_id: str) -> HttpResponse:
    """The same as a file to keep."""
    found = _find(request, public_id)
    plain = receipt_of(found)
    if found.user_id != request.user.pk:
        plain["answers"] = {}  # An admin gave them about herself.
    response = JsonResponse(plain, json_dumps_params={"ensure_ascii": False, "indent": 2})
    return _kept(response, f"acceptance-{found.public_id}.json")


@login_required
@require_safe
def text(request: HttpRequest, public_id: str) -> HttpResponse:
    """The licence's text that was accepted, byte for byte."""
    found = _find(request, public_id)
    if found.text is None:
        raise Http404
    response = HttpResponse(bytes(found.text.body), content_type="text/plain; charset=utf-8")
    return _kept(response, f"licence-{found.text.sha256[:12]}.txt")


def _find(request: HttpRequest, public_id: str) -> Acceptance:
    rows = Acceptance.objects.of(acting_user(request)).select_related("user", "text")
    found: Acceptance | None = rows.filter(public_id=public_id[:24]).first()
    if found is None:
        raise AccessRequestNotFound
    return found


def _kept(response: HttpResponse, name: str) -> HttpResponse:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
