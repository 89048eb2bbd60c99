"""The list of licences that an organisation lets in: shown and set. `allowances` asks it at every door."""

import re
from collections.abc import Collection, Iterable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from accounts.grants import Right
from accounts.models import Namespace, Role, Scope, User
from accounts.permissions import require_token, role_in
from accounts.services import note_audit
from models_registry.allowances import is_within, rules_of_token
from models_registry.exceptions import AllowanceForbidden, InvalidAllowance
from models_registry.licences import CLASSES
from models_registry.models import LicenceAllowance, Repository

MAX_ENTRIES = 100
_ENTRY = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+:_-]{0,99}")


def rules_of(user: User | AnonymousUser, organisation: str = "") -> list[dict[str, Any]]:
    """The lists of her organisations, or of the one that is named, with whether her token acts for it."""
    if not user.is_authenticated:
        return []
    found = Namespace.objects.filter(organisation__memberships__user=user).select_related("licence_allowance")
    if organisation:
        found = found.filter(key=organisation.lower()[:100].replace("\x00", ""))
    acting = set(rules_of_token(user).values_list("namespace_id", flat=True))
    return [_row(namespace, acting) for namespace in found.order_by("key")]


def allowance_of(namespace: Namespace) -> LicenceAllowance:
    """The list of a namespace; an empty one, not saved, where it has none."""
    found = LicenceAllowance.objects.filter(namespace=namespace).first()
    return found or LicenceAllowance(namespace=namespace, allowed=[])


def outside(namespace: Namespace, allowed: Collection[str]) -> list[Repository]:
    """Repositories of a namespace that its own list would not let in; they stay, and are shown to its admins."""
    rows = Repository.objects.filter(namespace=namespace).exclude(licence="").select_related("namespace")
    licences = rows.order_by().values_list("licence", flat=True).distinct()[:500]
    refused = [licence for licence in licences if allowed and not is_within(licence, allowed)]
    return list(rows.filter(licence__in=refused).order_by("key")[:50])


@transaction.atomic
def set_allowance(
    *, namespace: Namespace, user: User, allowed: Iterable[str], for_uploads: bool, for_pulls: bool
) -> LicenceAllowance:
    """Say which licences an organisation lets in; an empty list lets in all.

    Raises:
        AllowanceForbidden: she is no admin of it, or it is no organisation.
        ScopeTooSmall: her token was made for less.
        InvalidAllowance: an entry is no class and no id, or there are too many.
    """
    if namespace.organisation_id is None or role_in(user, namespace) is not Role.ADMIN:
        raise AllowanceForbidden(name=namespace.name)
    require_token(user, Right.ADMINISTER, Scope.WRITE, namespace)
    entries = _entries(allowed)
    row, _ = LicenceAllowance.objects.update_or_create(
        namespace=namespace,
        defaults={"allowed": entries, "for_uploads": for_uploads, "for_pulls": for_pulls, "changed_by": user},
    )
    note_audit(
        namespace=namespace,
        actor=user,
        action="licences.allowed",
        allowed=", ".join(entries)[:1000],
        for_uploads=for_uploads,
        for_pulls=for_pulls,
    )
    return row


def _entries(allowed: Iterable[str]) -> list[str]:
    entries = [entry.strip() for entry in allowed if entry.strip()]
    entries = list(dict.fromkeys(entry.lower() if entry.lower() in CLASSES else entry for entry in entries))
    if len(entries) > MAX_ENTRIES:
        raise InvalidAllowance(reason=f"A list has at most {MAX_ENTRIES} entries.")
    for entry in entries:
        if not _ENTRY.fullmatch(entry):
            raise InvalidAllowance(reason=f"“{entry[:60]}” is no class and no id of a licence.")
    return entries


def _row(namespace: Namespace, acting: Collection[int]) -> dict[str, Any]:
    rule: LicenceAllowance | None = getattr(namespace, "licence_allowance", None)
    return {
        "organisation": namespace.name,
        "allow": rule.allowed if rule else [],
        "for_uploads": bool(rule and rule.allowed and rule.for_uploads),
        "for_pulls": bool(rule and rule.allowed and rule.for_pulls),
        "token_acts_for_it": namespace.pk in acting,
    }
