"""Renaming a repository and handing it to another namespace, with all old names kept working."""

from django.db import IntegrityError, transaction

from accounts.exceptions import NotAMember
from accounts.models import Namespace, User
from accounts.permissions import require_create
from models_registry import allowances
from models_registry.exceptions import RepositoryNameTaken
from models_registry.models import AuditEntry, Kind, Repository
from models_registry.permissions import Action, require
from models_registry.services import audit, names
from models_registry.services.events import note_event
from models_registry.services.licensing.inheritance import settle_after_commit
from models_registry.signals import repository_moved

WIRE_KINDS = {Kind.MODEL: "model", Kind.DATASET: "dataset", Kind.APP: "space"}


def move_repository(*, repository: Repository, user: User, namespace: str, name: str) -> Repository:
    """Call a repository something else, in this or in another namespace. The name that it had leads to it from now on.

    In another namespace every right comes from that namespace: nothing that members of the old one were allowed
    stays, signed addresses that they still hold ask again, and whoever moved it counts as the one who started it.

    Raises:
        RepositoryNotFound, RepositoryForbidden: not hers to move.
        NotAMember: she may not create anything in the new namespace, or there is none of that name.
        InvalidRepositoryName: the name breaks the rules.
        LicenceNotAllowed: the new namespace does not let its licence in.
        RepositoryNameTaken, NameReserved: another repository is, or was, called so.
    """
    require(user, Action.ADMINISTER, repository)
    names.check_name(name)
    target = Namespace.objects.held().named(namespace).first()
    if target is None:
        raise NotAMember(name=namespace[:100])
    if target.pk != repository.namespace_id:
        require_create(user, target)
        allowances.require_upload(namespace=target, name=repository.full_name, licence=repository.licence)
    try:
        with transaction.atomic():
            moved = Repository.objects.select_for_update().get(pk=repository.pk)
            require(user, Action.ADMINISTER, moved)  # It may have been handed on since the first look.
            _move(moved, user, target, name)
    except IntegrityError as error:
        raise _taken(repository, target, name) from error
    return moved


def _move(repository: Repository, user: User, target: Namespace, name: str) -> None:
    before, old_name, old_key = repository.namespace, repository.name, repository.key
    if (before.pk, old_name) == (target.pk, name):
        raise _taken(repository, target, name)
    repository.namespace, repository.name, repository.key = target, name, names.key_of(target, name)
    fields = ["namespace", "name", "key"]
    if before.pk != target.pk:
        repository.creator = user
        fields.append("creator")
        # Who asked for access told the old owner about herself, and was accepted by it: neither is the new one's.
        repository.access_requests.all().delete()
    repository.save(update_fields=fields)
    names.claim(repository)
    settle_after_commit(repository)
    if repository.key != old_key:  # Another spelling of the same name needs no way from the old one.
        names.leave_behind(repository, namespace=before, name=old_name, key=old_key)
    old_full_name = f"{before.name}/{old_name}"
    audit.note(
        repository=repository, actor=user, deed=AuditEntry.Deed.MOVED, old=old_full_name, new=repository.full_name
    )
    note_event(repository=repository, action="move", scope="repo", more={"movedFrom": old_full_name})
    repository_moved.send(
        sender=Repository, repository=repository, user=user, old_namespace=before, old_full_name=old_full_name
    )


def _taken(repository: Repository, target: Namespace, name: str) -> RepositoryNameTaken:
    return RepositoryNameTaken(kind=WIRE_KINDS[Kind(repository.kind)], name=f"{target.name}/{name}")
