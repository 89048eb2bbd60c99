"""What administrators settle about a repository: who sees it, what it says of itself, its default branch."""

from dataclasses import dataclass, fields
from typing import Any

from django.db import transaction

from accounts.models import User
from models_registry.exceptions import InvalidDescription, RevisionNotFound
from models_registry.models import AuditEntry, Gated, Repository, Visibility
from models_registry.permissions import Action, require
from models_registry.services import audit
from models_registry.services.events import note_event
from models_registry.services.heads import licence_file, note_head
from models_registry.services.licensing.inheritance import settle_after_commit
from models_registry.services.licensing.terms import note_terms
from models_registry.signals import commit_published, visibility_changed
from models_registry.types import BRANCH

MAX_DESCRIPTION = 300


@dataclass(frozen=True)
class Changes:
    """What is to be settled anew; None leaves a thing as it is."""

    visibility: Visibility | None = None
    gated: Gated | None = None
    discussions_disabled: bool | None = None
    description: str | None = None
    default_branch: str | None = None

    def given(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@transaction.atomic
def update_settings(*, repository: Repository, user: User, changes: Changes) -> Repository:
    """Settle what is given; all of it or nothing. The row that was passed in learns of it as well.

    Raises:
        InvalidDescription: too long.
        RevisionNotFound: there is no branch of the name that should be the default.
    """
    require(user, Action.ADMINISTER, repository)
    if changes.description is not None and len(changes.description) > MAX_DESCRIPTION:
        raise InvalidDescription(limit=MAX_DESCRIPTION)
    row = Repository.objects.select_for_update().select_related("namespace").get(pk=repository.pk)
    changed = {name: value for name, value in changes.given().items() if getattr(row, name) != value}
    branch = changed.pop("default_branch", None)
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        row.save(update_fields=list(changed))
    if changed.get("gated"):
        note_terms(repository=row, file=licence_file(row))
    if {"gated", "visibility"} & changed.keys():
        settle_after_commit(row)
    if branch is not None:
        _set_default_branch(row, branch)
        changed["default_branch"] = branch
    if changed:
        audit.note(repository=row, actor=user, deed=AuditEntry.Deed.SETTINGS, **changed)
        note_event(repository=row, action="update", scope="repo.config")
    if "visibility" in changed:
        visibility_changed.send(sender=Repository, repository=row)
    for name, value in changed.items():
        setattr(repository, name, value)
    return row


def _set_default_branch(repository: Repository, name: str) -> None:
    """Show another branch first. Its head counts as news: what is measured is the default branch's."""
    ref = repository.refs.branches().select_for_update().filter(name=BRANCH + name).first()
    if ref is None:
        raise RevisionNotFound(revision=name[:200])
    repository.default_branch = name
    repository.save(update_fields=["default_branch"])
    commit = repository.commits.get(oid=ref.commit)
    changed_at = repository.updated_at
    note_head(repository=repository, commit=commit)
    if commit.committed_at < changed_at:  # To look at an older branch does not make the repository older.
        repository.updated_at = changed_at
        repository.save(update_fields=["updated_at"])
    commit_published.send(sender=type(commit), repository=repository, commit=commit, ref=ref.name)
