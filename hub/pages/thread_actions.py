"""What people do in a thread. Each action is a form's address; afterwards the thread is shown again."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.authentication import acting_user
from hub.core.exceptions import Conflict, Invalid, OverLimit
from hub.core.htmx import wants_fragment
from hub.pages import threads
from hub.pages.discussions import render_thread
from hub.pages.repository import find_repository, open_repository
from models_registry import addresses
from models_registry.exceptions import NotTheAuthor
from models_registry.models import Discussion, DiscussionEvent, DiscussionStatus
from models_registry.services import attachments
from models_registry.services import discussions as services
from models_registry.services.pull_requests import merge_pull_request
from models_registry.services.rights import require_discussing


def _find(request: HttpRequest, kind: str, namespace: str, name: str, number: int) -> Discussion:
    return services.find_discussion(find_repository(request, kind, namespace, name), number)


def _back(discussion: Discussion, event: DiscussionEvent | None = None) -> HttpResponse:
    """To the thread, at one of its comments."""
    address = addresses.thread(discussion.repository, discussion.number)
    return redirect(f"{address}#{event.public_id}" if event is not None else address)


def _done(request: HttpRequest, discussion: Discussion, act: Callable[[], Any]) -> HttpResponse:
    """Do it and go back; what the world's state forbids is said there, what she may not do is an error page."""
    try:
        made = act()
    except (Conflict, Invalid, OverLimit) as error:
        messages.error(request, str(error))
        made = None
    return _back(discussion, made if isinstance(made, DiscussionEvent) else None)


@login_required
@require_POST
def comment(request: HttpRequest, kind: str, namespace: str, name: str, number: int) -> HttpResponse:
    """Answer; `do` also closes, opens again, or only shows what it will look like."""
    opened = open_repository(request, kind, namespace, name)
    discussion, user = services.find_discussion(opened.repository, number), acting_user(request)
    require_discussing(user=user, repository=opened.repository)
    text, do = request.POST.get("text", ""), request.POST.get("do", "")
    if do == "preview":
        html = threads.rendered(opened.repository, text)
        if wants_fragment(request):
            return render(request, "models_registry/partials/_preview.html", {"preview": html})
        return render_thread(request, opened, discussion, text=text, preview=html, is_preview=True)
    try:
        whole = attachments.with_picture(text, request.FILES.get("picture"), user=user)
        if do in {"close", "reopen"}:
            status = DiscussionStatus.CLOSED if do == "close" else DiscussionStatus.OPEN
            made = services.set_status(discussion=discussion, user=user, status=status, text=whole)
        else:
            made = services.comment(discussion=discussion, user=user, text=whole)
    except (Conflict, Invalid, OverLimit) as error:  # Nothing that was written may be lost.
        return render_thread(request, opened, discussion, status=400, text=text, error=str(error))
    return _back(discussion, made)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, kind: str, namespace: str, name: str, number: int, event: str) -> HttpResponse:
    """Edit a comment on a page of its own."""
    opened = open_repository(request, kind, namespace, name)
    discussion, user = services.find_discussion(opened.repository, number), acting_user(request)
    found = services.find_comment(discussion, event)
    require_discussing(user=user, repository=opened.repository)
    if found.author_id != user.pk:
        raise NotTheAuthor
    context = opened.context("discussions") | {"discussion": discussion, "event": found, "text": found.text}
    if request.method == "POST":
        text = request.POST.get("text", "")
        if request.POST.get("do") == "preview":
            html = threads.rendered(opened.repository, text)
            if wants_fragment(request):
                return render(request, "models_registry/partials/_preview.html", {"preview": html})
            context |= {"text": text, "preview": html, "is_preview": True}
        else:
            try:
                services.edit_comment(discussion=discussion, event=found, user=user, text=text)
                return _back(discussion, found)
            except (Conflict, Invalid, OverLimit) as error:
                context |= {"text": text, "error": str(error)}
    status = 400 if "error" in context else 200
    return render(request, "models_registry/comment_edit.html", context, status=status)


@login_required
@require_POST
def hide(request: HttpRequest, kind: str, namespace: str, name: str, number: int, event: str) -> HttpResponse:
    """Hide a comment for good."""
    discussion, user = _find(request, kind, namespace, name, number), acting_user(request)
    found = services.find_comment(discussion, event)
    return _done(request, discussion, lambda: services.hide_comment(discussion=discussion, event=found, user=user))


@login_required
@require_POST
def react(request: HttpRequest, kind: str, namespace: str, name: str, number: int, event: str) -> HttpResponse:
    """Put a word to a comment, or take it back."""
    discussion, user = _find(request, kind, namespace, name, number), acting_user(request)
    found = services.find_comment(discussion, event)
    word = request.POST.get("word", "")

    def act() -> DiscussionEvent:
        services.react(discussion=discussion, event=found, user=user, kind=word)
        return found

    return _done(request, discussion, act)


@login_required
@require_POST
def title(request: HttpRequest, kind: str, namespace: str, name: str, number: int) -> HttpResponse:
    """Rename a thread."""
    discussion, user = _find(request, kind, namespace, name, number), acting_user(request)
    wanted = request.POST.get("title", "")
    return _done(
        request, discussion, lambda: services.rename_discussion(discussion=discussion, user=user, title=wanted)
    )


@login_required
@require_POST
def status(request: HttpRequest, kind: str, namespace: str, name: str, number: int) -> HttpResponse:
    """Close a thread, open it again, or call a draft ready."""
    discussion, user = _find(request, kind, namespace, name, number), acting_user(request)
    wanted = DiscussionStatus.CLOSED if request.POST.get("status") == "closed" else DiscussionStatus.OPEN
    return _done(request, discussion, lambda: services.set_status(discussion=discussion, user=user, status=wanted))


@login_required
@require_POST
def mark(request: HttpRequest, kind: str, namespace: str, name: str, number: int) -> HttpResponse:
    """Pin or lock a thread, or neither any more."""
    discussion, user = _find(request, kind, namespace, name, number), acting_user(request)
    wanted = {
        "pin": {"pinned": True},
        "unpin": {"pinned": False},
        "lock": {"locked": True},
        "unlock": {"locked": False},
    }.get(request.POST.get("do", ""), {})
    return _done(request, discussion, lambda: services.set_mark(discussion=discussion, user=user, **wanted))


@login_required
@require_POST
def merge(request: HttpRequest, kind: str, namespace: str, name: str, number: int) -> HttpResponse:
    """Merge a pull request."""
    discussion, user = _find(request, kind, namespace, name, number), acting_user(request)
    text = request.POST.get("text", "")
    return _done(request, discussion, lambda: merge_pull_request(discussion=discussion, user=user, text=text))
