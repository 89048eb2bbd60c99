"""What the page of a thread shows: its events, with their words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Prefetch
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from accounts.models import User
from hub.core.exceptions import OverLimit
from models_registry.models import (
    CommentVersion,
    Discussion,
    DiscussionEvent,
    EventKind,
    ReactionKind,
    Repository,
)
from models_registry.rendering import comment_html, names_in

PER_PAGE = 100
# A reaction → its mark and its word.
REACTIONS = {
    ReactionKind.AGREE: ("check", gettext_lazy("agree")),
    ReactionKind.THANKS: ("plus", gettext_lazy("thanks")),
    ReactionKind.WORKS: ("receipt", gettext_lazy("works for me")),
    ReactionKind.UNSURE: ("unclear", gettext_lazy("unsure")),
    ReactionKind.DISAGREE: ("x", gettext_lazy("disagree")),
}


@dataclass(frozen=True)
class Word:
    """One reaction to a comment: how often, and whether it is the reader's."""

    kind: str
    icon: str
    label: Any
    count: int
    is_mine: bool


@dataclass(frozen=True)
class Item:
    """One event as the page shows it."""

    event: DiscussionEvent
    html: SafeString | str = ""
    versions: Sequence[CommentVersion] = ()
    words: Sequence[Word] = field(default_factory=list)
    may_edit: bool = False
    may_hide: bool = False


@dataclass(frozen=True)
class Shown:
    """One page of a thread's events. `later` is where the next page starts, `is_first` whether nothing is before."""

    items: list[Item]
    later: str = ""
    is_first: bool = True


def shown(discussion: Discussion, *, viewer: User | None, may_write: bool, start: str = "") -> Shown:
    """The events from `start` on, in a constant number of queries."""
    rows = discussion.events.select_related("author", "hidden_by").order_by("pk")
    first = discussion.events.filter(public_id=start.lower()[:24]).first() if start.isalnum() else None
    if first is not None:
        rows = rows.filter(pk__gte=first.pk)
    versions = Prefetch("versions", queryset=CommentVersion.objects.order_by("-pk"))
    found = list(rows.prefetch_related(versions, "reactions")[: PER_PAGE + 1])
    page, more = found[:PER_PAGE], found[PER_PAGE:]
    known = names_in(discussion.repository, (row.text for row in page))
    items = [_item(discussion.repository, row, known, viewer, may_write) for row in page]
    return Shown(items, later=more[0].public_id if more else "", is_first=first is None)


def rendered(repository: Repository, text: str) -> SafeString | str:
    """A comment as HTML, or the reason why it cannot be shown."""
    try:
        return comment_html(repository, text)
    except OverLimit as error:
        return str(error)


def _item(repository: Repository, row: DiscussionEvent, known: Any, viewer: User | None, may_write: bool) -> Item:
    if row.kind != EventKind.COMMENT or row.is_hidden:
        return Item(row)
    is_mine = viewer is not None and row.author_id == viewer.pk
    try:
        html: SafeString | str = comment_html(repository, row.text, known=known)
    except OverLimit as error:
        html = str(error)
    return Item(
        row,
        html=html,
        versions=list(row.versions.all()),
        words=_words(row, viewer),
        may_edit=is_mine,
        may_hide=is_mine or may_write,
    )


def _words(row: DiscussionEvent, viewer: User | None) -> list[Word]:
    given = list(row.reactions.all())
    mine = {each.kind for each in given if viewer is not None and each.user_id == viewer.pk}
    return [
        Word(kind, icon, label, sum(each.kind == kind for each in given), kind in mine)
        for kind, (icon, label) in REACTIONS.items()
    ]
