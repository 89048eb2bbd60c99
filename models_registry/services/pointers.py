"""Pointers: names that move on purpose, one compare-and-swap at a time, and remember where they were."""

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from models_registry.exceptions import InvalidPointer, NameTaken, PointerMoved, PointerNotFound
from models_registry.models import Commit, Pointer, PointerMove, Repository
from models_registry.models.releases import MAX_POINTER_NAME, MAX_REASON
from models_registry.permissions import Action, require
from models_registry.services.releases import name_fault
from models_registry.services.revisions import find_commit
from models_registry.types import BRANCH, TAG

ANYWHERE = None
NOWHERE = ""


def move_pointer(
    *,
    repository: Repository,
    user: User,
    name: str,
    revision: str,
    expected: str | None = ANYWHERE,
    note: str = "",
) -> Pointer:
    """Make a pointer name this revision's commit, and write down the move. A new name makes a new pointer.

    Moving to where it is already changes nothing and is not written down.

    Args:
        expected: the commit that the caller saw it at, full or at least 5 hex digits; NOWHERE if she saw none.

    Raises:
        InvalidPointer: the name or note breaks the rules.
        NameTaken: a branch, tag or release has that name.
        PointerMoved: it is not where the caller saw it.
        RevisionNotFound: nothing of that name to point to.
    """
    require(user, Action.WRITE, repository)
    note = _checked(name, note)
    commit = find_commit(repository, revision)
    with transaction.atomic():
        pointer = _locked(repository, name, make=True)
        _move(pointer, user=user, commit=commit, revision=revision[:250], expected=expected, note=note)
    return pointer


def roll_back(*, repository: Repository, user: User, name: str, to: PointerMove, note: str = "") -> Pointer:
    """Move a pointer to where a former move had taken it.

    Raises:
        PointerNotFound, InvalidPointer, RevisionNotFound: that commit is gone.
    """
    require(user, Action.WRITE, repository)
    note = _checked(name, note)
    if to.pointer.repository_id != repository.pk or to.pointer.name != name or not to.new:
        raise InvalidPointer(reason="That is no former place of this pointer.")
    commit = find_commit(repository, to.new)
    with transaction.atomic():
        pointer = _locked(repository, name)
        _move(pointer, user=user, commit=commit, revision=to.revision, expected=ANYWHERE, note=note)
    return pointer


def withdraw_pointer(
    *, repository: Repository, user: User, name: str, expected: str | None = ANYWHERE, note: str = ""
) -> Pointer:
    """Let a pointer name nothing. The name stays its own and its past stays readable.

    Raises:
        PointerNotFound, PointerMoved
    """
    require(user, Action.WRITE, repository)
    note = _checked(name, note)
    with transaction.atomic():
        pointer = _locked(repository, name)
        _move(pointer, user=user, commit=None, revision="", expected=expected, note=note)
    return pointer


def find_pointer(repository: Repository, name: str) -> Pointer:
    """The pointer of that name.

    Raises:
        PointerNotFound
    """
    named = repository.pointers.filter(name=name[:250]).select_related("commit")
    found: Pointer | None = None if "\x00" in name else named.first()  # Not every database takes a NUL as a question.
    if found is None:
        raise PointerNotFound(name=name[:200])
    return found


def _locked(repository: Repository, name: str, *, make: bool = False) -> Pointer:
    """The pointer's row, for this transaction alone."""
    if "\x00" in name:
        raise PointerNotFound(name=name[:200])
    rows = Pointer.objects.select_for_update(of=("self",)).select_related("commit")
    found: Pointer | None = rows.filter(repository=repository, name=name).first()
    if found is None and make:
        _require_free(repository, name)
        # If somebody makes it at this moment, hers is kept; whether that matters, the comparison says.
        row = Pointer(repository=repository, name=name, updated_at=timezone.now())
        Pointer.objects.bulk_create([row], ignore_conflicts=True)
        found = rows.filter(repository=repository, name=name).first()
    if found is None:
        raise PointerNotFound(name=name[:200])
    return found


def _move(
    pointer: Pointer, *, user: User, commit: Commit | None, revision: str, expected: str | None, note: str
) -> None:
    actual = pointer.commit.oid if pointer.commit else NOWHERE
    if expected is not ANYWHERE and not _is_same(expected, actual):
        raise PointerMoved(name=pointer.name, actual=actual or "nothing", expected=expected[:40] or "nothing")
    new = commit.oid if commit else NOWHERE
    if new == actual:
        return
    moved = Pointer.objects.filter(pk=pointer.pk, commit=pointer.commit).update(
        commit=commit, revision=revision, updated_at=timezone.now()
    )
    if not moved:
        raise PointerMoved(name=pointer.name, actual="another commit", expected=actual or "nothing")
    PointerMove.objects.create(pointer=pointer, by=user, old=actual, new=new, revision=revision, note=note)
    pointer.refresh_from_db()


def _is_same(expected: str, actual: str) -> bool:
    return expected == actual or (len(expected) >= 5 and actual.startswith(expected.lower()))


def _require_free(repository: Repository, name: str) -> None:
    taken = set(repository.refs.filter(name__in=[BRANCH + name, TAG + name]).values_list("name", flat=True))
    if taken:
        raise NameTaken(name=name, what="branch" if BRANCH + name in taken else "tag")


def _checked(name: str, note: str) -> str:
    """The note as it is kept."""
    fault = name_fault(name) or (f"At most {MAX_POINTER_NAME} characters." if len(name) > MAX_POINTER_NAME else "")
    if fault:
        raise InvalidPointer(reason=f"“{name[:100]}” cannot be the name of a pointer. {fault}")
    note = " ".join(note.split())
    if "\x00" in note or len(note) > MAX_REASON:
        raise InvalidPointer(reason=f"A note may have {MAX_REASON} characters and no NUL.")
    return note
