"""The rows of a thread and who hears of them. Called by the services inside their transactions; asks for no right."""

import re
from typing import Any

from django.db.models import F
from django.utils import timezone

from accounts.models import Namespace, User
from models_registry import addresses
from models_registry.exceptions import WrongStatus
from models_registry.models import (
    Attachment,
    Commit,
    Discussion,
    DiscussionCounter,
    DiscussionEvent,
    DiscussionStatus,
    EventKind,
    Mention,
    Repository,
)
from models_registry.permissions import Action, can
from models_registry.services.events import EventAction, note_event

MAX_MENTIONS = 30
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,40}[A-Za-z0-9])?"
MENTION = re.compile(rf"(?<![\w/@.`-])@({_NAME})")
REFERENCE = re.compile(r"(?<![\w/#&`-])#([1-9][0-9]{0,8})\b")
UPLOAD = re.compile(r"/uploads/([0-9a-f]{32})\b")


def next_number(repository: Repository) -> int:
    """The next number of a repository. The counter's row stays locked until the transaction ends, so none is lost."""
    DiscussionCounter.objects.bulk_create([DiscussionCounter(repository=repository)], ignore_conflicts=True)
    counters = DiscussionCounter.objects.filter(repository=repository)
    counters.update(last=F("last") + 1)
    return counters.values_list("last", flat=True).get()


def make_discussion(*, repository: Repository, user: User, title: str, text: str, **fields: Any) -> Discussion:
    """A thread with its first comment, if that says anything."""
    made = Discussion.objects.create(
        repository=repository, number=next_number(repository), title=title, author=user, **fields
    )
    tell(made, "create")
    if text:
        add_comment(made, user=user, text=text, is_first=True)
    return made


def add_event(discussion: Discussion, *, kind: EventKind, user: User | None, **data: Any) -> DiscussionEvent:
    """Note what happened."""
    made = DiscussionEvent.objects.create(discussion=discussion, kind=kind, author=user, data=data)
    Discussion.objects.filter(pk=discussion.pk).update(updated_at=made.created_at)
    return made


def add_comment(discussion: Discussion, *, user: User, text: str, is_first: bool = False) -> DiscussionEvent:
    """Add a comment, and what it names."""
    made = DiscussionEvent.objects.create(discussion=discussion, kind=EventKind.COMMENT, author=user, text=text)
    Discussion.objects.filter(pk=discussion.pk).update(
        updated_at=made.created_at, comment_count=F("comment_count") + (0 if is_first else 1)
    )
    note_names(discussion, made)
    tell_comment(discussion, made, "create")
    return made


def note_names(discussion: Discussion, event: DiscussionEvent) -> None:
    """Write down whom a comment names, which threads it refers to, and which of its author's pictures it shows."""
    _note_mentions(discussion, event)
    _note_references(discussion, event)
    shown = UPLOAD.findall(event.text)[:50]
    if shown:  # Only what she sent herself: naming somebody else's picture must not show it to others.
        discussion.attachments.add(*Attachment.objects.filter(public_id__in=shown, owner=event.author))


def note_commit(discussion: Discussion, *, commit: Commit, user: User) -> DiscussionEvent:
    """A pull request has a new commit.

    Raises:
        WrongStatus: it was closed or merged in the meantime.
    """
    still = Discussion.objects.filter(pk=discussion.pk).open().update(updated_at=timezone.now())
    if not still:
        raise WrongStatus(what="pull request", status="no longer open", advice="Open it again first.")
    return add_event(discussion, kind=EventKind.COMMIT, user=user, subject=commit.title, oid=commit.oid)


def change_status(discussion: Discussion, *, user: User, status: DiscussionStatus) -> DiscussionEvent:
    """Move a thread to another status, if it still is where it was read.

    Raises:
        WrongStatus: somebody was faster.
    """
    moved = Discussion.objects.filter(pk=discussion.pk, status=discussion.status).update(status=status)
    if not moved:
        raise WrongStatus(what="thread", status="no longer what you saw", advice="Reload the page.")
    was, discussion.status = discussion.status, status
    made = add_event(discussion, kind=EventKind.STATUS, user=user, status=status, was=was)
    tell(discussion, "update")
    return made


def tell(discussion: Discussion, action: EventAction) -> None:
    """Tell webhooks of a thread."""
    note_event(repository=discussion.repository, action=action, scope="discussion", discussion=told(discussion))


def tell_comment(discussion: Discussion, event: DiscussionEvent, action: EventAction) -> None:
    """Tell webhooks of a comment."""
    page = f"{_page(discussion)}#{event.public_id}"
    comment: dict[str, Any] = {
        "id": event.public_id,
        "author": {"id": wire_id(event.author_id)},
        "hidden": event.is_hidden,
        "url": {"web": addresses.absolute(page)},
    }
    if not event.is_hidden:
        comment["content"] = event.text
    note_event(
        repository=discussion.repository,
        action=action,
        scope="discussion.comment",
        discussion=told(discussion),
        comment=comment,
    )


def told(discussion: Discussion) -> dict[str, Any]:
    """A thread as webhooks hear of it."""
    page = _page(discussion)
    plural = {"model": "models", "dataset": "datasets", "app": "spaces"}[discussion.repository.kind]
    api = f"/api/{plural}/{discussion.repository.full_name}/discussions/{discussion.number}"
    found: dict[str, Any] = {
        "id": discussion.public_id,
        "title": discussion.title,
        "url": {"web": addresses.absolute(page), "api": addresses.absolute(api)},
        "status": discussion.status,
        "author": {"id": wire_id(discussion.author_id)},
        "num": discussion.number,
        "isPullRequest": discussion.is_pull_request,
    }
    if discussion.is_pull_request:
        changes = {"base": discussion.base}
        found["changes"] = changes | ({"mergeCommitId": discussion.merge_commit} if discussion.merge_commit else {})
    return found


def wire_id(pk: int | None) -> str:
    """A person's id, in the wire's spelling."""
    return f"{pk or 0:024x}"


def _page(discussion: Discussion) -> str:
    return addresses.thread(discussion.repository, discussion.number)


def _note_mentions(discussion: Discussion, event: DiscussionEvent) -> None:
    names = list(dict.fromkeys(name.lower() for name in MENTION.findall(event.text)))[:MAX_MENTIONS]
    if not names:
        return
    found = Namespace.objects.held().filter(key__in=names, user__isnull=False).select_related("user")
    people = [row.user for row in found if row.user is not None and row.user_id != event.author_id]
    rows = [Mention(event=event, user=user) for user in people if can(user, Action.READ, discussion.repository)]
    Mention.objects.bulk_create(rows, ignore_conflicts=True)


def _note_references(discussion: Discussion, event: DiscussionEvent) -> None:
    """Let the threads that a comment names know, once for each thread that names them."""
    numbers = {int(number) for number in REFERENCE.findall(event.text)[:MAX_MENTIONS]} - {discussion.number}
    others = list(Discussion.objects.filter(repository=discussion.repository, number__in=numbers))
    for other in others:
        known = other.events.filter(kind=EventKind.REFERENCE, data__number=discussion.number).exists()
        if not known:
            DiscussionEvent.objects.create(
                discussion=other,
                kind=EventKind.REFERENCE,
                author=event.author,
                data={"number": discussion.number, "title": discussion.title},
            )
