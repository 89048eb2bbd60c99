"""The page of a namespace: a person or an organisation, what they publish, collect and like, and who follows."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import Follow, Membership, Namespace
from accounts.permissions import role_in
from hub.core.pagination import keyset_page
from hub.pages import facets
from hub.pages.collections import cards_of
from hub.pages.rows import Row, rows_of
from models_registry.models import Collection, Kind, Like, Repository
from models_registry.services.collections import CURATORS
from models_registry.services.repositories import namespace_of

PER_PAGE = 20
PEOPLE_PER_PAGE = 50
KINDS = {"models": Kind.MODEL, "datasets": Kind.DATASET, "apps": Kind.APP}


@require_safe
def namespace(request: HttpRequest, namespace: str) -> HttpResponse:
    """One tab of a holder's page; `kind` in the address says which."""
    holder = namespace_of(namespace)
    if holder.name != namespace:
        return HttpResponsePermanentRedirect(reverse("namespace", args=[holder.name]))
    tabs = _tabs(holder)
    tab = request.GET.get("kind", "models")
    tab = tab if tab in tabs else "models"
    role = role_in(request.user, holder)
    context = {
        "holder": holder,
        "tab": tab,
        "role": role,
        "may_collect": role in CURATORS,
        "memberships": memberships(holder),
        "is_self": request.user.is_authenticated and holder.user_id == request.user.pk,
        "is_following": _follows(request, holder),
        "counts": _counts(request, holder),
    }
    return render(request, "accounts/namespace.html", context | tabs[tab](request, holder))


def _tabs(holder: Namespace) -> dict[str, Callable[[HttpRequest, Namespace], dict[str, Any]]]:
    tabs: dict[str, Callable[[HttpRequest, Namespace], dict[str, Any]]] = dict.fromkeys(KINDS, _repositories)
    tabs |= {"collections": _collections, "followers": _followers}
    return tabs | ({"members": _members} if holder.is_organisation else {"likes": _likes, "following": _following})


def _counts(request: HttpRequest, holder: Namespace) -> dict[str, int]:
    """How much stands under each tab, as far as the viewer may see it."""
    visible = Repository.objects.listed_to(request.user).filter(namespace=holder)
    kinds = dict(visible.order_by().values_list("kind").annotate(Count("pk")))
    counts = {tab: kinds.get(kind, 0) for tab, kind in KINDS.items()}
    counts["collections"] = Collection.objects.visible_to(request.user).filter(namespace=holder).count()
    counts["followers"] = Follow.objects.people_after(holder).count()
    if holder.user is not None:
        counts["likes"] = Like.objects.visible_to(request.user).filter(user=holder.user).count()
        counts["following"] = Follow.objects.of(holder.user).count()
    else:
        counts["members"] = Membership.objects.filter(organisation=holder.organisation).count()
    return counts


def _follows(request: HttpRequest, holder: Namespace) -> bool:
    if not request.user.is_authenticated:
        return False
    return Follow.objects.filter(namespace=holder, follower=request.user).exists()


def _repositories(request: HttpRequest, holder: Namespace) -> dict[str, Any]:
    kind = KINDS.get(request.GET.get("kind", "models"), Kind.MODEL)
    found = Repository.objects.listed_to(request.user).filter(namespace=holder, kind=kind).select_related("namespace")
    if licence := facets.chosen_licence(request.GET):
        found = found.under_licence(licence)
    page = keyset_page(found, order=("-updated_at", "-id"), limit=PER_PAGE, cursor=request.GET.get("cursor"))
    return {"rows": _rows(page.rows), "next_url": _next(request, page.next_cursor)} | _narrowing(request)


def _narrowing(request: HttpRequest) -> dict[str, Any]:
    return facets.licence_filter(request.GET, "kind")


def _likes(request: HttpRequest, holder: Namespace) -> dict[str, Any]:
    found = Like.objects.visible_to(request.user).filter(user=holder.user).select_related("repository__namespace")
    if licence := facets.chosen_licence(request.GET):
        found = found.filter(repository__in=Repository.objects.under_licence(licence).order_by().values("pk"))
    page = keyset_page(found, order=("-id",), limit=PER_PAGE, cursor=request.GET.get("cursor"))
    rows = _rows([row.repository for row in page.rows])
    return {"rows": rows, "next_url": _next(request, page.next_cursor)} | _narrowing(request)


def _collections(request: HttpRequest, holder: Namespace) -> dict[str, Any]:
    found = Collection.objects.visible_to(request.user).filter(namespace=holder).select_related("namespace")
    page = keyset_page(found, order=("position", "id"), limit=PER_PAGE, cursor=request.GET.get("cursor"))
    return {"collections": cards_of(request, page.rows), "next_url": _next(request, page.next_cursor)}


def _followers(request: HttpRequest, holder: Namespace) -> dict[str, Any]:
    found = Follow.objects.people_after(holder)
    page = keyset_page(found, order=("-id",), limit=PEOPLE_PER_PAGE, cursor=request.GET.get("cursor"))
    people = [{"name": row.follower.username, "full_name": row.follower.full_name} for row in page.rows]
    return {"people": people, "next_url": _next(request, page.next_cursor)}


def _following(request: HttpRequest, holder: Namespace) -> dict[str, Any]:
    assert holder.user is not None
    found = Follow.objects.of(holder.user)
    page = keyset_page(found, order=("-id",), limit=PEOPLE_PER_PAGE, cursor=request.GET.get("cursor"))
    people = [
        {
            "name": row.namespace.name,
            "full_name": "" if row.namespace.full_name == row.namespace.name else row.namespace.full_name,
        }
        for row in page.rows
    ]
    return {"people": people, "next_url": _next(request, page.next_cursor)}


def _members(request: HttpRequest, holder: Namespace) -> dict[str, Any]:
    found = Membership.objects.filter(organisation=holder.organisation).select_related("user")
    page = keyset_page(found, order=("id",), limit=PEOPLE_PER_PAGE, cursor=request.GET.get("cursor"))
    people = [{"name": row.user.username, "full_name": row.user.full_name, "role": row.role} for row in page.rows]
    return {"people": people, "next_url": _next(request, page.next_cursor)}


def _rows(repositories: Sequence[Repository]) -> list[Row]:
    """Models with what was measured of them; others as they are."""
    measured = {row.repository.pk: row for row in rows_of([row for row in repositories if row.kind == Kind.MODEL])}
    return [measured.get(row.pk) or Row(row, None, None, None, "") for row in repositories]


def _next(request: HttpRequest, cursor: str | None) -> str:
    return facets.with_value(request.GET, "cursor", cursor) if cursor else ""


def memberships(holder: Namespace) -> list[Membership]:
    """An organisation's people, or a person's organisations; at most fifty."""
    if holder.is_organisation:
        found = Membership.objects.filter(organisation=holder.organisation).select_related("user")
    else:
        found = Membership.objects.filter(user=holder.user).select_related("organisation")
    return list(found[:50])
