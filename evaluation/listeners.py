"""What evaluation does when the registry has news."""

from collections.abc import Collection
from typing import Any

from django.dispatch import receiver

from accounts.models import User
from evaluation import services
from evaluation.models import Evaluation
from evaluation.services import comparisons, declarations, exchange, gates, proposals, standings
from models_registry.cards import CARD
from models_registry.holding import can_run
from models_registry.manifests import listing_of
from models_registry.models import Commit, Discussion, Kind, Release, Repository
from models_registry.signals import (
    commit_named,
    commit_published,
    latest_moved,
    licences_renewed,
    merge_wanted,
    release_published,
    visibility_changed,
)
from models_registry.types import BRANCH

_BEGINNING = {".gitattributes"}  # What a repository is made with: nothing that could be measured.


@receiver(commit_published, dispatch_uid="evaluation.request")
def request_evaluation(*, repository: Repository, commit: Commit, ref: str, **kwargs: Any) -> None:
    """Every commit to a model's default branch is measured. Runs inside the commit's transaction."""
    if ref == BRANCH + repository.default_branch and _can_be_measured(repository, commit):
        services.request_evaluation(repository=repository, commit=commit)


@receiver(commit_published, dispatch_uid="evaluation.propose")
def measure_proposal(*, repository: Repository, commit: Commit, ref: str, **kwargs: Any) -> None:
    """The head of a pull request is measured before anybody merges it, within its author's limit."""
    if ref.startswith("refs/pr/") and _can_be_measured(repository, commit):
        proposals.offer(repository=repository, commit=commit, ref=ref)


@receiver([commit_published, commit_named], dispatch_uid="evaluation.scan")  # Behind those that measure.
def request_scan(*, repository: Repository, commit: Commit, **kwargs: Any) -> None:
    """Whatever a branch, a tag or a pull request names is scanned at least; of a data set, what can run code."""
    if _can_be_measured(repository, commit) or (repository.kind == Kind.DATASET and can_run(listing_of(commit))):
        services.request_scan(repository=repository, commit=commit)


@receiver(release_published, dispatch_uid="evaluation.request_release")
def request_release(*, repository: Repository, release: Release, **kwargs: Any) -> None:
    """A release of a model is measured whatever branch its commit is on; what was measured already stays."""
    if _can_be_measured(repository, release.commit):
        evaluation = services.request_evaluation(repository=repository, commit=release.commit)
        if evaluation.status == Evaluation.Status.DONE:
            comparisons.owe(evaluation, again=False)
        else:
            gates.settle_release(release)


@receiver(merge_wanted, dispatch_uid="evaluation.merge")
def require_mergeable(*, discussion: Discussion, head: Commit, user: User, text: str, **kwargs: Any) -> None:
    """A repository may want its pull requests measured, and no worse, before they are merged."""
    if discussion.repository.kind == Kind.MODEL:
        gates.require_mergeable(discussion=discussion, head=head, user=user, text=text)


@receiver(visibility_changed, dispatch_uid="evaluation.hide")
def hide_benchmarks(*, repository: Repository, **kwargs: Any) -> None:
    """What is measured with data that were made private is not named any more where anybody reads."""
    if repository.kind == Kind.DATASET and repository.is_private:
        gates.hide_names(repository)


@receiver(commit_published, dispatch_uid="evaluation.declare")
def declare_benchmarks(*, repository: Repository, commit: Commit, ref: str, **kwargs: Any) -> list[str]:
    """A data set's default branch may declare benchmarks. What is said of it goes to whoever pushed."""
    if repository.kind != Kind.DATASET or ref != BRANCH + repository.default_branch:
        return []
    return declarations.note_commit(repository=repository, commit=commit)


@receiver(commit_published, dispatch_uid="evaluation.standings_of_head")
def stand_by_head(*, repository: Repository, ref: str, **kwargs: Any) -> None:
    """A new head has another card."""
    if ref == BRANCH + repository.default_branch:
        standings.refresh(repository=repository)


@receiver(release_published, dispatch_uid="evaluation.standings_of_release")
@receiver(latest_moved, dispatch_uid="evaluation.standings_of_latest")
def stand_by_latest(*, repository: Repository, **kwargs: Any) -> None:
    """What people get may be another version now."""
    standings.refresh(repository=repository)


@receiver(licences_renewed, dispatch_uid="evaluation.licences")
def know_licences_better(*, repositories: Collection[int], **kwargs: Any) -> None:
    """The same licences may be of another class now."""
    standings.renew_licences(repositories)


@receiver(commit_published, dispatch_uid="evaluation.claims")
def note_claims(*, repository: Repository, commit: Commit, ref: str, **kwargs: Any) -> None:
    """What the card and `.eval_results` claim at a new head is kept as claims, apart from what is measured."""
    if repository.kind == Kind.MODEL and ref == BRANCH + repository.default_branch:
        exchange.note_claims(repository=repository, commit=commit)


def _can_be_measured(repository: Repository, commit: Commit) -> bool:
    beginning = _BEGINNING if commit.parents else _BEGINNING | {CARD}  # A first commit may bring the licence as well.
    return repository.kind == Kind.MODEL and bool(listing_of(commit).files.keys() - beginning)
