"""The wire: discussions and pull requests (E44 to E48)."""

import re
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import acting_user
from hub.core.bodies import BadBody, flag, json_object, text_field
from models_registry.api import threads as shown
from models_registry.api.lookup import find_repository, web_url
from models_registry.exceptions import DiscussionsDisabled
from models_registry.models import Discussion, DiscussionEvent, DiscussionStatus, Repository
from models_registry.permissions import Action, can
from models_registry.services import discussions as services
from models_registry.services.pull_requests import merge_pull_request, open_pull_request

PAGE = 50
MAX_PAGES = 10_000
_KINDS = {"all", "discussion", "pull_request"}
_STATUSES = {"all", "open", "closed"}


@require_http_methods(["GET", "HEAD", "POST"])
def threads(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """E44 and E46."""
    repository = find_repository(request, kind, namespace, name)
    return _open(request, repository) if request.method == "POST" else _listing(request, repository)


def _listing(request: HttpRequest, repository: Repository) -> HttpResponse:
    """E44. Pages by number, newest first; `start` plus what is here against `count` tells clients of more."""
    if repository.discussions_disabled:
        raise DiscussionsDisabled
    status = _one_of(request, "status", _STATUSES)
    found = Discussion.objects.filter(repository=repository).of_kind(_one_of(request, "type", _KINDS))
    if request.GET.get("author"):
        found = found.filter(author__username__iexact=request.GET["author"][:100])
    closed = found.closed().count()
    found = {"all": found, "open": found.open(), "closed": found.closed()}[status]
    start = _page(request) * PAGE
    rows = list(found.select_related("author").order_by("-pk")[start : start + PAGE])
    return JsonResponse(
        {
            "discussions": [shown.item(repository, row) for row in rows],
            "count": found.count(),
            "start": start,
            "numClosedDiscussions": closed,
        }
    )


def _open(request: HttpRequest, repository: Repository) -> HttpResponse:
    """E46. A pull request made this way is a draft for commits to come; its ref is there at once."""
    user, body = acting_user(request), json_object(request)
    title, text = text_field(body, "title"), text_field(body, "description", default="")
    is_pull_request = flag(body.get("pullRequest", False))
    if is_pull_request:
        made = open_pull_request(
            repository=repository, user=user, title=title, description=text, is_draft=True
        ).discussion
    else:
        made = services.open_discussion(repository=repository, user=user, title=title, text=text)
    url = f"{web_url(request, repository)}/discussions/{made.number}"
    return JsonResponse({"num": made.number, "url": url, "pullRequest": is_pull_request})


@require_safe
def details(request: HttpRequest, kind: str, namespace: str, name: str, number: int) -> HttpResponse:
    """E45."""
    discussion = _find(request, kind, namespace, name, number)
    may_download = can(request.user, Action.DOWNLOAD, discussion.repository)  # A gate keeps the files' words.
    with_diff = flag(request.GET.get("diff", "false")) and may_download
    return JsonResponse(shown.details(discussion, with_diff=with_diff))


@require_POST
def comment(request: HttpRequest, kind: str, namespace: str, name: str, number: int) -> HttpResponse:
    """E47."""
    discussion = _find(request, kind, namespace, name, number)
    text = text_field(json_object(request), "comment")
    made = services.comment(discussion=discussion, user=acting_user(request), text=text)
    return JsonResponse({"newMessage": shown.event(discussion, made)})


@require_POST
def title(request: HttpRequest, kind: str, namespace: str, name: str, number: int) -> HttpResponse:
    """E47."""
    discussion = _find(request, kind, namespace, name, number)
    wanted = text_field(json_object(request), "title")
    made = services.rename_discussion(discussion=discussion, user=acting_user(request), title=wanted)
    return JsonResponse({"newTitle": shown.event(discussion, made)})


@require_POST
def status(request: HttpRequest, kind: str, namespace: str, name: str, number: int) -> HttpResponse:
    """E47. `open` also ends a draft."""
    discussion, body = _find(request, kind, namespace, name, number), json_object(request)
    wanted = text_field(body, "status")
    if wanted not in {"open", "closed"}:
        raise BadBody(reason="“status” must be open or closed.")
    made = services.set_status(
        discussion=discussion,
        user=acting_user(request),
        status=DiscussionStatus(wanted),
        text=text_field(body, "comment", default=""),
    )
    return JsonResponse({"newStatus": shown.event(discussion, made)})


@require_POST
def edit(request: HttpRequest, kind: str, namespace: str, name: str, number: int, event: str) -> HttpResponse:
    """E47."""
    discussion, found = _find_comment(request, kind, namespace, name, number, event)
    text = text_field(json_object(request), "content")
    made = services.edit_comment(discussion=discussion, event=found, user=acting_user(request), text=text)
    return JsonResponse({"updatedComment": shown.event(discussion, made)})


@require_POST
def hide(request: HttpRequest, kind: str, namespace: str, name: str, number: int, event: str) -> HttpResponse:
    """E47. For good: nobody can show it again."""
    discussion, found = _find_comment(request, kind, namespace, name, number, event)
    made = services.hide_comment(discussion=discussion, event=found, user=acting_user(request))
    return JsonResponse({"updatedComment": shown.event(discussion, made)})


@require_POST
def merge(request: HttpRequest, kind: str, namespace: str, name: str, number: int) -> HttpResponse:
    """E48. The body may be `null`."""
    discussion = _find(request, kind, namespace, name, number)
    text = text_field(_object_or_null(request), "comment", default="")
    made = merge_pull_request(discussion=discussion, user=acting_user(request), text=text)
    return JsonResponse({"newStatus": shown.event(discussion, made)})


def _find(request: HttpRequest, kind: str, namespace: str, name: str, number: int) -> Discussion:
    repository = find_repository(request, kind, namespace, name)
    if request.method == "POST":
        acting_user(request)  # Before the thread is looked for: strangers hear to sign in.
    return services.find_discussion(repository, number)


def _find_comment(
    request: HttpRequest, kind: str, namespace: str, name: str, number: int, event: str
) -> tuple[Discussion, DiscussionEvent]:
    discussion = _find(request, kind, namespace, name, number)
    return discussion, services.find_comment(discussion, event)


def _object_or_null(request: HttpRequest) -> dict[str, Any]:
    return {} if request.body[:10].strip() in {b"", b"null"} else json_object(request)


def _one_of(request: HttpRequest, name: str, known: set[str]) -> str:
    value = request.GET.get(name) or "all"
    if value not in known:
        raise BadBody(reason=f"“{name}” must be one of {', '.join(sorted(known))}.")
    return value


def _page(request: HttpRequest) -> int:
    text = request.GET.get("p", "0")
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) > MAX_PAGES:
        raise BadBody(reason="“p” must be a whole number.")
    return int(text)
