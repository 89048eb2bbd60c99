"""After a deletion: bringing a repository back, and letting go of it for good when its time is over."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from accounts.models import User
from models_registry.exceptions import NotDeleted, RepositoryNameTaken
from models_registry.models import AuditEntry, FormerName, Kind, Repository
from models_registry.permissions import Action, require
from models_registry.services import audit, names
from models_registry.services.events import note_event
from models_registry.services.licensing.inheritance import settle_after_commit
from models_registry.services.moves import WIRE_KINDS

logger = logging.getLogger(__name__)


def kept_until(repository: Repository) -> datetime | None:
    """When a deleted repository will be gone for good."""
    if repository.deleted_at is None:
        return None
    return repository.deleted_at + _kept()


def days_kept() -> int:
    return int(min(settings.SMALLHUB_UNDELETE_DAYS, 36_500))


def _kept() -> timedelta:
    return timedelta(days=days_kept())


def restore_repository(*, repository: Repository, user: User | None, name: str = "") -> Repository:
    """Bring a deleted repository back with all it had. None stands for the hub's operator.

    Args:
        name: call it so, for its own name may have been used again.

    Raises:
        NotDeleted: it is gone for good, or was never deleted.
        RepositoryNameTaken, NameReserved: another repository is called so by now.
    """
    if user is not None:
        require(user, Action.ADMINISTER, repository)
    if name:
        names.check_name(name)
    try:
        with transaction.atomic():
            found = Repository.everything.deleted().select_for_update(of=("self",)).filter(pk=repository.pk).first()
            if found is None:
                raise NotDeleted(name=repository.full_name)
            _restore(found, user, name or found.name)
    except IntegrityError as error:
        kind = WIRE_KINDS[Kind(repository.kind)]
        raise RepositoryNameTaken(kind=kind, name=f"{repository.namespace.name}/{name or repository.name}") from error
    return found


def _restore(repository: Repository, user: User | None, name: str) -> None:
    old_name, old_key = repository.name, repository.key
    repository.deleted_at = repository.deleted_by = None
    repository.name, repository.key = name, names.key_of(repository.namespace, name)
    repository.save(update_fields=["deleted_at", "deleted_by", "name", "key"])
    names.claim(repository)
    if repository.key != old_key and not Repository.objects.filter(kind=repository.kind, key=old_key).exists():
        names.leave_behind(repository, namespace=repository.namespace, name=old_name, key=old_key)
    audit.note(repository=repository, actor=user, deed=AuditEntry.Deed.RESTORED, name=repository.full_name)
    note_event(repository=repository, action="create", scope="repo")
    settle_after_commit(repository)


def purge_deleted(*, now: datetime | None = None) -> int:
    """Let go of what was deleted longer ago than it is kept; says how many. Bytes go with the next collection."""
    before = (now or timezone.now()) - _kept()
    due = Repository.everything.deleted().filter(deleted_at__lte=before).order_by("deleted_at")
    return sum(_purge(pk, before) for pk in list(due.values_list("pk", flat=True)[:1000]))


def _purge(pk: int, before: datetime) -> bool:
    try:
        with transaction.atomic():
            # Locked and looked at again: somebody may be restoring it.
            row = Repository.everything.filter(pk=pk, deleted_at__lte=before).select_for_update().first()
            if row is None:
                return False
            FormerName.objects.get_or_create(
                kind=row.kind, key=row.key, defaults={"full_name": row.full_name, "namespace": row.namespace}
            )
            row.delete()
    except ProtectedError:
        logger.warning("Repository %s was deleted but is still in use; it is kept.", pk)
        return False
    return True
