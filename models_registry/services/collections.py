"""Collections: made, described, filled, put in order. One writer of a collection at a time."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.utils import timezone

from accounts.exceptions import NotAMember
from accounts.grants import Right
from accounts.models import Namespace, Role, Scope, User
from accounts.permissions import require_own_write, require_token, role_in
from models_registry.exceptions import (
    CollectionExists,
    CollectionForbidden,
    CollectionFull,
    CollectionItemExists,
    CollectionItemNotFound,
    CollectionNotFound,
    InvalidCollection,
)
from models_registry.models import THEMES, Collection, CollectionItem, CollectionUpvote, Repository
from models_registry.permissions import Action, require

MAX_ITEMS = 500
MAX_TITLE = 120
MAX_TEXT = 500
CURATORS = frozenset({Role.ADMIN, Role.WRITE, Role.CONTRIBUTOR})


def may_curate(user: Any, collection: Collection) -> bool:
    """May she change this collection? Those who write in the namespace; a contributor what she started herself."""
    if not user.is_authenticated:
        return False
    role = role_in(user, collection.namespace)
    own = role is Role.CONTRIBUTOR and collection.creator_id == user.pk
    return user.is_superuser or role in {Role.ADMIN, Role.WRITE} or own


def require_curator(user: User, collection: Collection) -> None:
    """Let her through who may change it.

    Raises:
        CollectionNotFound: she may not even see it.
        CollectionForbidden, ScopeTooSmall
    """
    if not Collection.objects.visible_to(user).filter(pk=collection.pk).exists():
        raise CollectionNotFound
    if not may_curate(user, collection):
        raise CollectionForbidden(namespace=collection.namespace.name)
    require_token(user, Right.WRITE, Scope.WRITE, collection.namespace)


def create_collection(
    *, user: User, namespace: Namespace, title: str, description: str = "", is_private: bool = False
) -> Collection:
    """Start an empty collection at the end of the namespace's list.

    Raises:
        NotAMember: no role there that allows it.
        InvalidCollection: no title, or a text too long.
        CollectionExists: there is one of this title; the refusal carries its slug.
    """
    if role_in(user, namespace) not in CURATORS:
        raise NotAMember(name=namespace.name)
    require_token(user, Right.WRITE, Scope.WRITE, namespace)
    title = _title(title)
    last = namespace.collections.aggregate(last=Max("position"))["last"]
    collection = Collection(
        namespace=namespace,
        title=title,
        key=title.lower(),
        description=_text(description, "description"),
        is_private=is_private,
        position=0 if last is None else last + 1,
        creator=user,
        updated_at=timezone.now(),
    )
    _save(collection)
    return collection


def update_collection(*, collection: Collection, user: User, **changes: Any) -> Collection:
    """Change what is said of a collection: title, description, is_private, theme, position.

    Raises:
        InvalidCollection, CollectionExists, CollectionForbidden, CollectionNotFound, ScopeTooSmall
    """
    require_curator(user, collection)
    if "title" in changes:
        collection.title = _title(changes["title"])
        collection.key = collection.title.lower()
    if "description" in changes:
        collection.description = _text(changes["description"], "description")
    if "is_private" in changes:
        collection.is_private = bool(changes["is_private"])
    if "theme" in changes:
        if changes["theme"] not in THEMES:
            raise InvalidCollection(reason=f"“theme” must be one of {', '.join(THEMES)}.")
        collection.theme = changes["theme"]
    if "position" in changes:
        collection.position = _position(changes["position"])
    collection.updated_at = timezone.now()
    _save(collection)
    return collection


def delete_collection(*, collection: Collection, user: User) -> None:
    """Delete a collection. What it pointed at stays.

    Raises:
        CollectionForbidden, CollectionNotFound, ScopeTooSmall
    """
    require_curator(user, collection)
    collection.delete()


@transaction.atomic
def add_item(
    *,
    collection: Collection,
    user: User,
    repository: Repository | None = None,
    nested: Collection | None = None,
    note: str = "",
) -> CollectionItem:
    """Put a repository, or another collection, at the end.

    Raises:
        CollectionItemExists, CollectionFull, InvalidCollection, CollectionForbidden, CollectionNotFound, ScopeTooSmall
    """
    require_curator(user, collection)
    if repository is not None:
        require(user, Action.READ, repository)
    if nested is not None and nested.pk == collection.pk:
        raise InvalidCollection(reason="A collection cannot hold itself.")
    locked = Collection.objects.select_for_update().get(pk=collection.pk)
    number = locked.items.count()
    if number >= MAX_ITEMS:
        raise CollectionFull(limit=MAX_ITEMS)
    item = CollectionItem(
        collection=locked, repository=repository, nested=nested, position=number, note=_text(note, "note")
    )
    try:
        with transaction.atomic():
            item.save()
    except IntegrityError as error:
        raise CollectionItemExists(item=repository.full_name if repository else str(nested)) from error
    _touch(locked)
    return item


@transaction.atomic
def update_item(
    *, collection: Collection, user: User, item_id: str, position: int | None = None, note: str | None = None
) -> None:
    """Move an item to a place, change its note, or both. Other items make room.

    Raises:
        CollectionItemNotFound, InvalidCollection, CollectionForbidden, CollectionNotFound, ScopeTooSmall
    """
    require_curator(user, collection)
    locked = Collection.objects.select_for_update().get(pk=collection.pk)
    items = list(locked.items.order_by("position", "pk"))
    item = _find(items, item_id)
    if note is not None:
        item.note = _text(note, "note")
        item.save(update_fields=["note"])
    if position is not None:
        items.remove(item)
        items.insert(_position(position), item)
        _renumber(items)
    _touch(locked)


@transaction.atomic
def remove_item(*, collection: Collection, user: User, item_id: str) -> None:
    """Take an item out; what follows it moves up.

    Raises:
        CollectionItemNotFound, CollectionForbidden, CollectionNotFound, ScopeTooSmall
    """
    require_curator(user, collection)
    locked = Collection.objects.select_for_update().get(pk=collection.pk)
    items = list(locked.items.order_by("position", "pk"))
    item = _find(items, item_id)
    items.remove(item)
    item.delete()
    _renumber(items)
    _touch(locked)


def upvote(*, collection: Collection, user: User) -> None:
    """Note that she finds it useful; twice is once.

    Raises:
        CollectionNotFound, ScopeTooSmall
    """
    _require_seen(user, collection)
    require_own_write(user)
    try:
        with transaction.atomic():
            CollectionUpvote.objects.create(collection=collection, user=user)
            Collection.objects.filter(pk=collection.pk).update(upvotes=F("upvotes") + 1)
    except IntegrityError:
        return


@transaction.atomic
def withdraw_upvote(*, collection: Collection, user: User) -> None:
    """Take an upvote back; without one nothing happens.

    Raises:
        CollectionNotFound, ScopeTooSmall
    """
    _require_seen(user, collection)
    require_own_write(user)
    deleted, _ = CollectionUpvote.objects.filter(collection=collection, user=user).delete()
    if deleted:
        Collection.objects.filter(pk=collection.pk, upvotes__gt=0).update(upvotes=F("upvotes") - 1)


def _require_seen(user: User, collection: Collection) -> None:
    if not Collection.objects.visible_to(user).filter(pk=collection.pk).exists():
        raise CollectionNotFound


def _title(value: str) -> str:
    title = " ".join(value.split())
    if not title or len(title) > MAX_TITLE:
        raise InvalidCollection(reason=f"A title has 1 to {MAX_TITLE} characters.")
    return title


def _text(value: str, name: str) -> str:
    if len(value) > MAX_TEXT:
        raise InvalidCollection(reason=f"“{name}” may have {MAX_TEXT} characters.")
    return value.strip()


def _position(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise InvalidCollection(reason="“position” must be a whole number from 0.")
    return value


def _save(collection: Collection) -> None:
    try:
        with transaction.atomic():
            collection.save()
    except IntegrityError as error:
        other = Collection.objects.select_related("namespace").get(namespace=collection.namespace, key=collection.key)
        raise CollectionExists(namespace=collection.namespace.name, slug=other.slug) from error


def _find(items: list[CollectionItem], item_id: str) -> CollectionItem:
    found = next((item for item in items if item.public_id == item_id), None)
    if found is None:
        raise CollectionItemNotFound
    return found


def _renumber(items: list[CollectionItem]) -> None:
    moved = []
    for position, item in enumerate(items):
        if item.position != position:
            item.position = position
            moved.append(item)
    CollectionItem.objects.bulk_update(moved, ["position"], batch_size=200)


def _touch(collection: Collection) -> None:
    Collection.objects.filter(pk=collection.pk).update(updated_at=timezone.now())
