"""The other hub's discussions and pull requests: read over its wire, kept here under their numbers and writers' names.

Threads come before the history, so that the ref of a pull request finds its thread; how each one ended is noted after
it, since only then the commits are here. Who wrote elsewhere is nobody here, even under the same name.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from models_registry.models import (
    Discussion,
    DiscussionCounter,
    DiscussionEvent,
    DiscussionStatus,
    EventKind,
    Ref,
    Repository,
)
from models_registry.services.discussions import MAX_TITLE, checked_text
from models_registry.services.imports.exceptions import OriginRefused
from models_registry.services.imports.origins import Origin
from models_registry.types import BRANCH, PULL

MAX_THREADS = 20_000
_MAX_EVENTS = 5_000
_MAX_TEXT = 65_536
_MAX_NAME = 100


def bring_threads(repository: Repository, origin: Origin) -> tuple[set[int], list[str]]:
    """Make the threads that are new there, and add what was said in those that came before.

    Returns:
        the numbers of its pull requests whose threads are here, and warnings.
    """
    here = {row.number: row for row in repository.discussions.all()}
    pulls: set[int] = set()
    warnings = []
    for item in _listed(origin):
        number = item["num"]
        known = here.get(number)
        if known is not None and not known.writer_name:
            warnings.append(f"Thread {number} there was left out: this hub has one of its own under that number.")
            continue
        thread = _keep(repository, known, item, origin.thread(number))
        if thread.is_pull_request:
            pulls.add(number)
    return pulls, warnings


def settle(repository: Repository, numbers: set[int]) -> None:
    """Give refs that the origin no longer shows something to name: the branch that the pull request is for."""
    missing = {f"{PULL}{number}": number for number in numbers}
    for name in repository.refs.filter(name__in=missing).values_list("name", flat=True):
        missing.pop(name)
    for name, number in missing.items():
        thread = repository.discussions.get(number=number)
        base = (
            repository.refs.filter(name=thread.base).first()
            or repository.refs.filter(name=BRANCH + repository.default_branch).first()
        )
        if base is not None:
            Ref.objects.create(repository=repository, name=name, target=base.commit, commit=base.commit)


def _listed(origin: Origin) -> Iterator[dict[str, Any]]:
    """Every thread's line of the origin's list, oldest first.

    Raises:
        OriginRefused: the answer is none of the wire's.
    """
    found: dict[int, dict[str, Any]] = {}
    for page in range(MAX_THREADS):
        answer = origin.threads(page)
        rows = answer.get("discussions")
        if not isinstance(rows, list):
            raise OriginRefused(origin=origin.url, reason="Its list of discussions cannot be read.")
        for row in rows:
            if not isinstance(row, dict) or type(row.get("num")) is not int or not 0 < row["num"] < 10**9:
                raise OriginRefused(origin=origin.url, reason="A discussion without a number.")
            found[row["num"]] = row
        if not rows or len(found) >= MAX_THREADS or len(found) >= _whole(answer.get("count")):
            break
    yield from (found[number] for number in sorted(found))


@transaction.atomic
def _keep(repository: Repository, known: Discussion | None, item: dict[str, Any], told: dict[str, Any]) -> Discussion:
    """Write one thread as it is there now."""
    status = str(item.get("status"))
    is_pull = item.get("isPullRequest") is True
    changes = told.get("changes")
    changes = changes if isinstance(changes, dict) else {}
    facts = {
        "title": " ".join(str(item.get("title", "")).split())[:MAX_TITLE] or f"#{item['num']}",
        "status": status if _fits(status, is_pull) else DiscussionStatus.CLOSED,
        "is_pinned": item.get("pinned") is True,
        "is_locked": item.get("locked") is True,
    }
    if is_pull:
        base = _text(changes.get("base"), 255)
        facts["base"] = base if base.startswith(BRANCH) else f"{BRANCH}{base or repository.default_branch}"
        facts["merge_commit"] = _text(changes.get("mergeCommitId"), 40)
    if known is None:
        known = Discussion.objects.create(
            repository=repository,
            number=item["num"],
            is_pull_request=is_pull,
            writer_name=_writer(item),
            **facts,
        )
        Discussion.objects.filter(pk=known.pk).update(created_at=_moment(item.get("createdAt")))
        _count_from(repository, known.number)
    else:
        Discussion.objects.filter(pk=known.pk).update(**facts)
    _add_events(known, told.get("events"))
    return known


def _add_events(thread: Discussion, told: Any) -> None:
    """Add what happened since the last run. Edits of what came before are taken over; nothing is taken away."""
    known = {row.elsewhere: row for row in thread.events.exclude(elsewhere="")}
    rows = [row for row in told if isinstance(row, dict)][:_MAX_EVENTS] if isinstance(told, list) else []
    for row in rows:
        name, kind, data = _text(row.get("id"), 64), str(row.get("type")), row.get("data")
        if kind not in EventKind.values or not name or not isinstance(data, dict):
            continue
        text, hidden = _comment(data) if kind == EventKind.COMMENT else ("", False)
        was = known.get(name)
        if was is None:
            _add_event(thread, row, kind=EventKind(kind), name=name, text=text, hidden=hidden)
        elif was.text != text or was.is_hidden != hidden:
            DiscussionEvent.objects.filter(pk=was.pk).update(
                text=text, hidden_at=timezone.now() if hidden else None, edited_at=timezone.now()
            )
    comments = thread.events.filter(kind=EventKind.COMMENT).count()
    last = thread.events.order_by("-created_at").values_list("created_at", flat=True).first()
    Discussion.objects.filter(pk=thread.pk).update(
        comment_count=max(comments - 1, 0), updated_at=last or timezone.now()
    )


def _add_event(thread: Discussion, row: dict[str, Any], *, kind: EventKind, name: str, text: str, hidden: bool) -> None:
    made = DiscussionEvent.objects.create(
        discussion=thread,
        kind=kind,
        writer_name=_writer(row),
        elsewhere=name,
        text=text,
        data={} if kind == EventKind.COMMENT else _facts(row["data"]),
        hidden_at=timezone.now() if hidden else None,
    )
    DiscussionEvent.objects.filter(pk=made.pk).update(created_at=_moment(row.get("createdAt")))


def _comment(data: dict[str, Any]) -> tuple[str, bool]:
    """What a comment says now, and whether it is hidden."""
    latest = data.get("latest")
    hidden = data.get("hidden") is True
    text = latest.get("raw") if isinstance(latest, dict) else ""
    text = text if isinstance(text, str) and not hidden else ""
    return checked_text(text.replace("\0", "")[:_MAX_TEXT], may_be_empty=True), hidden


def _facts(data: dict[str, Any]) -> dict[str, Any]:
    """The plain facts of an event, cut to what a row here would hold."""
    kept: dict[str, Any] = {}
    for key, value in list(data.items())[:20]:
        if isinstance(value, str):
            kept[key[:40]] = value.replace("\0", "")[:500]
        elif isinstance(value, bool | int):
            kept[key[:40]] = value
    return kept


def _writer(row: dict[str, Any]) -> str:
    author = row.get("author")
    name = author.get("name") if isinstance(author, dict) else ""
    return _text(name, _MAX_NAME) or "?"


def _text(value: Any, limit: int) -> str:
    return value.replace("\0", "")[:limit] if isinstance(value, str) else ""


def _whole(value: Any) -> int:
    return value if type(value) is int else MAX_THREADS


def _fits(status: str, is_pull: bool) -> bool:
    return status in DiscussionStatus.values and (is_pull or status not in {"draft", "merged"})


def _moment(value: Any) -> datetime:
    try:
        found = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        return timezone.now()
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _count_from(repository: Repository, number: int) -> None:
    """The next thread of this hub's own comes after those of the other one."""
    DiscussionCounter.objects.bulk_create([DiscussionCounter(repository=repository)], ignore_conflicts=True)
    DiscussionCounter.objects.filter(repository=repository, last__lt=number).update(last=number)
