"""A change made in the browser: where it may go, as a commit or as a pull request, and what stands in its way."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.authentication import acting_user
from accounts.models import User
from hub.core.exceptions import HubError
from hub.core.forms import PlainForm
from hub.pages.repository import Opened, open_repository
from models_registry import addresses
from models_registry.exceptions import StaleHead
from models_registry.manifests import listing_of
from models_registry.models import Commit, Repository
from models_registry.permissions import Action, can, require
from models_registry.services.commits import MAX_BODY, MAX_TITLE, commit
from models_registry.services.pull_requests import open_pull_request
from models_registry.services.rights import require_commit
from models_registry.types import BRANCH, PULL, Operation

COMMIT, PROPOSE = "commit", "propose"
_OID = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Ways:
    """Where this person's change to this ref can go.

    Attributes:
        ref: the branch's or pull request's full name.
        may_commit: straight to the ref.
        may_propose: as a pull request for the branch.
    """

    ref: str
    may_commit: bool
    may_propose: bool

    @property
    def first(self) -> str:
        return COMMIT if self.may_commit else PROPOSE


def open_for_change(
    request: HttpRequest, kind: str, namespace: str, name: str, revision: str
) -> tuple[Opened, User, Ways]:
    """A repository at a ref that this person may change, or propose a change for.

    Raises:
        RepositoryNotFound, RepositoryForbidden, GatedRepository, ScopeTooSmall, RevisionNotFound
        PermissionDenied: the revision is no branch, or nobody may propose anything here.
    """
    opened = open_repository(request, kind, namespace, name, revision)
    user = acting_user(request)
    require(user, Action.PROPOSE, opened.repository)
    ways = ways_of(opened.repository, revision, user)
    if not (ways.may_commit or ways.may_propose):
        raise PermissionDenied
    return opened, user, ways


def ways_of(repository: Repository, revision: str, user: Any) -> Ways:
    """What this person may do with a change to a revision; nothing where the revision is no branch."""
    ref = revision if revision.startswith(PULL) else BRANCH + revision
    if not user.is_authenticated or not repository.refs.filter(name=ref).exists():
        return Ways(ref, may_commit=False, may_propose=False)
    may_propose = ref.startswith(BRANCH) and not repository.discussions_disabled
    return Ways(
        ref,
        may_commit=_may_commit(repository, ref, user),
        may_propose=may_propose and can(user, Action.PROPOSE, repository),
    )


def _may_commit(repository: Repository, ref: str, user: User) -> bool:
    try:
        require_commit(user=user, repository=repository, ref=ref)
    except HubError:
        return False
    return True


class ChangeForm(PlainForm):
    """What every change says: a title, why, which way, and the commit that the person looked at."""

    title = forms.CharField(label=_("Title"), required=False, max_length=MAX_TITLE)
    description = forms.CharField(
        label=_("Why"), required=False, max_length=MAX_BODY, widget=forms.Textarea(attrs={"rows": 2})
    )
    way = forms.ChoiceField(label=_("Where it goes"), widget=forms.RadioSelect, required=False)
    head = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, opened: Opened, ways: Ways, suggested: str, **kwargs: Any) -> None:
        initial = {"way": ways.first, "head": opened.commit.oid} | kwargs.pop("initial", {})
        super().__init__(*args, initial=initial, **kwargs)
        self.opened, self.ways, self.suggested = opened, ways, suggested
        self.fields["title"].widget.attrs["placeholder"] = suggested
        way = self.fields["way"]
        assert isinstance(way, forms.ChoiceField)
        way.choices = [
            *([(COMMIT, gettext("Commit to %(branch)s") % {"branch": opened.revision})] if ways.may_commit else []),
            *([(PROPOSE, gettext("Open a pull request"))] if ways.may_propose else []),
        ]

    def clean_head(self) -> str:
        head = str(self.cleaned_data["head"])
        return head if _OID.fullmatch(head) else self.opened.commit.oid

    def clean_way(self) -> str:
        return str(self.cleaned_data.get("way") or self.ways.first)


def carry_out(
    request: HttpRequest,
    form: ChangeForm,
    operations: Sequence[Operation],
    *,
    touched: Sequence[str],
    after: str,
) -> HttpResponse:
    """Do it, and lead to what came of it.

    Args:
        touched: the paths that must still be as the person saw them.
        after: where a commit leads; a pull request leads to its own page.

    Raises:
        StaleHead: one of the touched paths has changed meanwhile.
        and what `commit` and `open_pull_request` raise
    """
    data, opened, user = form.cleaned_data, form.opened, acting_user(request)
    title, body = data["title"].strip() or form.suggested, data["description"]
    if data["way"] == PROPOSE:
        start = opened.repository.commits.filter(oid=data["head"]).values_list("oid", flat=True).first()
        made = open_pull_request(
            repository=opened.repository,
            user=user,
            title=title,
            description=body,
            base=opened.revision,
            operations=operations,
            start=start,
        )
        return redirect(addresses.thread(opened.repository, made.discussion.number))
    done = _commit(form, user, operations, touched, title=title, body=body)
    messages.success(request, gettext("Committed %(commit)s.") % {"commit": done.oid[:7]})
    return redirect(after)


def _commit(
    form: ChangeForm, user: User, operations: Sequence[Operation], touched: Sequence[str], *, title: str, body: str
) -> Commit:
    """Commit on what the person saw; on something newer, if that left what is touched alone."""
    repository, head = form.opened.repository, form.cleaned_data["head"]

    def on(expected: str) -> Commit:
        return commit(
            repository=repository,
            user=user,
            branch=form.ways.ref,
            title=title,
            body=body,
            operations=operations,
            expected_head=expected,
        )

    try:
        return on(head)
    except StaleHead:
        newer = repository.refs.get(name=form.ways.ref).commit
        if not _same(repository, head, newer, touched):
            raise
        return on(newer)


def _same(repository: Repository, old: str, new: str, paths: Sequence[str]) -> bool:
    rows = {row.oid: row for row in repository.commits.filter(oid__in=[old, new])}
    if old not in rows or new not in rows:
        return False
    before, after = listing_of(rows[old]).files, listing_of(rows[new]).files
    return all(_oid(before, path) == _oid(after, path) for path in paths)


def _oid(files: Any, path: str) -> str:
    entry = files.get(path)
    return entry.oid if entry else ""
