"""What a reader hears who asks for a release that was yanked."""

from django.http import HttpRequest, HttpResponseBase

from models_registry import addresses
from models_registry.api.lookup import endpoint
from models_registry.models import Commit, Release, Repository


def release_of(repository: Repository, commit: Commit, revision: str) -> Release | None:
    """The release that this revision means: the one of that name, else the best one on that commit."""
    found = list(repository.releases.filter(commit=commit).newest_first()[:50])
    named = [release for release in found if release.name == revision.removeprefix("refs/tags/")]
    standing = [release for release in found if not release.is_yanked]
    return next(iter(named or standing or found), None)


def warn(request: HttpRequest, response: HttpResponseBase, repository: Repository, commit: Commit, rev: str) -> None:
    """Say it in the header that clients of the wire print. Asked by branch or commit id, nothing was yanked."""
    if rev == repository.default_branch or len(rev) == 40:
        return
    release = release_of(repository, commit, rev)
    if release is None or not release.is_yanked:
        return
    page = endpoint(request) + addresses.at(repository, "releases", release.name)
    reason = release.yank_reason if release.yank_reason.isascii() else f"see {page}"
    response["X-HF-Warning"] = f"yanked; {repository.full_name} {release.name} was yanked: {reason}"
