"""Pages of collections: the list, one of them, and its forms. Every change works without a script."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import acting_user
from accounts.models import Namespace, User
from hub.core.forms import PlainForm
from hub.core.htmx import render_page_or_fragment
from hub.core.pagination import keyset_page
from hub.pages import facets
from hub.pages.rows import Row, rows_of
from models_registry.exceptions import (
    CollectionExists,
    CollectionFull,
    CollectionItemExists,
    CollectionNotFound,
    RepositoryNotFound,
)
from models_registry.models import THEMES, Collection, CollectionItem, CollectionUpvote, Kind, Repository
from models_registry.services import collections as services

PER_PAGE = 24
PREVIEW = 4
SUGGESTED = 8
MARKS = {
    "orange": _("orange"),
    "blue": _("blue"),
    "green": _("green"),
    "purple": _("purple"),
    "pink": _("pink"),
    "indigo": _("indigo"),
}
ORDERS = {"updated": ("-updated_at", "-id"), "upvotes": ("-upvotes", "-id")}


@dataclass(frozen=True)
class Card:
    """A collection in a list, with its first items."""

    collection: Collection
    items: list[CollectionItem]
    number: int


@dataclass(frozen=True)
class Line:
    """One item on a collection's page: a repository as a row of a list, or another collection."""

    item: CollectionItem
    row: Row | None
    place: int


class CollectionForm(PlainForm):
    """What is said of a collection."""

    title = forms.CharField(label=_("Title"), max_length=services.MAX_TITLE)
    description = forms.CharField(
        label=_("What it is for"),
        max_length=services.MAX_TEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    theme = forms.ChoiceField(label=_("Mark"), choices=[(theme, MARKS[theme]) for theme in THEMES], initial="orange")
    is_private = forms.BooleanField(label=_("Only members of its owner see it"), required=False)


class NewCollectionForm(CollectionForm):
    owner = forms.ChoiceField(label=_("Owner"))
    field_order = ("owner", "title", "description", "theme", "is_private")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = Namespace.objects.writable_by(user).order_by("key").values_list("name", flat=True)
        owner = self.fields["owner"]
        assert isinstance(owner, forms.ChoiceField)
        owner.choices = [(name, name) for name in sorted(names, key=lambda name: name != user.username)]


def cards_of(request: HttpRequest, rows: Sequence[Collection]) -> list[Card]:
    """Collections with the first of what the viewer may see in them, in a constant number of queries."""
    first: dict[int, list[CollectionItem]] = defaultdict(list)
    seen = CollectionItem.objects.visible_to(request.user).filter(collection__in=rows)
    for item in seen.first_of_each(PREVIEW):
        first[item.collection_id].append(item)
    numbers = seen.numbers()
    return [Card(row, first[row.pk], numbers.get(row.pk, 0)) for row in rows]


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """All collections that the viewer may see."""
    sort = request.GET.get("sort", "updated")
    sort = sort if sort in ORDERS else "updated"
    words = request.GET.get("q", "").strip()[:200]
    found = Collection.objects.visible_to(request.user).select_related("namespace")
    if words:
        found = found.filter(key__contains=words.lower())
    page = keyset_page(found, order=ORDERS[sort], limit=PER_PAGE, cursor=request.GET.get("cursor"))
    context = {
        "collections": cards_of(request, page.rows),
        "next_url": facets.with_value(request.GET, "cursor", page.next_cursor) if page.next_cursor else "",
        "sort": sort,
        "words": words,
        "section": "collections",
    }
    return render(request, "models_registry/collection_list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Start a collection; with `kind` and `name` in the address, that repository is its first item."""
    user = acting_user(request)
    initial = {"owner": request.GET.get("owner", user.username)}
    form = NewCollectionForm(request.POST if request.method == "POST" else None, user=user, initial=initial)
    wanted = _repository_named(request, request.POST or request.GET)
    if form.is_valid():
        data = form.cleaned_data
        owner = Namespace.objects.held().named(data["owner"]).get()
        try:
            made = services.create_collection(
                user=user,
                namespace=owner,
                title=data["title"],
                description=data["description"],
                is_private=data["is_private"],
            )
        except CollectionExists:
            form.add_error("title", gettext("%(name)s already has a collection of this title.") % {"name": owner.name})
        else:
            services.update_collection(collection=made, user=user, theme=data["theme"])
            if wanted is not None:
                services.add_item(collection=made, user=user, repository=wanted)
            return redirect(_address(made))
    context = {"form": form, "wanted": wanted, "section": "collections"}
    return render(request, "models_registry/collection_new.html", context, status=400 if form.errors else 200)


@login_required
@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    """Which collection a repository goes into."""
    repository = _repository_named(request, request.GET)
    if repository is None:
        return redirect("collections")
    user = acting_user(request)
    mine = Collection.objects.editable_by(user).select_related("namespace").order_by("-updated_at", "-pk")[:100]
    inside = set(repository.collection_items.values_list("collection_id", flat=True))
    context = {
        "repository": repository,
        "choices": [(row, row.pk in inside) for row in mine],
        "section": "collections",
    }
    return render(request, "models_registry/collection_choose.html", context)


def _find(request: HttpRequest, namespace: str, slug: str) -> Collection:
    found: Collection | None = Collection.objects.visible_to(request.user).identified(namespace, slug).first()
    if found is None:
        raise CollectionNotFound
    return found


def _address(collection: Collection) -> str:
    return reverse("collection", args=[collection.namespace.name, collection.short_slug])


@require_safe
def collection(request: HttpRequest, namespace: str, slug: str) -> HttpResponse:
    """One collection. Who may change it finds the forms in place; `find` looks for what to add."""
    found = _find(request, namespace, slug)
    if found.slug != f"{namespace}/{slug}":
        return HttpResponsePermanentRedirect(_address(found))
    page, fragment = "models_registry/collection.html", "models_registry/partials/_suggestions.html"
    return render_page_or_fragment(request, page, fragment, _context(request, found))


def _context(request: HttpRequest, found: Collection, form: CollectionForm | None = None) -> dict[str, Any]:
    may_curate = services.may_curate(request.user, found)
    initial = {
        "title": found.title,
        "description": found.description,
        "theme": found.theme,
        "is_private": found.is_private,
    }
    words = request.GET.get("find", "").strip()[:200]
    mine = CollectionUpvote.objects.filter(collection=found, user=request.user) if request.user.is_authenticated else ()
    return {
        "collection": found,
        "address": _address(found),
        "lines": _lines(request, found),
        **facets.licence_filter(request.GET),
        "may_curate": may_curate,
        "upvoted": bool(mine),
        "form": (form or CollectionForm(initial=initial)) if may_curate else None,
        "words": words,
        "suggestions": _suggestions(request, found, words) if may_curate and words else [],
        "section": "collections",
    }


def _lines(request: HttpRequest, found: Collection) -> list[Line]:
    items = list(CollectionItem.objects.visible_to(request.user).filter(collection=found))
    models = [item.repository for item in items if item.repository and item.repository.kind == Kind.MODEL]
    measured = {row.repository.pk: row for row in rows_of(models)}
    lines = [Line(item, _row(item.repository, measured), place) for place, item in enumerate(items)]
    licence = facets.chosen_licence(request.GET)
    if not licence:
        return lines
    inside = [item.repository_id for item in items if item.repository_id]
    kept = set(Repository.objects.under_licence(licence).filter(pk__in=inside).values_list("pk", flat=True))
    return [line for line in lines if line.item.repository_id in kept]  # Each keeps its place among all.


def _row(repository: Repository | None, measured: dict[int, Row]) -> Row | None:
    if repository is None:
        return None
    return measured.get(repository.pk) or Row(repository, None, None, None, "")


def _suggestions(request: HttpRequest, found: Collection, words: str) -> list[Repository]:
    inside = found.items.filter(repository__isnull=False).values("repository")
    seen = Repository.objects.listed_to(request.user).search(words).exclude(pk__in=inside)
    return list(seen.select_related("namespace").order_by("-likes", "-pk")[:SUGGESTED])


@login_required
@require_POST
def edit(request: HttpRequest, namespace: str, slug: str) -> HttpResponse:
    """Change title, description, mark and who sees it."""
    found = _find(request, namespace, slug)
    user = acting_user(request)
    services.require_curator(user, found)
    form = CollectionForm(request.POST)
    if form.is_valid():
        try:
            changed = services.update_collection(collection=found, user=user, **form.cleaned_data)
            return redirect(_address(changed))
        except CollectionExists:
            form.add_error("title", gettext("Its owner already has a collection of this title."))
            found.refresh_from_db()
    return render(request, "models_registry/collection.html", _context(request, found, form), status=400)


@login_required
@require_POST
def add(request: HttpRequest, namespace: str, slug: str) -> HttpResponse:
    """Put a repository in."""
    found = _find(request, namespace, slug)
    user = acting_user(request)
    services.require_curator(user, found)
    repository = _repository_named(request, request.POST)
    if repository is None:
        raise RepositoryNotFound(name=request.POST.get("name", "")[:200], anonymous=0)
    try:
        services.add_item(collection=found, user=user, repository=repository, note=request.POST.get("note", ""))
    except (CollectionItemExists, CollectionFull) as error:
        messages.error(request, str(error))
    return redirect(_address(found))


@login_required
@require_POST
def item(request: HttpRequest, namespace: str, slug: str, item: str) -> HttpResponse:
    """Move an item, change its note, or take it out: the button pressed says which."""
    found = _find(request, namespace, slug)
    user = acting_user(request)
    do = request.POST.get("do", "")
    if do == "remove":
        services.remove_item(collection=found, user=user, item_id=item)
    elif do == "note":
        services.update_item(collection=found, user=user, item_id=item, note=request.POST.get("note", ""))
    else:
        # Up and down carry the place to go to, as dragging does.
        place = request.POST.get("position", do)
        position = int(place) if place.isascii() and place.isdigit() and len(place) < 10 else None
        services.update_item(collection=found, user=user, item_id=item, position=position)
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=204)
    return redirect(f"{_address(found)}#items")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, namespace: str, slug: str) -> HttpResponse:
    """Ask once more, then delete."""
    found = _find(request, namespace, slug)
    user = acting_user(request)
    services.require_curator(user, found)
    if request.method != "POST":
        context = {"collection": found, "number": found.items.count(), "address": _address(found)}
        return render(request, "models_registry/collection_delete.html", context)
    services.delete_collection(collection=found, user=user)
    messages.info(request, gettext("The collection “%(title)s” is deleted.") % {"title": found.title})
    return redirect(f"{reverse('namespace', args=[found.namespace.name])}?kind=collections")


@login_required
@require_POST
def upvote(request: HttpRequest, namespace: str, slug: str) -> HttpResponse:
    """Say that it is useful, or take that back."""
    found = _find(request, namespace, slug)
    change = services.withdraw_upvote if request.POST.get("do") == "withdraw" else services.upvote
    change(collection=found, user=acting_user(request))
    return redirect(_address(found))


def _repository_named(request: HttpRequest, fields: Any) -> Repository | None:
    """The repository that `kind` and `name` say, if the viewer may see it."""
    kind, (namespace, _slash, name) = fields.get("kind", ""), fields.get("name", "").partition("/")
    if kind not in Kind.values or not name or "\0" in name + namespace:
        return None
    return Repository.objects.visible_to(request.user).named(kind, namespace, name).first()
