"""The log of a namespace: written in the transaction of the change that it tells of."""

from accounts.models import AuditEvent, Namespace, User


def note_audit(
    *, namespace: Namespace, actor: User | None, action: str, subject: str = "", **details: str | int | bool
) -> None:
    """Note who did what. `action` is a stable word such as member.added."""
    AuditEvent.objects.create(
        namespace=namespace,
        actor=actor,
        actor_name=actor.username if actor else "",
        action=action,
        subject=subject[:200],
        details=details,
    )
