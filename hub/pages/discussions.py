"""Discussions and pull requests: their list, one thread, what a pull request changes, and opening one."""

from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authentication import acting_user
from accounts.models import User
from evaluation.models import Evaluation
from evaluation.presentation import badges
from evaluation.presentation_verdicts import shown
from evaluation.services import gates, reading, versions
from hub.core.exceptions import HubError
from hub.core.forms import PlainForm
from hub.core.htmx import wants_fragment
from hub.core.pagination import keyset_page
from hub.pages import facets, threads
from hub.pages.compare import diff_context
from hub.pages.repository import Opened, open_repository, origin
from models_registry import addresses
from models_registry.manifests import listing_of
from models_registry.models import Discussion, Kind, LicenceChange, Mention, Repository
from models_registry.permissions import Action, can, require
from models_registry.services import attachments
from models_registry.services.discussions import MAX_TITLE, MIN_TITLE, find_discussion, open_discussion
from models_registry.services.pull_requests import Weighed, changed, commits_of, open_pull_request, weigh
from models_registry.services.rights import require_discussing

PER_PAGE = 30
LICENCES_SHOWN = 10


class NewThreadForm(PlainForm):
    """A title and a first comment."""

    title = forms.CharField(label=_("Title"), min_length=MIN_TITLE, max_length=MAX_TITLE)
    text = forms.CharField(
        label=_("Text"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Markdown. @name names a person, #12 another thread here."),
    )
    picture = forms.FileField(
        label=_("Attach a picture"),
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": ",".join(attachments.MEDIA_TYPES)}),
    )


class NewPullRequestForm(NewThreadForm):
    """The same from one branch to another."""

    branch = forms.ChoiceField(label=_("From the branch"))
    base = forms.ChoiceField(label=_("Into"))

    field_order = ("branch", "base", "title", "text", "picture")

    def __init__(self, *args: Any, repository: Repository, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [ref.short_name for ref in repository.refs.branches()[:200]]
        for name, first in (("branch", None), ("base", repository.default_branch)):
            wanted = self.fields[name]
            assert isinstance(wanted, forms.ChoiceField)
            chosen = [each for each in names if name == "base" or each != repository.default_branch]
            wanted.choices = [(each, each) for each in sorted(chosen, key=lambda each: (each != first, each))]


@require_safe
def discussions(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """The threads of a repository, pinned ones first on the first page."""
    opened = open_repository(request, kind, namespace, name)
    repository = opened.repository
    status = "closed" if request.GET.get("status") == "closed" else "open"
    which, query = request.GET.get("kind", ""), request.GET.get("q", "").strip()[:200]
    found = Discussion.objects.filter(repository=repository).of_kind(which).search(query)
    counts = {"open": found.open().count(), "closed": found.closed().count()}
    rows = (found.open() if status == "open" else found.closed()).select_related("author")
    cursor = request.GET.get("cursor")
    page = keyset_page(rows.filter(is_pinned=False), order=("-id",), limit=PER_PAGE, cursor=cursor)
    context = opened.context("discussions") | {
        "pinned": [] if cursor else list(rows.filter(is_pinned=True).order_by("-pk")[:10]),
        "rows": page.rows,
        "counts": counts,
        "status": status,
        "which": which if which in {"discussion", "pull_request"} else "",
        "query": query,
        "open_url": facets.with_value(request.GET, "status", "open"),
        "closed_url": facets.with_value(request.GET, "status", "closed"),
        "next_url": facets.with_value(request.GET, "cursor", page.next_cursor) if page.next_cursor else "",
        "may_discuss": can(request.user, Action.DISCUSS, repository) and not repository.discussions_disabled,
        "has_branches": repository.refs.branches().count() > 1,
    }
    return render(request, "models_registry/discussions.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Open a discussion, or with `kind=pull_request` a pull request from a branch."""
    opened = open_repository(request, kind, namespace, name)
    repository, user = opened.repository, acting_user(request)
    is_pull_request = request.GET.get("kind") == "pull_request"
    require_discussing(user=user, repository=repository, action=Action.PROPOSE if is_pull_request else Action.DISCUSS)
    given = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form: NewThreadForm = NewThreadForm(*given)
    if is_pull_request:
        form = NewPullRequestForm(*given, repository=repository, initial={"branch": request.GET.get("branch", "")})
    if request.method == "POST" and request.POST.get("do") == "preview":
        return _preview(request, opened, form, is_pull_request)
    if form.is_valid():
        try:
            made = _make(repository, user, form.cleaned_data, is_pull_request)
            return redirect(addresses.thread(repository, made.number))
        except HubError as error:
            form.add_error(None, str(error))
    context = _new_context(request, opened, form, is_pull_request)
    return render(request, "models_registry/discussion_new.html", context, status=400 if form.errors else 200)


def _make(repository: Repository, user: User, data: dict[str, Any], is_pull_request: bool) -> Discussion:
    text = attachments.with_picture(data["text"], data["picture"], user=user)
    if not is_pull_request:
        return open_discussion(repository=repository, user=user, title=data["title"], text=text)
    made = open_pull_request(
        repository=repository,
        user=user,
        title=data["title"],
        description=text,
        base=data["base"],
        branch=data["branch"],
    )
    return made.discussion


def _preview(request: HttpRequest, opened: Opened, form: NewThreadForm, is_pull_request: bool) -> HttpResponse:
    html = threads.rendered(opened.repository, request.POST.get("text", ""))
    if wants_fragment(request):
        return render(request, "models_registry/partials/_preview.html", {"preview": html})
    context = _new_context(request, opened, form, is_pull_request) | {"preview": html, "is_preview": True}
    return render(request, "models_registry/discussion_new.html", context)


def _new_context(request: HttpRequest, opened: Opened, form: NewThreadForm, is_pull_request: bool) -> dict[str, Any]:
    return opened.context("discussions") | {
        "form": form,
        "is_pull_request": is_pull_request,
        "endpoint": origin(request),
        "may_upload": can(request.user, Action.PROPOSE, opened.repository),
    }


@require_safe
def thread(request: HttpRequest, kind: str, namespace: str, name: str, number: int) -> HttpResponse:
    """One thread: what was said and done in it, and how a pull request stands."""
    opened = open_repository(request, kind, namespace, name)
    return render_thread(request, opened, find_discussion(opened.repository, number))


def render_thread(
    request: HttpRequest, opened: Opened, discussion: Discussion, *, status: int = 200, **more: Any
) -> HttpResponse:
    """The page of a thread; `more` is what a form that was not taken brings back: text, error, preview."""
    weighed = weigh(discussion) if discussion.is_pull_request and discussion.is_open else None
    viewer = request.user if isinstance(request.user, User) else None
    shown = threads.shown(discussion, viewer=viewer, may_write=opened.may_write, start=request.GET.get("from", ""))
    context = thread_context(request, opened, discussion, "conversation", weighed) | {"shown": shown} | more
    return render(request, "models_registry/discussion.html", context, status=status)


@require_safe
def commits(request: HttpRequest, kind: str, namespace: str, name: str, number: int) -> HttpResponse:
    """The commits of a pull request."""
    opened = open_repository(request, kind, namespace, name)
    discussion = find_discussion(opened.repository, number)
    weighed = weigh(discussion) if discussion.is_pull_request else None
    context = thread_context(request, opened, discussion, "commits", weighed)
    context["commits"] = [(commit, []) for commit in commits_of(discussion, weighed)]
    return render(request, "models_registry/discussion_commits.html", context)


@require_safe
def files(request: HttpRequest, kind: str, namespace: str, name: str, number: int) -> HttpResponse:
    """What a pull request changes, line by line where it is text."""
    opened = open_repository(request, kind, namespace, name)
    discussion = find_discussion(opened.repository, number)
    require(request.user, Action.DOWNLOAD, opened.repository)
    weighed = weigh(discussion) if discussion.is_pull_request else None
    before, after = changed(discussion, weighed)
    context = thread_context(request, opened, discussion, "files", weighed)
    if after is not None:
        context |= diff_context(request, opened.repository, before, after, listing_of(after))
    return render(request, "models_registry/discussion_files.html", context)


def thread_context(
    request: HttpRequest, opened: Opened, discussion: Discussion, view: str, weighed: Weighed | None
) -> dict[str, Any]:
    """What `discussion_base.html` needs; `view` is conversation, commits or files."""
    repository, user = opened.repository, request.user
    may_discuss = can(user, Action.DISCUSS, repository) and not repository.discussions_disabled
    is_author = user.is_authenticated and discussion.author_id == user.pk
    measured = _measured(discussion, weighed, user)
    return opened.context("discussions") | {
        "discussion": discussion,
        "view": view,
        "weighed": weighed,
        "may_discuss": may_discuss and (opened.may_write or not discussion.is_locked),
        "may_change": may_discuss and (opened.may_write or (is_author and not discussion.is_locked)),
        "head_badges": badges(measured) if measured is not None else [],
        "measured_oid": measured.commit.oid if measured is not None else "",
        **_verdict(discussion, measured, user),
        "picture_types": ",".join(attachments.MEDIA_TYPES),
        "clone_url": f"{origin(request)}{addresses.page(repository)}",
    }


def _verdict(discussion: Discussion, measured: Evaluation | None, viewer: User | AnonymousUser) -> dict[str, Any]:
    """How the head stands next to the branch that it is for, and whether the gate would let it be merged."""
    if not discussion.is_pull_request or discussion.repository.kind != Kind.MODEL:
        return {}
    policy = gates.policy_of(discussion.repository)
    base = versions.base_of(discussion) if discussion.is_open else None
    if measured is None or base is None:
        return {"verdicts": None, "merge_waits": policy.blocks_merge and discussion.is_open}
    found = reading.comparison_of(base.commit, measured.commit, viewer=viewer)
    complaints = gates.complaints(policy, measured, base)
    said = None if complaints is None else gates.sentences(complaints, viewer)
    return {
        "verdicts": shown(found) if found is not None else None,
        "merge_complaints": said,
        "merge_waits": policy.blocks_merge and complaints != [],
    }


def _measured(discussion: Discussion, weighed: Weighed | None, viewer: User | AnonymousUser) -> Evaluation | None:
    """What was measured of a pull request's head or merge. Only default branches are measured of their own accord."""
    oid = discussion.merge_commit or (weighed.head.oid if weighed is not None else "")
    if not oid:
        return None
    rows = Evaluation.objects.with_runs(viewer).filter(repository=discussion.repository, commit__oid=oid)
    return rows.select_related("commit").first()


@login_required
@require_safe
def mentions(request: HttpRequest) -> HttpResponse:
    """Where somebody named the reader, newest first."""
    rows = Mention.objects.of(acting_user(request)).select_related(
        "event__author", "event__discussion__repository__namespace"
    )
    page = keyset_page(rows, order=("-id",), limit=PER_PAGE, cursor=request.GET.get("cursor"))
    next_url = facets.with_value(request.GET, "cursor", page.next_cursor) if page.next_cursor else ""
    news = (
        [] if "cursor" in request.GET else LicenceChange.objects.of_interest_to(acting_user(request))[:LICENCES_SHOWN]
    )
    context = {"mentions": page.rows, "next_url": next_url, "title": gettext("Mentions"), "licence_changes": news}
    return render(request, "models_registry/mentions.html", context)
