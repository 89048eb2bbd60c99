"""Liking and following from a page. Each works as a form; htmx only spares the page's reload."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from accounts import services as accounts_services
from accounts.authentication import acting_user
from hub.core.htmx import wants_fragment
from hub.core.pagination import keyset_page
from hub.pages import facets
from hub.pages.repository import find_repository, open_repository
from models_registry import addresses
from models_registry.models import Like
from models_registry.services.likes import like_repository, unlike_repository
from models_registry.services.repositories import namespace_of

PER_PAGE = 50


@login_required
@require_POST
def like(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Like it, or take that back: the button says which."""
    repository = find_repository(request, kind, namespace, name)
    wanted = request.POST.get("do") != "unlike"
    change = like_repository if wanted else unlike_repository
    change(repository=repository, user=acting_user(request))
    if not wants_fragment(request):
        return redirect(addresses.page(repository))
    repository.refresh_from_db(fields=["likes"])
    return render(request, "models_registry/partials/_like.html", {"repository": repository, "liked": wanted})


@require_safe
def likers(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Who likes it, newest first."""
    opened = open_repository(request, kind, namespace, name)
    rows = Like.objects.filter(repository=opened.repository, user__is_active=True).select_related("user")
    page = keyset_page(rows, order=("-id",), limit=PER_PAGE, cursor=request.GET.get("cursor"))
    context = opened.context("likers") | {
        "people": [{"name": row.user.username, "full_name": row.user.full_name} for row in page.rows],
        "next_url": facets.with_value(request.GET, "cursor", page.next_cursor) if page.next_cursor else "",
    }
    return render(request, "models_registry/likers.html", context)


@login_required
@require_POST
def follow(request: HttpRequest, name: str) -> HttpResponse:
    """Follow a person or an organisation, or stop."""
    namespace = namespace_of(name)
    change = accounts_services.unfollow if request.POST.get("do") == "unfollow" else accounts_services.follow
    change(user=acting_user(request), namespace=namespace)
    back = request.POST.get("next", "")
    if back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return redirect(back)
    return redirect("namespace", namespace=namespace.name)
