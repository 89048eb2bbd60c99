"""The history of a repository: its commits, and what one of them changed."""

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authentication import acting_user
from evaluation.models import Evaluation
from evaluation.presentation import badges
from hub.core.exceptions import Conflict, Invalid, NotFound
from hub.core.forms import PlainForm
from hub.core.htmx import render_page_or_fragment
from hub.core.wire import status_of
from hub.pages import facets
from hub.pages.compare import diff_context
from hub.pages.repository import open_repository, scan_wait
from models_registry import addresses
from models_registry.diffing import changes
from models_registry.manifests import listing_of
from models_registry.models import Commit, Repository
from models_registry.permissions import Action, require
from models_registry.services.restore import restore as restore_state

PER_PAGE = 30
MAX_PATHS = 300


@require_safe
def commits(request: HttpRequest, kind: str, namespace: str, name: str, revision: str | None = None) -> HttpResponse:
    """The commits behind a revision, newest first. The next page starts at the first one not shown."""
    opened = open_repository(request, kind, namespace, name, revision)
    start = request.GET.get("cursor", "")
    walked = first_parents(opened.repository, start or opened.commit.oid, PER_PAGE + 1)
    shown, more = walked[:PER_PAGE], walked[PER_PAGE:]
    evaluations = Evaluation.objects.with_scores(request.user).filter(commit__in=shown)
    by_commit = {found.commit_id: found for found in evaluations}
    context = opened.context("history") | {
        "commits": [(commit, badges(by_commit.get(commit.pk))) for commit in shown],
        "next_url": facets.with_value(request.GET, "cursor", more[0].oid) if more else "",
    }
    return render_page_or_fragment(
        request, "models_registry/commits.html", "models_registry/partials/_commits.html", context
    )


def first_parents(repository: Repository, oid: str, limit: int) -> list[Commit]:
    """A commit and its first parents, newest first, at most `limit`.

    Rows are fetched a page at a time by age and walked in memory, so a straight history costs one query.
    """
    start = repository.commits.light().filter(oid=oid).first()
    found: list[Commit] = []
    known: dict[str, Commit] = {}
    commit = start
    while commit is not None and len(found) < limit:
        found.append(commit)
        parent = commit.parents[0] if commit.parents else None
        if parent is None:
            break
        if parent not in known:
            known |= {
                row.oid: row for row in repository.commits.light().filter(pk__lt=commit.pk).order_by("-pk")[:limit]
            }
        commit = known.get(parent) or repository.commits.light().filter(oid=parent).first()
    return found


@require_safe
def commit(request: HttpRequest, kind: str, namespace: str, name: str, revision: str) -> HttpResponse:
    """One commit: who, when, why, and which files it touched."""
    opened = open_repository(request, kind, namespace, name, revision)
    parent = opened.commit.parents[0] if opened.commit.parents else ""
    before = opened.repository.commits.filter(oid=parent).first() if parent else None
    context = opened.context("history") | {
        "parent": parent,
        "scan_wait": scan_wait(opened),
        **diff_context(request, opened.repository, before, opened.commit, opened.listing),
    }
    return render(request, "models_registry/commit.html", context)


class RestoreForm(PlainForm):
    """Where to, and what."""

    branch = forms.CharField(label=_("Onto the branch"), max_length=250)
    path = forms.CharField(
        label=_("Path"), required=False, max_length=1000, help_text=_("One file or folder. Empty restores everything.")
    )
    title = forms.CharField(label=_("Summary"), required=False, max_length=500)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def restore(request: HttpRequest, kind: str, namespace: str, name: str, revision: str) -> HttpResponse:
    """Make the state of a commit the newest one, by a new commit."""
    opened = open_repository(request, kind, namespace, name, revision)
    repository, user = opened.repository, acting_user(request)
    require(user, Action.WRITE, repository)
    given = {"branch": request.GET.get("branch") or repository.default_branch, "path": request.GET.get("path", "")}
    form = RestoreForm(request.POST) if request.method == "POST" else RestoreForm(initial=given)
    status = 400 if form.errors else 200
    if form.is_valid():
        data = form.cleaned_data
        try:
            made = restore_state(
                repository=repository,
                user=user,
                branch=data["branch"],
                revision=opened.commit.oid,
                path=data["path"],
                title=data["title"],
                expected_head=request.POST.get("expected") or None,
            )
            return HttpResponseRedirect(addresses.at(repository, "commit", made.oid))
        except (Conflict, Invalid, NotFound) as error:
            form.add_error(None, str(error))
            status = status_of(error)
    head = repository.commits.filter(oid=repository.head).first()
    found = changes(listing_of(head), opened.listing) if head else []
    context = opened.context("history") | {
        "form": form,
        "touched": found[:MAX_PATHS],
        "left_out": max(0, len(found) - MAX_PATHS),
    }
    return render(request, "models_registry/restore.html", context, status=status)
