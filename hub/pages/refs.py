"""Branches, tags and pointers: what there is, made, moved and removed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.authentication import acting_user
from accounts.models import User
from hub.core.exceptions import Conflict, Forbidden, Invalid, NotFound
from hub.core.wire import status_of
from hub.pages.repository import Opened, open_repository
from models_registry.ancestry import ahead_behind
from models_registry.exceptions import PointerNotFound, RepositoryForbidden, RepositoryNotFound
from models_registry.models import Commit, PointerMove, Ref, Repository
from models_registry.services import pointers, refs

SHOWN = 100
MOVES_SHOWN = 10


@dataclass(frozen=True)
class RefRow:
    """A branch or tag with its newest commit.

    Attributes:
        ahead, behind: commits that it has and the default branch has not, and the other way; None: too far to count.
    """

    ref: Ref
    commit: Commit | None
    is_default: bool = False
    is_release: bool = False
    ahead: int | None = None
    behind: int | None = None


@require_http_methods(["GET", "HEAD", "POST"])
def branches(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Branches and tags."""
    opened = open_repository(request, kind, namespace, name)
    fault, status = _posted(request, opened, _REF_ACTIONS)
    if request.method == "POST" and not fault:
        return HttpResponseRedirect(request.get_full_path())
    context = opened.context("releases") | _ref_rows(opened.repository) | {"fault": fault, "given": request.POST}
    return render(request, "models_registry/refs.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def pointer_list(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Pointers, each with where it was."""
    opened = open_repository(request, kind, namespace, name)
    fault, status = _posted(request, opened, _POINTER_ACTIONS)
    if request.method == "POST" and not fault:
        return HttpResponseRedirect(request.get_full_path())
    rows = list(opened.repository.pointers.select_related("commit")[:SHOWN])
    context = opened.context("releases") | {
        "pointers": [(row, moves) for row, moves in zip(rows, _moves(opened.repository, rows), strict=True)],
        "fault": fault,
        "given": request.POST,
        "choices": _names(opened.repository),
    }
    return render(request, "models_registry/pointers.html", context, status=status)


def _posted(
    request: HttpRequest, opened: Opened, actions: Mapping[str, Callable[[Repository, User, Any], object]]
) -> tuple[str, int]:
    """Do what a form asks; why it could not be done, and the status that says so."""
    if request.method != "POST":
        return "", 200
    user = acting_user(request)
    try:
        action = actions.get(request.POST.get("action", ""))
        if action is None:
            raise Invalid
        action(opened.repository, user, request.POST)
    except (RepositoryForbidden, RepositoryNotFound):
        raise
    except (Conflict, Forbidden, Invalid, NotFound) as error:
        return str(error), status_of(error)
    return "", 200


def _ref_rows(repository: Repository) -> dict[str, Any]:
    heads = list(repository.refs.branches()[:SHOWN])
    tags = list(repository.refs.tags().order_by("-pk")[:SHOWN])
    default = next((row for row in heads if row.short_name == repository.default_branch), None)
    oids = {row.commit for row in (*heads, *tags)}
    commits = {row.oid: row for row in repository.commits.light().filter(oid__in=oids)}
    counts = ahead_behind(repository, default.commit, [row.commit for row in heads]) if default else {}
    released = set(repository.releases.filter(ref__in=tags).values_list("ref_id", flat=True))
    rows = [
        RefRow(row, commits.get(row.commit), row == default, False, *counts.get(row.commit, (None, None)))
        for row in heads
    ]
    rows.sort(key=lambda row: not row.is_default)
    return {
        "branches": rows,
        "tags": [RefRow(row, commits.get(row.commit), is_release=row.pk in released) for row in tags],
        "more": len(heads) == SHOWN or len(tags) == SHOWN,
    }


def _moves(repository: Repository, rows: list[Any]) -> list[list[PointerMove]]:
    """The latest moves of each pointer, in one query."""
    found: dict[int, list[PointerMove]] = {row.pk: [] for row in rows}
    moves = PointerMove.objects.filter(pointer__repository=repository).select_related("by").order_by("-pk")
    for move in moves[: SHOWN * MOVES_SHOWN]:
        if len(found.get(move.pointer_id, [])) < MOVES_SHOWN and move.pointer_id in found:
            found[move.pointer_id].append(move)
    return [found[row.pk] for row in rows]


def _names(repository: Repository) -> list[str]:
    names = list(repository.releases.newest_first().values_list("name", flat=True)[:SHOWN])
    return [*names, *(row.short_name for row in repository.refs.branches()[:SHOWN])]


def _create_branch(repository: Repository, user: User, given: Any) -> None:
    start = given.get("start", "").strip() or None
    refs.create_branch(repository=repository, user=user, name=given.get("name", "").strip(), start=start)


def _create_tag(repository: Repository, user: User, given: Any) -> None:
    revision = given.get("start", "").strip() or None
    message = given.get("message", "").strip()
    refs.create_tag(
        repository=repository, user=user, name=given.get("name", "").strip(), revision=revision, message=message
    )


def _delete_branch(repository: Repository, user: User, given: Any) -> None:
    refs.delete_branch(repository=repository, user=user, name=given.get("name", ""))


def _delete_tag(repository: Repository, user: User, given: Any) -> None:
    refs.delete_tag(repository=repository, user=user, name=given.get("name", ""))


def _move(repository: Repository, user: User, given: Any) -> None:
    pointers.move_pointer(
        repository=repository,
        user=user,
        name=given.get("name", "").strip(),
        revision=given.get("revision", "").strip(),
        expected=given.get("expected"),
        note=given.get("note", ""),
    )


def _back(repository: Repository, user: User, given: Any) -> None:
    number = given.get("move", "")
    rows = PointerMove.objects.filter(pointer__repository=repository).select_related("pointer")
    former = rows.filter(pk=int(number)).first() if number.isascii() and number.isdigit() and len(number) < 19 else None
    if former is None:
        raise PointerNotFound(name=given.get("name", "")[:200])
    pointers.roll_back(
        repository=repository, user=user, name=former.pointer.name, to=former, note=given.get("note", "")
    )


def _withdraw(repository: Repository, user: User, given: Any) -> None:
    pointers.withdraw_pointer(
        repository=repository,
        user=user,
        name=given.get("name", ""),
        expected=given.get("expected"),
        note=given.get("note", ""),
    )


_REF_ACTIONS = {
    "create_branch": _create_branch,
    "create_tag": _create_tag,
    "delete_branch": _delete_branch,
    "delete_tag": _delete_tag,
}
_POINTER_ACTIONS = {"move": _move, "back": _back, "withdraw": _withdraw}
