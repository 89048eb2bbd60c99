"""Which earlier measured commit a commit is compared with."""

from django.db.models import QuerySet

from evaluation.models import Evaluation
from models_registry.history import first_parents
from models_registry.models import Commit, Discussion, Release, Repository
from models_registry.services.revisions import latest_release
from models_registry.types import BRANCH

_LOOKED_BACK = 200
_PULL = "refs/pr/"


def release_before(release: Release) -> Release | None:
    """The release that this one is compared with: the next below it that stands and passed the gate.

    One that did not pass is passed over: else a second version, as bad as the first, would count as the same.
    """
    rows = Release.objects.filter(
        repository=release.repository_id, precedence__lte=release.precedence, yanked_at__isnull=True, gate="passed"
    )
    rows = rows.exclude(pk=release.pk).exclude(commit=release.commit_id).select_related("commit").newest_first()
    for row in rows[:_LOOKED_BACK]:
        if row.precedence < release.precedence or row.created_at < release.created_at:
            return row
    return None


def bases_of(evaluation: Evaluation) -> list[Evaluation]:
    """The evaluations that this one is compared with, each once: of the release before, of the measured commit before
    on the branch, of the newest release, and of the branch that a pull request is for.
    """
    repository, commit = evaluation.repository, evaluation.commit
    commits = [*_of_releases(repository, commit), *_of_pull_requests(repository, commit)]
    found = {row.pk: row for row in Evaluation.objects.filter(commit__in=commits).exclude(pk=evaluation.pk)}
    before = measured_before(repository, commit)
    if before is not None:
        found[before.pk] = before
    return list(found.values())


def measured_before(repository: Repository, commit: Commit, *, itself: bool = False) -> Evaluation | None:
    """The evaluation of the nearest measured commit before one on its line of first parents."""
    return _nearest(repository, commit, Evaluation.objects.all(), itself=itself)


def scored_before(repository: Repository, commit: Commit) -> Evaluation | None:
    """The same among those that are done and have a score."""
    done = Evaluation.objects.filter(status=Evaluation.Status.DONE, runs__score__isnull=False)
    return _nearest(repository, commit, done.select_related("commit").distinct())


def _nearest(
    repository: Repository, commit: Commit, among: QuerySet[Evaluation], *, itself: bool = False
) -> Evaluation | None:
    line: list[int] = []
    for row in first_parents(repository, commit):
        if itself or row.pk != commit.pk:
            line.append(row.pk)
        if len(line) == _LOOKED_BACK:
            break
    found = {row.commit_id: row for row in among.filter(commit__in=line)}
    return next((found[pk] for pk in line if pk in found), None)


def _of_releases(repository: Repository, commit: Commit) -> list[int]:
    wanted = []
    for release in repository.releases.filter(commit=commit).select_related("commit", "repository"):
        before = release_before(release)
        if before is not None:
            wanted.append(before.commit_id)
    latest = latest_release(repository)
    if not wanted and latest is not None and latest.commit_id != commit.pk:
        wanted.append(latest.commit_id)
    return wanted


def _of_pull_requests(repository: Repository, commit: Commit) -> list[int]:
    wanted = []
    for discussion in pull_requests_at(repository, commit):
        base = base_of(discussion)
        if base is not None:
            wanted.append(base.commit_id)
    return wanted


def pull_requests_at(repository: Repository, commit: Commit) -> list[Discussion]:
    """Open pull requests whose newest commit this is."""
    names = repository.refs.filter(name__startswith=_PULL, commit=commit.oid).values_list("name", flat=True)
    numbers = [int(name.removeprefix(_PULL)) for name in names if name.removeprefix(_PULL).isdigit()]
    return list(repository.discussions.open().filter(is_pull_request=True, number__in=numbers))


def base_of(discussion: Discussion) -> Evaluation | None:
    """The evaluation of the branch that a pull request is for: of its head, or of the nearest measured one before."""
    repository = discussion.repository
    ref = repository.refs.filter(name=discussion.base or BRANCH + repository.default_branch).first()
    commit = repository.commits.filter(oid=ref.commit).first() if ref is not None else None
    return measured_before(repository, commit, itself=True) if commit is not None else None


def base_of_release(evaluation: Evaluation) -> int | None:
    """The id of the evaluation that stands for "the release before" of a commit, released or not."""
    commits = _of_releases(evaluation.repository, evaluation.commit)
    rows = Evaluation.objects.filter(commit__in=commits).order_by("-commit_id")
    return rows.values_list("pk", flat=True).first()
