"""Releases: made once, corrected and yanked in the open, never moved."""

import re

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from models_registry import semver
from models_registry.exceptions import (
    InvalidRelease,
    NameTaken,
    RefExists,
    ReleasedTag,
    ReleaseExists,
    ReleaseNotFound,
    ReleaseState,
)
from models_registry.history import first_parents
from models_registry.models import Commit, Kind, Pointer, Ref, Release, ReleaseEvent, Repository
from models_registry.models.releases import MAX_REASON, MAX_RELEASE_NAME
from models_registry.permissions import Action, require
from models_registry.services import refs
from models_registry.services.events import note_event
from models_registry.services.heads import card_of, is_draft
from models_registry.services.licensing import gate
from models_registry.services.revisions import LATEST, find_commit
from models_registry.signals import latest_moved, release_published
from models_registry.types import BRANCH, TAG

MAX_NOTES = 65_536
TITLES_SUGGESTED = 40
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+-]*")


def name_fault(name: str) -> str:
    """Why this cannot be the name of a release or pointer; "" if it can. The rule of tags holds besides."""
    if not _NAME.fullmatch(name) or len(name) > MAX_RELEASE_NAME:
        return "Use letters, digits, “.”, “_”, “+” and “-”, beginning with a letter or digit."
    if name.lower() in {LATEST, "head"}:
        return f"“{name}” has a meaning of its own."
    return ""


def create_release(
    *, repository: Repository, user: User, name: str, revision: str | None = None, notes: str = ""
) -> Release:
    """Give a commit a name for good, with notes. A tag of that name on the same commit becomes the release's.

    Raises:
        InvalidRelease: the name breaks the rules, or the notes are too long.
        ReleaseExists, RefExists, NameTaken: the name is in use.
        RevisionNotFound: nothing of that name to release.
    """
    require(user, Action.WRITE, repository)
    fault = name_fault(name)
    if fault:
        raise InvalidRelease(reason=f"“{name[:100]}” cannot be the name of a release. {fault}")
    notes = _notes(notes)
    commit = find_commit(repository, revision)
    version = semver.parse(name)
    with transaction.atomic():
        _require_new(repository, name)
        ref = _tag(repository, user, name, commit)
        try:
            with transaction.atomic():
                release = Release.objects.create(
                    repository=repository,
                    name=name,
                    ref=ref,
                    commit=commit,
                    author=user,
                    notes=notes,
                    precedence=version.precedence() if version else "",
                    is_prerelease=bool(version and version.is_prerelease),
                    is_draft=is_draft(Kind(repository.kind), card_of(repository, commit)),
                )
        except IntegrityError as error:
            raise ReleaseExists(name=name) from error
        _note(release, ReleaseEvent.Kind.CREATED, user, notes)
        gate.settle_release(release)
        release_published.send(sender=Release, repository=repository, release=release)
    return release


def edit_notes(*, release: Release, user: User, notes: str) -> Release:
    """Correct the notes. What they said before stays readable in the release's events."""
    require(user, Action.WRITE, release.repository)
    notes = _notes(notes)
    with transaction.atomic():
        row = _locked(release)
        if row.notes != notes:
            row.notes = notes
            row.save(update_fields=["notes"])
            _note(row, ReleaseEvent.Kind.NOTES, user, notes)
    return row


def yank(*, release: Release, user: User, reason: str) -> Release:
    """Withdraw a release: it stays pullable by its name, with the reason, and `latest` passes it over.

    Raises:
        InvalidRelease: no reason given.
        ReleaseState: it is yanked already.
    """
    require(user, Action.WRITE, release.repository)
    reason = _reason(reason)
    if not reason:
        raise InvalidRelease(reason="Say why: everybody who pulls this release will read it.")
    with transaction.atomic():
        row = _locked(release)
        if row.is_yanked:
            raise ReleaseState(reason=f"{row.name} is yanked already.")
        row.yanked_at, row.yank_reason = timezone.now(), reason
        row.save(update_fields=["yanked_at", "yank_reason"])
        _note(row, ReleaseEvent.Kind.YANKED, user, reason)
        latest_moved.send(sender=Release, repository=row.repository)
    return row


def unyank(*, release: Release, user: User, reason: str = "") -> Release:
    """Take a yank back. That it was yanked, and why, stays in the events.

    Raises:
        ReleaseState: it is not yanked.
    """
    require(user, Action.WRITE, release.repository)
    reason = _reason(reason)
    with transaction.atomic():
        row = _locked(release)
        if not row.is_yanked:
            raise ReleaseState(reason=f"{row.name} is not yanked.")
        row.yanked_at, row.yank_reason = None, ""
        row.save(update_fields=["yanked_at", "yank_reason"])
        _note(row, ReleaseEvent.Kind.UNYANKED, user, reason)
        latest_moved.send(sender=Release, repository=row.repository)
    return row


def find_release(repository: Repository, name: str) -> Release:
    """The release of that name.

    Raises:
        ReleaseNotFound
    """
    named = repository.releases.filter(name=name[:250]).select_related("commit", "author")
    found = None if "\x00" in name else named.first()  # Not every database takes a NUL as a question.
    if found is None:
        raise ReleaseNotFound(name=name[:200])
    found.repository = repository
    return found


def require_unprotected(repository: Repository, ref_name: str) -> None:
    """Ask before a ref is made, moved or deleted, at any door.

    Args:
        ref_name: in full, such as refs/tags/v1.0.0.

    Raises:
        ReleasedTag: a release stands on it.
        NameTaken: a pointer has this name, so no branch or tag may take it.
    """
    if ref_name.startswith(TAG) and repository.releases.filter(ref__name=ref_name).exists():
        raise ReleasedTag(name=ref_name.removeprefix(TAG)[:200])
    if ref_name.startswith((BRANCH, TAG)):
        short = ref_name.removeprefix(BRANCH).removeprefix(TAG)
        if Pointer.objects.filter(repository=repository, name=short[:250]).exists():
            raise NameTaken(name=short[:200], what="pointer")


def suggested_notes(repository: Repository, commit: Commit, previous: Release | None) -> str:
    """The titles of the commits since a release, newest first, as a list in markdown."""
    lines: list[str] = []
    for row in first_parents(repository, commit):
        if previous is not None and row.oid == previous.commit.oid:
            break
        if len(lines) == TITLES_SUGGESTED:
            break
        lines.append(f"- {row.title}")
    return "\n".join(lines)


def _require_new(repository: Repository, name: str) -> None:
    if repository.releases.filter(name=name).exists():
        raise ReleaseExists(name=name)
    if repository.refs.filter(name=BRANCH + name).exists():
        raise NameTaken(name=name, what="branch")


def _tag(repository: Repository, user: User, name: str, commit: Commit) -> Ref:
    """The tag under the release: a new one, or the one that names this very commit already."""
    found: Ref | None = repository.refs.select_for_update().filter(name=TAG + name).first()
    if found is None:
        return refs.create_tag(repository=repository, user=user, name=name, revision=commit.oid)
    if found.commit != commit.oid:
        raise RefExists(name=TAG + name)
    return found


def _locked(release: Release) -> Release:
    found: Release = (
        Release.objects.select_for_update(of=("self",))
        .select_related("commit", "repository__namespace")
        .get(pk=release.pk)
    )
    return found


def _note(release: Release, kind: ReleaseEvent.Kind, user: User, text: str) -> None:
    """Write it into the release's own book, and tell the webhooks."""
    ReleaseEvent.objects.create(release=release, kind=kind, by=user, text=text)
    news = {"name": release.name, "commit": release.commit.oid, "event": str(kind)}
    note_event(repository=release.repository, action="update", scope="repo.content", more={"release": news})


def _notes(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if "\x00" in text:
        raise InvalidRelease(reason="Notes cannot hold NUL.")
    if len(text) > MAX_NOTES:
        raise InvalidRelease(reason=f"Notes may have {MAX_NOTES} characters.")
    return text


def _reason(text: str) -> str:
    text = " ".join(text.split())
    if "\x00" in text or len(text) > MAX_REASON:
        raise InvalidRelease(reason=f"A reason may have {MAX_REASON} characters and no NUL.")
    return text
