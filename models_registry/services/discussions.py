"""Discussions: opened, answered, edited, hidden, renamed, closed. Pull requests are threads as well."""

import re

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from models_registry.exceptions import (
    CommentNotFound,
    DiscussionLocked,
    DiscussionNotFound,
    InvalidDiscussion,
    NotTheAuthor,
    NotYours,
    WrongStatus,
)
from models_registry.models import (
    CommentVersion,
    Discussion,
    DiscussionEvent,
    DiscussionStatus,
    EventKind,
    Reaction,
    ReactionKind,
    Repository,
)
from models_registry.permissions import Action, can, require
from models_registry.services import limits, threads
from models_registry.services.rights import require_discussing

MIN_TITLE, MAX_TITLE = 3, 200
MAX_TEXT = 64 * 1024
_NO_NUL = "A text cannot hold NUL."
_PUBLIC_ID = re.compile(r"[0-9a-f]{24}")


def find_discussion(repository: Repository, number: int) -> Discussion:
    """A thread of a repository that the caller may read.

    Raises:
        DiscussionNotFound
    """
    found = repository.discussions.select_related("author").filter(number=number).first()
    if found is None:
        raise DiscussionNotFound(number=number)
    found.repository = repository  # Known already, with its namespace.
    return found


def find_comment(discussion: Discussion, public_id: str) -> DiscussionEvent:
    """A comment of a thread.

    Raises:
        CommentNotFound
    """
    comments = discussion.events.filter(kind=EventKind.COMMENT).select_related("author")
    known = _PUBLIC_ID.fullmatch(public_id.lower())
    found = comments.filter(public_id=known[0]).first() if known else None
    if found is None:
        raise CommentNotFound
    return found


@transaction.atomic
def open_discussion(*, repository: Repository, user: User, title: str, text: str = "") -> Discussion:
    """Start a thread.

    Raises:
        RepositoryNotFound, RepositoryForbidden, ScopeTooSmall, DiscussionsDisabled
        InvalidDiscussion: the title or the text is too short or too long.
        TooOften
    """
    require_discussing(user=user, repository=repository)
    title, text = checked_title(title), checked_text(text, may_be_empty=True)
    limits.spend(user=user, action=limits.OPEN)
    return threads.make_discussion(repository=repository, user=user, title=title, text=text)


@transaction.atomic
def comment(*, discussion: Discussion, user: User, text: str) -> DiscussionEvent:
    """Answer in a thread; closed ones take answers as well.

    Raises:
        RepositoryNotFound, RepositoryForbidden, ScopeTooSmall, DiscussionsDisabled, DiscussionLocked
        InvalidDiscussion, TooOften
    """
    _require_adding(discussion, user)
    text = checked_text(text)
    limits.spend(user=user, action=limits.COMMENT)
    return threads.add_comment(discussion, user=user, text=text)


@transaction.atomic
def edit_comment(*, discussion: Discussion, event: DiscussionEvent, user: User, text: str) -> DiscussionEvent:
    """Say it better; what it said before is kept.

    Raises:
        NotTheAuthor, WrongStatus: it is hidden.
        and what `comment` raises
    """
    _require_adding(discussion, user)
    if event.author_id != user.pk:
        raise NotTheAuthor
    text = checked_text(text)
    locked = DiscussionEvent.objects.select_for_update().get(pk=event.pk)
    if locked.is_hidden:
        raise WrongStatus(what="comment", status="hidden", advice="Write a new one.")
    limits.spend(user=user, action=limits.COMMENT)
    if text != locked.text:
        CommentVersion.objects.create(event=locked, text=locked.text, written_at=locked.edited_at or locked.created_at)
        event.text, event.edited_at = text, timezone.now()
        event.save(update_fields=["text", "edited_at"])
        event.mentions.all().delete()
        threads.note_names(discussion, event)
        threads.tell_comment(discussion, event, "update")
    return event


@transaction.atomic
def hide_comment(*, discussion: Discussion, event: DiscussionEvent, user: User) -> DiscussionEvent:
    """Take a comment from sight for good: its author, and who may write to the repository, can.

    Raises:
        NotYours, and what `comment` raises
    """
    _require_own(discussion, user, author_id=event.author_id)
    if not event.is_hidden:
        event.hidden_at, event.hidden_by = timezone.now(), user
        event.save(update_fields=["hidden_at", "hidden_by"])
        event.mentions.all().delete()
        threads.tell_comment(discussion, event, "update")
    return event


@transaction.atomic
def rename_discussion(*, discussion: Discussion, user: User, title: str) -> DiscussionEvent:
    """Give a thread another title.

    Raises:
        NotYours, InvalidDiscussion, and what `comment` raises
    """
    _require_own(discussion, user, author_id=discussion.author_id)
    title = checked_title(title)
    limits.spend(user=user, action=limits.COMMENT)
    before = Discussion.objects.select_for_update().get(pk=discussion.pk).title
    Discussion.objects.filter(pk=discussion.pk).update(title=title)
    discussion.title = title
    made = threads.add_event(discussion, kind=EventKind.TITLE, user=user, **{"from": before, "to": title})
    threads.tell(discussion, "update")
    return made


@transaction.atomic
def set_status(*, discussion: Discussion, user: User, status: DiscussionStatus, text: str = "") -> DiscussionEvent:
    """Close a thread, open it again, or call a draft ready (`OPEN`).

    Raises:
        NotYours, InvalidDiscussion, WrongStatus: it is merged, or there already.
        and what `comment` raises
    """
    _require_own(discussion, user, author_id=discussion.author_id)
    if status not in {DiscussionStatus.OPEN, DiscussionStatus.CLOSED}:
        raise InvalidDiscussion(reason="The status must be open or closed.")
    if discussion.status == DiscussionStatus.MERGED:
        raise WrongStatus(what="pull request", status="merged", advice="Open a new one.")
    if discussion.status == status:
        raise WrongStatus(what="thread", status=status, advice="Nothing was changed.")
    limits.spend(user=user, action=limits.COMMENT)
    if text.strip():
        threads.add_comment(discussion, user=user, text=checked_text(text))
    return threads.change_status(discussion, user=user, status=status)


@transaction.atomic
def set_mark(*, discussion: Discussion, user: User, pinned: bool | None = None, locked: bool | None = None) -> None:
    """Pin a thread above the others, or lock it to those who may write.

    Raises:
        RepositoryNotFound, RepositoryForbidden, ScopeTooSmall
    """
    require(user, Action.WRITE, discussion.repository)
    if pinned is not None and pinned != discussion.is_pinned:
        discussion.is_pinned = pinned
        threads.add_event(discussion, kind=EventKind.PINNING, user=user, pinned=pinned)
    if locked is not None and locked != discussion.is_locked:
        discussion.is_locked = locked
        threads.add_event(discussion, kind=EventKind.LOCKING, user=user, locked=locked)
    discussion.save(update_fields=["is_pinned", "is_locked"])


@transaction.atomic
def react(*, discussion: Discussion, event: DiscussionEvent, user: User, kind: str) -> None:
    """Put one's word to a comment; the same word again takes it back.

    Raises:
        InvalidDiscussion: no word of the list.
        and what `comment` raises
    """
    _require_adding(discussion, user)
    if kind not in ReactionKind.values:
        raise InvalidDiscussion(reason=f"A reaction is one of {', '.join(ReactionKind.values)}.")
    limits.spend(user=user, action=limits.COMMENT)
    mine = Reaction.objects.filter(event=event, user=user)
    if mine.filter(kind=kind).delete()[0]:
        return
    Reaction.objects.update_or_create(event=event, user=user, defaults={"kind": kind})


def checked_title(title: str) -> str:
    """A title in one line.

    Raises:
        InvalidDiscussion
    """
    title = " ".join(title.split())
    if "\x00" in title:
        raise InvalidDiscussion(reason=_NO_NUL)
    if not MIN_TITLE <= len(title) <= MAX_TITLE:
        raise InvalidDiscussion(reason=f"A title has {MIN_TITLE} to {MAX_TITLE} characters.")
    return title


def checked_text(text: str, *, may_be_empty: bool = False) -> str:
    """The text of a comment.

    Raises:
        InvalidDiscussion
    """
    if not text.strip() and not may_be_empty:
        raise InvalidDiscussion(reason="A comment needs a text.")
    if "\x00" in text:
        raise InvalidDiscussion(reason=_NO_NUL)
    if len(text.encode()) > MAX_TEXT:
        raise InvalidDiscussion(reason=f"A comment has at most {MAX_TEXT // 1024} KiB.")
    return text if text.strip() else ""


def may_change(user: User, discussion: Discussion) -> bool:
    """May she rename, close and open this thread?"""
    is_author = discussion.author_id == user.pk and can(user, Action.DISCUSS, discussion.repository)
    return is_author or can(user, Action.WRITE, discussion.repository)


def _require_adding(discussion: Discussion, user: User) -> None:
    require_discussing(user=user, repository=discussion.repository)
    if discussion.is_locked and not can(user, Action.WRITE, discussion.repository):
        raise DiscussionLocked


def _require_own(discussion: Discussion, user: User, *, author_id: int | None) -> None:
    _require_adding(discussion, user)
    if author_id != user.pk and not can(user, Action.WRITE, discussion.repository):
        raise NotYours
