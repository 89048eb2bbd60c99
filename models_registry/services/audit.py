"""What was done to repositories, for their administrators to look up."""

from accounts.models import User
from models_registry.models import AuditEntry, Repository


def note(*, repository: Repository, actor: User | None, deed: AuditEntry.Deed, **details: str | bool | None) -> None:
    """Write down a deed, in the transaction that does it. None stands for the hub's operator."""
    AuditEntry.objects.create(
        repository=repository,
        actor=actor,
        actor_name=actor.username if actor else "",
        deed=deed,
        details={name: value for name, value in details.items() if value is not None},
    )
