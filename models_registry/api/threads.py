"""Threads in the wire's words."""

from typing import Any

from django.db.models import Prefetch

from accounts.models import User
from hub.core.exceptions import OverLimit
from models_registry.api.present import moment
from models_registry.diffing import changes
from models_registry.manifests import listing_of
from models_registry.models import CommentVersion, Commit, Discussion, DiscussionEvent, EventKind, Kind, Repository
from models_registry.rendering import comment_html, names_in
from models_registry.services.diffs import patch
from models_registry.services.pull_requests import changed, weigh
from models_registry.types import Listing

_KINDS = {Kind.MODEL: "model", Kind.DATASET: "dataset", Kind.APP: "space"}
MAX_DIFF_FILES = 300
MAX_DIFF_BYTES = 2 * 2**20
_HIDDEN = "This comment has been hidden"


def item(repository: Repository, discussion: Discussion) -> dict[str, Any]:
    """A thread in a list. The author is left out when she is gone: clients then say "deleted"."""
    found: dict[str, Any] = {
        "num": discussion.number,
        "title": discussion.title,
        "createdAt": moment(discussion.created_at),
        "status": discussion.status,
        "isPullRequest": discussion.is_pull_request,
        "numComments": discussion.comment_count,
        "pinned": discussion.is_pinned,
        "locked": discussion.is_locked,
        "repo": {"name": repository.full_name, "type": _KINDS[Kind(repository.kind)]},
    }
    return found | _author(discussion.author, discussion.writer_name)


def details(discussion: Discussion, *, with_diff: bool) -> dict[str, Any]:
    """A thread with all that happened in it, and what a pull request changes."""
    repository = discussion.repository
    rows = list(with_all(discussion))
    known = names_in(repository, (row.text for row in rows))
    found = item(repository, discussion) | {"events": [event(discussion, row, known=known) for row in rows]}
    if not discussion.is_pull_request:
        return found
    weighed = weigh(discussion)
    changes: dict[str, Any] = {"base": discussion.base}
    if discussion.merge_commit:
        changes["mergeCommitId"] = discussion.merge_commit
    conflicts = weighed.conflicts if weighed is not None and discussion.is_open else []
    found |= {"changes": changes, "filesWithConflicts": conflicts or False}
    if with_diff:
        found["diff"] = _diff(repository, *changed(discussion, weighed))
    return found


def _diff(repository: Repository, before: Commit | None, after: Commit | None) -> str:
    """The patch of a pull request; files beyond the limits are left out."""
    if after is None:
        return ""
    found = changes(listing_of(before) if before else Listing(), listing_of(after))[:MAX_DIFF_FILES]
    held = set(after.held) | set(before.held if before else ())
    parts: list[bytes] = []
    left = MAX_DIFF_BYTES
    for part in patch(repository, found, held=held):
        left -= len(part)
        if left < 0:
            break
        parts.append(part)
    return b"".join(parts).decode("utf-8", "replace")


def with_all(discussion: Discussion) -> Any:
    """The events of a thread with what each shows, in a constant number of queries."""
    versions = Prefetch("versions", queryset=CommentVersion.objects.order_by("-pk"))
    rows = discussion.events.select_related("author", "hidden_by").prefetch_related(versions, "reactions__user")
    return rows.order_by("pk")


def event(discussion: Discussion, row: DiscussionEvent, *, known: Any = None) -> dict[str, Any]:
    """One thing that happened."""
    data = _comment(discussion, row, known) if row.kind == EventKind.COMMENT else dict(row.data)
    found: dict[str, Any] = {"id": row.public_id, "type": row.kind, "createdAt": moment(row.created_at), "data": data}
    return found | _author(row.author, row.writer_name)


def _comment(discussion: Discussion, row: DiscussionEvent, known: Any) -> dict[str, Any]:
    latest: dict[str, Any] = {"updatedAt": moment(row.edited_at or row.created_at)} | _author(
        row.author, row.writer_name
    )
    if row.is_hidden:
        latest |= {"raw": _HIDDEN, "html": _HIDDEN}
        return {"edited": row.edited_at is not None, "hidden": True, "latest": latest, "history": [], "reactions": []}
    latest |= {"raw": row.text, "html": _html(discussion, row, known)}
    versions = [
        {"raw": each.text, "updatedAt": moment(each.written_at)} | _author(row.author)
        for each in sorted(row.versions.all(), key=lambda each: -each.pk)
    ]
    return {
        "edited": row.edited_at is not None,
        "hidden": False,
        "latest": latest,
        "history": versions,
        "numEdits": len(versions),
        "reactions": _reactions(row),
    }


def _reactions(row: DiscussionEvent) -> list[dict[str, Any]]:
    if not row.pk:
        return []
    by_kind: dict[str, list[str]] = {}
    for each in sorted(row.reactions.all(), key=lambda each: each.pk):
        by_kind.setdefault(each.kind, []).append(each.user.username)
    return [{"reaction": kind, "users": users, "count": len(users)} for kind, users in sorted(by_kind.items())]


def _html(discussion: Discussion, row: DiscussionEvent, known: Any) -> str:
    try:
        return str(comment_html(discussion.repository, row.text, known=known))
    except OverLimit as error:
        return str(error)


def _author(user: User | None, elsewhere: str = "") -> dict[str, Any]:
    """Who it was; by name alone where that was at another hub."""
    if user is None and elsewhere:
        return {"author": {"name": elsewhere, "fullname": elsewhere, "type": "user"}}
    if user is None:
        return {}
    return {"author": {"name": user.username, "fullname": user.get_full_name(), "type": "user"}}
