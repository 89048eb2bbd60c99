"""Branches and tags: made, moved by commits only, deleted."""

import re
from datetime import UTC, datetime

from django.db import IntegrityError, transaction
from dulwich.objects import Commit as GitCommit
from dulwich.objects import Tag as GitTag

from accounts.models import User
from models_registry.exceptions import InvalidRefName, ProtectedRef, RefExists, RevisionNotFound
from models_registry.git.store import RowObjectStore
from models_registry.models import Ref, Repository, StorageUse
from models_registry.permissions import Action, require
from models_registry.services import releases
from models_registry.services.events import note_event
from models_registry.services.heads import note_named
from models_registry.services.revisions import find_commit
from models_registry.types import BRANCH, TAG, RefChange

# git check-ref-format's rule, and no name that reads as a commit or as a full ref.
_BAD = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[/.-]|[/.]$|\.lock(/|$)|/\.|^@$|^refs/|^HEAD$")
_HEX = re.compile(r"[0-9a-fA-F]{40}")


def create_branch(*, repository: Repository, user: User, name: str, start: str | None = None) -> Ref:
    """Start a branch at `start` (default: the head of the default branch).

    Raises:
        InvalidRefName, RefExists, RevisionNotFound
    """
    require(user, Action.WRITE, repository)
    commit = find_commit(repository, start)
    return _create(repository=repository, full_name=BRANCH + checked_name(name), target=commit.oid, commit=commit.oid)


def create_tag(*, repository: Repository, user: User, name: str, revision: str | None, message: str = "") -> Ref:
    """Name a commit for good; with a message the tag is an object of its own.

    Raises:
        InvalidRefName, RefExists, RevisionNotFound
    """
    require(user, Action.WRITE, repository)
    commit = find_commit(repository, revision)
    full_name = TAG + checked_name(name)
    with transaction.atomic():
        target = _tag_object(repository, user, name, commit.oid, message) if message else commit.oid
        return _create(repository=repository, full_name=full_name, target=target, commit=commit.oid)


def delete_branch(*, repository: Repository, user: User, name: str) -> None:
    """Forget a branch; its commits stay reachable by id.

    Raises:
        ProtectedRef: it is the default branch.
        RevisionNotFound: there is none of that name.
    """
    require(user, Action.WRITE, repository)
    if name == repository.default_branch:
        raise ProtectedRef(name=BRANCH + name)
    _delete(repository, BRANCH + name, name)


def delete_tag(*, repository: Repository, user: User, name: str) -> None:
    """Forget a tag.

    Raises:
        ReleasedTag: a release stands on it.
        RevisionNotFound: there is none of that name.
    """
    require(user, Action.WRITE, repository)
    _delete(repository, TAG + name, name)


def _create(*, repository: Repository, full_name: str, target: str, commit: str) -> Ref:
    releases.require_unprotected(repository, full_name)
    try:
        with transaction.atomic():
            StorageUse.objects.lock(repository)  # Else a collection might take the commit before the ref holds it.
            row = repository.commits.filter(oid=commit).first()
            if row is None:
                raise RevisionNotFound(revision=commit)
            made = Ref.objects.create(repository=repository, name=full_name, target=target, commit=commit)
            _tell(repository, RefChange(full_name, None, target))
            note_named(repository=repository, commit=row, ref=full_name)
            return made
    except IntegrityError as error:
        raise RefExists(name=full_name) from error


def _delete(repository: Repository, full_name: str, name: str) -> None:
    releases.require_unprotected(repository, full_name)
    with transaction.atomic():
        ref = repository.refs.select_for_update().filter(name=full_name).first()
        if ref is None:
            raise RevisionNotFound(revision=name[:200])
        ref.delete()
        _tell(repository, RefChange(full_name, ref.target, None))


def _tell(repository: Repository, change: RefChange) -> None:
    note_event(repository=repository, action="update", scope="repo.content", refs=[change])


def checked_name(name: str) -> str:
    """The name of a branch or tag, if it can be one.

    Raises:
        InvalidRefName
    """
    if not name or len(name.encode()) > 200 or _BAD.search(name) or _HEX.fullmatch(name):
        raise InvalidRefName(name=name[:200])
    return name


def _tag_object(repository: Repository, user: User, name: str, commit: str, message: str) -> str:
    tag = GitTag()
    tag.name = name.encode()
    tag.object = (GitCommit, commit.encode())
    tag.tagger = f"{user.username} <{user.username}@users.noreply.smallhub>".encode()
    tag.tag_time = int(datetime.now(UTC).timestamp())
    tag.tag_timezone = 0
    tag.message = message.encode() + b"\n"
    RowObjectStore(repository).add_object(tag)
    return tag.id.decode()
