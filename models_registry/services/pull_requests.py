"""Pull requests: opened with a ref of their own, committed to, merged into the branch that they are for."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction

from accounts.models import User
from models_registry.exceptions import InvalidDiscussion, MergeConflict, RevisionNotFound, WrongStatus
from models_registry.history import merge_base, side_commits
from models_registry.manifests import listing_of
from models_registry.merging import Merged, merge_listings
from models_registry.models import (
    Commit,
    Discussion,
    DiscussionEvent,
    DiscussionStatus,
    EventKind,
    GitObject,
    Ref,
    Repository,
)
from models_registry.paths import clash
from models_registry.permissions import Action, require
from models_registry.services import limits, threads
from models_registry.services.commits import commit, lock_ref, merge_commit
from models_registry.services.discussions import MAX_TITLE, checked_text, checked_title
from models_registry.services.revisions import find_commit
from models_registry.services.rights import require_discussing
from models_registry.signals import commit_published, merge_wanted
from models_registry.types import BRANCH, Entry, Operation

MAX_COMMITS = 250
_MAX_MERGED_TEXT_BYTES = 512 * 1024


@dataclass(frozen=True)
class Opened:
    """A new pull request, and the commit that it was opened with."""

    discussion: Discussion
    commit: Commit | None = None


@transaction.atomic
def open_pull_request(
    *,
    repository: Repository,
    user: User,
    title: str,
    description: str = "",
    base: str = "",
    operations: Sequence[Operation] | None = None,
    commit_body: str = "",
    start: str | None = None,
    branch: str = "",
    is_draft: bool = False,
) -> Opened:
    """Open a pull request: with a commit of `operations`, from a branch, or empty for commits to come.

    Its ref `refs/pr/<number>` exists from the first moment on.

    Args:
        base: the branch that it is for, "" for the default branch.
        operations: what its first commit does, whose title is the pull request's.
        start: where it begins, "" or None for the head of `base`.
        branch: take the commits of this branch; then there are no operations.

    Raises:
        RepositoryNotFound, RepositoryForbidden, ScopeTooSmall, GatedRepository, DiscussionsDisabled
        RevisionNotFound: no such branch. InvalidDiscussion. TooOften.
        and what `commit` raises
    """
    require_discussing(user=user, repository=repository, action=Action.PROPOSE)
    title = " ".join(title.split())[:MAX_TITLE] if operations is not None else checked_title(title)
    description = checked_text(description, may_be_empty=True)
    base_ref = _branch(repository, base or repository.default_branch)
    begin = _branch(repository, branch).commit if branch else find_commit(repository, start or base_ref.commit).oid
    if branch and branch == base_ref.name.removeprefix(BRANCH):
        raise InvalidDiscussion(reason="A branch cannot be merged into itself.")
    limits.spend(user=user, action=limits.OPEN)
    discussion = threads.make_discussion(
        repository=repository,
        user=user,
        title=title or "Pull request",
        text=description,
        is_pull_request=True,
        status=DiscussionStatus.DRAFT if is_draft else DiscussionStatus.OPEN,
        base=base_ref.name,
    )
    Ref.objects.create(repository=repository, name=discussion.ref, target=begin, commit=begin)
    if operations is None:
        if branch:
            _note_branch(discussion, user)
            head = repository.commits.get(oid=begin)
            commit_published.send(sender=Commit, repository=repository, commit=head, ref=discussion.ref)
        return Opened(discussion)
    made = commit(
        repository=repository,
        user=user,
        branch=discussion.ref,
        title=title,
        body=commit_body,
        operations=operations,
    )
    return Opened(discussion, made)


@transaction.atomic
def merge_pull_request(*, discussion: Discussion, user: User, text: str = "") -> DiscussionEvent:
    """Merge into the base branch: one commit with both heads as its parents, whose title names the pull request.

    Raises:
        RepositoryNotFound, RepositoryForbidden, ScopeTooSmall, DiscussionsDisabled
        WrongStatus: a draft, closed, merged, or without anything new.
        MergeConflict: both sides changed the same files.
        StaleHead: the base moved in this very moment.
        InvalidDiscussion, TooOften
    """
    repository = discussion.repository
    require(user, Action.WRITE, repository)
    require_discussing(user=user, repository=repository)
    limits.spend(user=user, action=limits.COMMENT)
    discussion.status = DiscussionStatus(Discussion.objects.select_for_update().get(pk=discussion.pk).status)
    _require_mergeable_status(discussion)
    base = lock_ref(repository, discussion.base)
    head = lock_ref(repository, discussion.ref)
    found = _weigh(repository, base.commit, head.commit)
    if found.is_empty:
        raise WrongStatus(what="pull request", status="without new commits", advice="Commit to it first.")
    if found.conflicts:
        raise MergeConflict(paths=found.conflicts)
    merge_wanted.send(sender=Discussion, discussion=discussion, head=found.head, user=user, text=text)
    if text.strip():
        threads.add_comment(discussion, user=user, text=checked_text(text))
    made = merge_commit(
        repository=repository,
        user=user,
        ref=base,
        ours=found.base,
        theirs=found.head,
        merged=found.merged,
        title=f"{discussion.title} (#{discussion.number})",
        body=f"Merge {discussion.ref} into {discussion.base_name}",
    )
    discussion.merge_commit = made.oid
    Discussion.objects.filter(pk=discussion.pk).update(merge_commit=made.oid)
    return threads.change_status(discussion, user=user, status=DiscussionStatus.MERGED)


@dataclass(frozen=True)
class Weighed:
    """How a pull request stands to its base.

    Attributes:
        start: where its history left the base; None where they share nothing.
        conflicts: paths that both sides changed, in order.
    """

    base: Commit
    head: Commit
    start: Commit | None
    merged: Merged
    conflicts: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Everything that it has is in the base already."""
        return self.start is not None and self.start.pk == self.head.pk


def weigh(discussion: Discussion) -> Weighed | None:
    """What a merge would do now. None when a ref is gone, as after a merge whose branch was deleted."""
    names = [discussion.base, discussion.ref]
    heads = dict(discussion.repository.refs.filter(name__in=names).values_list("name", "commit"))
    if len(heads) < len(names):
        return None
    return _weigh(discussion.repository, heads[discussion.base], heads[discussion.ref])


def changed(discussion: Discussion, weighed: Weighed | None) -> tuple[Commit | None, Commit | None]:
    """The commits before and after: of the merge if there was one, else of the pull request alone."""
    repository = discussion.repository
    merge = repository.commits.filter(oid=discussion.merge_commit).first() if discussion.merge_commit else None
    if merge is not None and merge.parents:
        return repository.commits.filter(oid=merge.parents[0]).first(), merge
    return (weighed.start, weighed.head) if weighed is not None else (None, None)


def commits_of(discussion: Discussion, weighed: Weighed | None) -> list[Commit]:
    """The commits of a pull request, newest first."""
    repository = discussion.repository
    if discussion.merge_commit:
        merge = repository.commits.filter(oid=discussion.merge_commit).first()
        parents = list(repository.commits.filter(oid__in=merge.parents)) if merge else []
        by_oid = {row.oid: row for row in parents}
        if merge is None or len(by_oid) < 2:
            return []
        ours, theirs = by_oid[merge.parents[0]], by_oid[merge.parents[1]]
        return side_commits(repository, theirs, merge_base(repository, ours, theirs), limit=MAX_COMMITS)
    if weighed is None:
        return []
    return side_commits(repository, weighed.head, weighed.start, limit=MAX_COMMITS)


def _weigh(repository: Repository, base_oid: str, head_oid: str) -> Weighed:
    rows = {row.oid: row for row in repository.commits.select_related("author").filter(oid__in=[base_oid, head_oid])}
    base, head = rows[base_oid], rows[head_oid]
    start = merge_base(repository, base, head)
    before = listing_of(start).files if start else {}
    merged = merge_listings(before, listing_of(base).files, listing_of(head).files, _Texts(repository).of)
    conflicts = merged.conflicts
    if not conflicts:
        both = clash(merged.files)
        conflicts = sorted(both) if both else []
    return Weighed(base=base, head=head, start=start, merged=merged, conflicts=conflicts)


class _Texts:
    """Texts of small files, for merging line by line."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def of(self, entry: Entry) -> str | None:
        if entry.is_large or entry.size > _MAX_MERGED_TEXT_BYTES:
            return None
        rows = GitObject.objects.filter(repository=self._repository, oid=entry.oid)
        body = bytes(rows.values_list("body", flat=True).first() or b"")
        if b"\0" in body:
            return None
        try:
            return body.decode()
        except UnicodeDecodeError:
            return None


def _require_mergeable_status(discussion: Discussion) -> None:
    if not discussion.is_pull_request:
        raise InvalidDiscussion(reason="A discussion cannot be merged: it is no pull request.")
    if discussion.status == DiscussionStatus.DRAFT:
        raise WrongStatus(what="pull request", status="a draft", advice="Mark it as ready for review first.")
    if discussion.status != DiscussionStatus.OPEN:
        raise WrongStatus(what="pull request", status=discussion.status, advice="Only open ones can be merged.")


def _note_branch(discussion: Discussion, user: User) -> None:
    """The commits that a branch brings, oldest first."""
    weighed = weigh(discussion)
    if weighed is None or weighed.is_empty:
        raise InvalidDiscussion(reason="This branch has no commits that its base does not have.")
    for each in reversed(commits_of(discussion, weighed)):
        threads.add_event(discussion, kind=EventKind.COMMIT, user=user, subject=each.title, oid=each.oid)


def _branch(repository: Repository, name: str) -> Ref:
    found: Ref | None = repository.refs.filter(name=BRANCH + name.removeprefix(BRANCH)).first()
    if found is None:
        raise RevisionNotFound(revision=name[:200])
    return found
