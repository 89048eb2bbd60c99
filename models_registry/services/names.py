"""Whose a name is. Names never change hands: a namespace is never given twice, and an old name leads where it led."""

from accounts.models import Namespace, User
from hub.core.names import repository_fault
from models_registry.exceptions import InvalidRepositoryName, NameReserved
from models_registry.models import AuditEntry, FormerName, Repository
from models_registry.permissions import Action, require
from models_registry.services import audit


def check_name(name: str) -> None:
    """
    Raises:
        InvalidRepositoryName: the name breaks the rules.
    """
    fault = repository_fault(name)
    if fault:
        raise InvalidRepositoryName(name=name[:100], reason=fault)


def key_of(namespace: Namespace, name: str) -> str:
    return f"{namespace.name}/{name}".lower()


def claim(repository: Repository) -> None:
    """Let a repository be called what its row says. Call in the transaction that wrote the row, after it.

    The row's own constraint has kept out living repositories of this name; here come those that had it before. To
    look after writing is what makes two at once safe: whoever is second sees what the first has written.

    Raises:
        NameReserved: the name leads to another repository, or was another namespace's.
    """
    former = FormerName.objects.select_related("repository").filter(kind=repository.kind, key=repository.key).first()
    if former is None:
        return
    holder = former.repository
    leads_elsewhere = holder is not None and holder.deleted_at is None and holder.pk != repository.pk
    if leads_elsewhere or former.namespace_id != repository.namespace_id:
        raise NameReserved(name=former.full_name, kind=repository.kind)
    # The row stays as a mark whose name this is. It leads nowhere while a repository is called so.
    former.repository = None
    former.save(update_fields=["repository"])


def leave_behind(repository: Repository, *, namespace: Namespace, name: str, key: str) -> None:
    """Let the name that a repository had until now lead to it."""
    FormerName.objects.update_or_create(
        kind=repository.kind,
        key=key,
        defaults={"full_name": f"{namespace.name}/{name}", "namespace": namespace, "repository": repository},
    )


def free_name(*, repository: Repository, user: User, former: FormerName) -> None:
    """End a redirect, so that the namespace whose name it was may use it again. Nobody else ever may."""
    require(user, Action.ADMINISTER, repository)
    freed = FormerName.objects.filter(pk=former.pk, repository=repository).update(repository=None)
    if freed:
        audit.note(repository=repository, actor=user, deed=AuditEntry.Deed.FREED, name=former.full_name)
