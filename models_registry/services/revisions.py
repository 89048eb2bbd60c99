"""Finding the commit that a revision names, and one file of it."""

import re

from models_registry.exceptions import EntryNotFound, LatestHeld, RevisionNotFound
from models_registry.manifests import listing_of
from models_registry.models import Commit, Release, ReleaseGate, Repository, ScanVerdict
from models_registry.models.releases import MAX_POINTER_NAME
from models_registry.types import BRANCH, TAG, Entry

_FULL = re.compile(r"[0-9a-f]{40}")
_SHORT = re.compile(r"[0-9a-f]{5,39}")
LATEST = "latest"


def find_commit(repository: Repository, revision: str | None) -> Commit:
    """The commit a revision names: exact commit, branch, tag, full ref, pointer, then an unambiguous abbreviation.

    `latest` names what `latest_commit` says unless a branch or tag of that name exists.

    Raises:
        RevisionNotFound: nothing of that name. LatestHeld: `latest`, and no release may be.
    """
    revision = revision or repository.default_branch
    oid = _target(repository, revision)
    commit: Commit | None = repository.commits.filter(oid=oid).select_related("author").first() if oid else None
    if commit is None and revision == LATEST:
        return latest_commit(repository)
    if commit is None and not oid and len(revision) <= MAX_POINTER_NAME and "\x00" not in revision:
        found = repository.commits.filter(pointers__repository=repository, pointers__name=revision)
        commit = found.select_related("author").first()
    if commit is None and _SHORT.fullmatch(revision):
        candidates = list(repository.commits.filter(oid__startswith=revision).select_related("author")[:2])
        commit = candidates[0] if len(candidates) == 1 else None
    if commit is None:
        raise RevisionNotFound(revision=revision[:200])
    return commit


def latest_release(repository: Repository) -> Release | None:
    """The release that `latest` names; None while there is none that may be."""
    return repository.releases.eligible().latest_first().select_related("commit__author").first()


def held_release(repository: Repository) -> Release | None:
    """Where `latest_release` finds none: the release that keeps `latest` from the head; None before the first."""
    return repository.releases.published().latest_first().select_related("commit").first()


def latest_commit(repository: Repository) -> Commit:
    """What `latest` names: the newest release that may be. Before the first release, the head of the default branch.

    Once there are releases the head is no way around them: its files may be the ones that were held.

    Raises:
        LatestHeld: there are releases, and none of them may be.
    """
    release = latest_release(repository)
    if release is not None:
        return release.commit
    held = held_release(repository)
    if held is not None:
        raise LatestHeld(repository=repository.full_name, release=held.name, why=_why(held))
    return find_commit(repository, repository.default_branch)


def _why(release: Release) -> str:
    """In words that anybody may read; the gate's reason can name what only some may."""
    if release.is_yanked:
        return f"was yanked ({release.yank_reason.rstrip('.')})"
    if release.commit.scan_verdict == ScanVerdict.QUARANTINED:
        return "is quarantined by the scan"
    return "is still being measured" if release.gate == ReleaseGate.WAITING else "is held by a rule of its gate"


def find_entry(repository: Repository, commit: Commit, path: str, *, revision: str = "") -> Entry:
    """One file of a commit.

    Raises:
        EntryNotFound: no file of that path; carries the commit, so that clients can remember the absence.
    """
    entry = listing_of(commit).files.get(path)
    if entry is None:
        raise EntryNotFound(path=path[:300], revision=revision or commit.oid, commit=commit.oid)
    return entry


def _target(repository: Repository, revision: str) -> str | None:
    if _FULL.fullmatch(revision):
        return revision
    if len(revision) > 250 or "\x00" in revision:
        return None
    names = [BRANCH + revision, TAG + revision]
    if revision.startswith("refs/"):
        names.append(revision)
    found = dict(repository.refs.filter(name__in=names).values_list("name", "commit"))
    return next((found[name] for name in names if name in found), None)
