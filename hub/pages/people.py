"""The page of a namespace: a person or an organisation, and what they publish."""

from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import Membership, Namespace
from accounts.permissions import role_in
from hub.core.pagination import keyset_page
from hub.pages import facets
from hub.pages.rows import Row, rows_of
from models_registry.models import Kind, Repository
from models_registry.services.repositories import namespace_of

PER_PAGE = 20


@require_safe
def namespace(request: HttpRequest, namespace: str) -> HttpResponse:
    """Models or data sets of one holder, and who belongs to an organisation."""
    holder = namespace_of(namespace)
    if holder.name != namespace:
        return HttpResponsePermanentRedirect(reverse("namespace", args=[holder.name]))
    kind = Kind.DATASET if request.GET.get("kind") == "datasets" else Kind.MODEL
    visible = Repository.objects.visible_to(request.user).filter(namespace=holder)
    found = visible.filter(kind=kind).select_related("namespace")
    page = keyset_page(found, order=("-updated_at", "-id"), limit=PER_PAGE, cursor=request.GET.get("cursor"))
    counts = dict(visible.order_by().values_list("kind").annotate(Count("pk")))
    context = {
        "holder": holder,
        "kind": kind.value,
        "rows": rows_of(page.rows) if kind == Kind.MODEL else [Row(row, None, None, None, "") for row in page.rows],
        "next_url": facets.with_value(request.GET, "cursor", page.next_cursor) if page.next_cursor else "",
        "models": counts.get(Kind.MODEL, 0),
        "datasets": counts.get(Kind.DATASET, 0),
        "role": role_in(request.user, holder),
        "memberships": memberships(holder),
        "is_self": request.user.is_authenticated and holder.user_id == request.user.pk,
    }
    return render(request, "accounts/namespace.html", context)


def memberships(holder: Namespace) -> list[Membership]:
    """An organisation's people, or a person's organisations; at most fifty."""
    if holder.is_organisation:
        found = Membership.objects.filter(organisation=holder.organisation).select_related("user")
    else:
        found = Membership.objects.filter(user=holder.user).select_related("organisation")
    return list(found[:50])
