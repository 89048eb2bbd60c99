"""The wire: collections and their items (E70 to E72)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods

from accounts import presentation as present
from accounts.authentication import acting_user
from accounts.exceptions import NotAMember
from accounts.models import Namespace
from hub.core.bodies import BadBody, flag, json_object, text_field
from models_registry.api.lookup import KINDS, SINGULAR
from models_registry.api.paging import paged
from models_registry.exceptions import CollectionNotFound, InvalidCollection, RepositoryNotFound
from models_registry.models import Collection, CollectionItem, CollectionUpvote, Kind, Repository
from models_registry.services import collections as services

PER_PAGE = 100
PREVIEW = 4
_ORDERS = {
    "lastModified": ("-updated_at", "-id"),
    "trending": ("-upvotes", "-id"),
    "upvotes": ("-upvotes", "-id"),
}
_TYPES = {Kind.MODEL: "model", Kind.DATASET: "dataset", Kind.APP: "space"}


def find_collection(request: HttpRequest, namespace: str, slug: str) -> Collection:
    """The collection that a slug ends in the id of, if the caller may see it.

    Raises:
        CollectionNotFound: missing or hidden, alike.
    """
    found: Collection | None = Collection.objects.visible_to(request.user).identified(namespace, slug).first()
    if found is None:
        raise CollectionNotFound
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def collections(request: HttpRequest) -> HttpResponse:
    """E70. List them, or start one."""
    if request.method == "POST":
        return _create(request)
    order = _ORDERS.get(request.GET.get("sort", "trending"))
    if order is None:
        raise BadBody(reason=f"“sort” must be one of {', '.join(sorted(_ORDERS))}.")
    found = _filtered(request).select_related("namespace")
    return paged(request, found, lambda rows: _listed(request, rows), order=order, most=PER_PAGE)


def _filtered(request: HttpRequest) -> QuerySet[Collection]:
    found: QuerySet[Collection] = Collection.objects.visible_to(request.user)
    owners = [name.lower()[:100] for name in request.GET.getlist("owner") + request.GET.getlist("owner[]")]
    if owners:
        found = found.filter(namespace__key__in=owners)
    for wanted in request.GET.getlist("item") + request.GET.getlist("item[]"):
        plural, _, name = wanted.partition("/")
        namespace, _, rest = name.partition("/")
        if plural not in KINDS or not rest:
            raise BadBody(reason="“item” must be like models/namespace/name, datasets/… or spaces/….")
        seen = Repository.objects.visible_to(request.user).named(KINDS[plural], namespace, rest).values("pk")
        found = found.filter(items__repository__in=seen)
    words = request.GET.get("q", "")[:200]
    return found.filter(Q(key__contains=words.lower())) if words else found


def _create(request: HttpRequest) -> HttpResponse:
    user = acting_user(request)
    body = json_object(request)
    name = text_field(body, "namespace", default="") or user.username
    namespace = Namespace.objects.held().named(name).first()
    if namespace is None:
        raise NotAMember(name=name[:100])
    made = services.create_collection(
        user=user,
        namespace=namespace,
        title=text_field(body, "title"),
        description=text_field(body, "description", default=""),
        is_private=flag(body.get("private", False)),
    )
    return JsonResponse(_whole(request, made))


@require_http_methods(["GET", "HEAD", "PATCH", "DELETE"])
def collection(request: HttpRequest, namespace: str, slug: str) -> HttpResponse:
    """E71. Read it, change what is said of it, delete it."""
    found = find_collection(request, namespace, slug)
    if request.method == "DELETE":
        services.delete_collection(collection=found, user=acting_user(request))
        return HttpResponse(status=204)
    if request.method == "PATCH":
        user = acting_user(request)
        changed = services.update_collection(collection=found, user=user, **_changes(json_object(request)))
        return JsonResponse({"success": True, "data": _whole(request, changed)})
    return JsonResponse(_whole(request, found))


def _changes(body: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {
        name: text_field(body, name) for name in ("title", "description", "theme") if body.get(name) is not None
    }
    if body.get("private") is not None:
        changes["is_private"] = flag(body["private"])
    if body.get("position") is not None:
        changes["position"] = body["position"]
    return changes


@require_http_methods(["POST"])
def items(request: HttpRequest, namespace: str, slug: str) -> HttpResponse:
    """E72. Put something in."""
    found = find_collection(request, namespace, slug)
    user = acting_user(request)
    body = json_object(request)
    wanted = body.get("item")
    if not isinstance(wanted, dict):
        raise BadBody(reason="“item” must be an object with “type” and “id”.")
    services.require_curator(user, found)
    services.add_item(
        collection=found,
        user=user,
        note=_note(body) or "",
        **_thing(request, text_field(wanted, "type"), text_field(wanted, "id")),
    )
    found.refresh_from_db()
    return JsonResponse(_whole(request, found))


def _thing(request: HttpRequest, kind: str, name: str) -> dict[str, Any]:
    """The repository or collection that an item names, if the caller may see it."""
    namespace, _, rest = name.partition("/")
    if kind in SINGULAR:
        seen = Repository.objects.visible_to(request.user)
        repository = seen.named(SINGULAR[kind], namespace, rest).first()
        if repository is None:
            raise RepositoryNotFound(name=name[:200], anonymous=0)
        return {"repository": repository}
    if kind == "collection":
        return {"nested": find_collection(request, namespace, rest)}
    raise InvalidCollection(reason="“type” must be model, dataset, space or collection; this hub has nothing else.")


def _note(body: dict[str, Any]) -> str | None:
    note = body.get("note")
    if isinstance(note, dict):  # As it comes out, it may come back.
        note = note.get("text")
    return None if note is None else text_field({"note": note}, "note")


@require_http_methods(["PATCH", "DELETE"])
def item(request: HttpRequest, namespace: str, slug: str, item: str) -> HttpResponse:
    """E72. Move one, change its note, take it out."""
    found = find_collection(request, namespace, slug)
    user = acting_user(request)
    if request.method == "DELETE":
        services.remove_item(collection=found, user=user, item_id=item)
    else:
        body = json_object(request)
        services.update_item(collection=found, user=user, item_id=item, position=body.get("position"), note=_note(body))
    return JsonResponse({"success": True})


@require_http_methods(["POST", "DELETE"])
def upvote(request: HttpRequest, namespace: str, slug: str) -> HttpResponse:
    """The web's own: say that a collection is useful, or take it back."""
    found = find_collection(request, namespace, slug)
    change = services.upvote if request.method == "POST" else services.withdraw_upvote
    change(collection=found, user=acting_user(request))
    upvotes = Collection.objects.values_list("upvotes", flat=True).get(pk=found.pk)
    return JsonResponse({"upvotes": upvotes, "isUpvoted": request.method == "POST"})


def _listed(request: HttpRequest, rows: Sequence[Collection]) -> list[dict[str, Any]]:
    """A page of collections, each with its first items; without the positions that clients count themselves."""
    first: dict[int, list[CollectionItem]] = defaultdict(list)
    for row in CollectionItem.objects.visible_to(request.user).filter(collection__in=rows).first_of_each(PREVIEW):
        first[row.collection_id].append(row)
    mine = _upvoted(request, rows)
    return [_collection(request, row, first[row.pk], row.pk in mine) for row in rows]


def _whole(request: HttpRequest, row: Collection) -> dict[str, Any]:
    seen = CollectionItem.objects.visible_to(request.user).filter(collection=row)
    upvoted = bool(_upvoted(request, [row]))
    return _collection(request, row, seen, upvoted) | {"position": row.position}


def _upvoted(request: HttpRequest, rows: Sequence[Collection]) -> set[int]:
    if not request.user.is_authenticated:
        return set()
    found = CollectionUpvote.objects.filter(collection__in=rows, user=request.user)
    return set(found.values_list("collection_id", flat=True))


def _collection(
    request: HttpRequest, row: Collection, items: Iterable[CollectionItem], upvoted: bool
) -> dict[str, Any]:
    return {
        "slug": row.slug,
        "title": row.title,
        "description": row.description or None,
        "owner": {
            "name": row.namespace.name,
            "type": "org" if row.namespace.is_organisation else "user",
            "avatarUrl": present.avatar_url(request, row.namespace.name),
        },
        "items": [_item(item) for item in items],
        "lastUpdated": present.moment(row.updated_at),
        "private": row.is_private,
        "gating": False,
        "theme": row.theme,
        "upvotes": row.upvotes,
        "isUpvotedByUser": upvoted,
    }


def _item(row: CollectionItem) -> dict[str, Any]:
    shown: dict[str, Any] = {"_id": row.public_id, "position": row.position}
    if row.note:
        shown["note"] = {"text": row.note}
    if row.nested is not None:
        nested = row.nested
        title = {"id": nested.public_id, "slug": nested.slug, "title": nested.title}
        return shown | title | {"type": "collection", "lastUpdated": present.moment(nested.updated_at)}
    repository = row.repository
    assert repository is not None
    return shown | {
        "id": repository.full_name,
        "type": _TYPES[Kind(repository.kind)],
        "author": repository.namespace.name,
        "private": repository.is_private,
        "downloads": repository.downloads,
        "likes": repository.likes,
        "lastModified": present.moment(repository.updated_at),
    }
