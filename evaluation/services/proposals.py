"""Pull requests measured before they are merged: who may use the workers for that, and how much."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from evaluation.exceptions import NotCompared
from evaluation.models import Evaluation, Run, State
from evaluation.services import comparisons, evaluations
from models_registry.exceptions import TooOften
from models_registry.models import Commit, Discussion, Repository
from models_registry.permissions import Action, can, require
from models_registry.services import limits

_PULL = "refs/pr/"


def number_of(ref: str) -> int | None:
    """The number in refs/pr/<number>; None for any other ref."""
    text = ref.removeprefix(_PULL)
    return int(text) if ref.startswith(_PULL) and text.isascii() and text.isdigit() and len(text) < 10 else None


def offer(*, repository: Repository, commit: Commit, ref: str) -> Evaluation | None:
    """Measure the new head of an open pull request, if its author may have it measured today; None if not.

    Whoever may write has all hers measured; others have so many a day. Commits that it replaces and that nobody has
    begun to measure are not measured any more: the newest head is what would be merged.
    """
    number = number_of(ref)
    discussion = repository.discussions.open().filter(number=number, is_pull_request=True).first() if number else None
    if discussion is None or discussion.author is None:
        return None
    found: Evaluation | None = Evaluation.objects.filter(commit=commit).first()
    if found is None:
        if not can(discussion.author, Action.WRITE, repository) and not _spend(discussion.author):
            return None
        _withdraw_older(repository, commit)
        found = evaluations.request_evaluation(repository=repository, commit=commit)
    elif found.status == Evaluation.Status.DONE:
        comparisons.owe(found, again=False)
    return found


@transaction.atomic
def measure(*, discussion: Discussion, user: User) -> Evaluation:
    """Have a pull request's head measured because somebody who may write asks for it.

    Raises:
        NotCompared: it has no commit, or is no pull request.
    """
    repository = discussion.repository
    require(user, Action.WRITE, repository)
    ref = repository.refs.filter(name=discussion.ref).first() if discussion.is_pull_request else None
    commit = repository.commits.filter(oid=ref.commit).first() if ref is not None else None
    if commit is None:
        raise NotCompared(what="There is no commit to measure here.")
    return evaluations.request_evaluation(repository=repository, commit=commit)


def _spend(author: User) -> bool:
    """Take one of the author's measurements of today; False if there is none left."""
    try:
        limits.spend(user=author, action=limits.MEASURE)
    except TooOften:
        return False
    return True


def _withdraw_older(repository: Repository, commit: Commit) -> None:
    """Close what nobody has begun of the commits just before, unless a ref names them."""
    named = repository.refs.values("commit")
    older = Evaluation.objects.filter(
        repository=repository, status=Evaluation.Status.QUEUED, commit__oid__in=list(commit.parents)
    ).exclude(commit__oid__in=named)
    for evaluation in older.select_for_update(of=("self",)):
        waiting = Run.objects.filter(evaluation=evaluation, state__in=[State.WAITING, State.QUEUED])
        waiting.update(
            state=State.NOT_APPLICABLE,
            reason=gettext("A newer commit of the pull request has replaced this one."),
            finished_at=timezone.now(),
        )
        evaluations.advance(evaluation)
