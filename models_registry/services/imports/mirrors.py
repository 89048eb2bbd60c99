"""Imports that have a record: begun once, gone on with after a break, and, as mirrors, repeated."""

import os
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Namespace, User
from accounts.services import create_organisation, create_user
from models_registry.exceptions import RepositoryExists
from models_registry.models import Kind, Repository, RepositoryImport, Visibility
from models_registry.services.imports.exceptions import OriginRefused
from models_registry.services.imports.histories import Imported, Say, import_history
from models_registry.services.imports.origins import Origin
from models_registry.services.repositories import create_repository

KEEPER = "upstream-copies"


@transaction.atomic
def begin_import(
    *,
    user: User,
    namespace: str,
    name: str,
    kind: Kind,
    origin: str,
    hub: str = "",
    token_variable: str = "",
    visibility: Visibility = Visibility.PUBLIC,
    every_s: int | None = None,
) -> RepositoryImport:
    """The record of an import, with its repository: a new one, or that of an earlier run from the same origin.

    The repository is private until the first run is through, so that nobody meets half a history.

    Raises:
        RepositoryExists: there is one that did not come from this origin.
        OriginRefused: the address holds a name and password, which would be shown.
        NotAMember, InvalidRepositoryName
    """
    if "@" in urlsplit(origin).netloc or "@" in urlsplit(hub).netloc:
        raise OriginRefused(origin=urlsplit(origin).hostname or "", reason="Give the token in an environment variable.")
    known = (
        RepositoryImport.objects.select_related("repository__namespace", "user")
        .filter(repository__kind=kind, repository__key=f"{namespace}/{name}".lower())
        .first()
    )
    if known is not None:
        if known.origin != origin or known.user_id != user.pk:
            raise RepositoryExists(kind=kind)
        known.every_s, known.token_variable = every_s, token_variable
        known.save(update_fields=["every_s", "token_variable"])
        return known
    repository = create_repository(user=user, namespace=namespace, name=name, kind=kind, visibility=Visibility.PRIVATE)
    return RepositoryImport.objects.create(
        repository=repository,
        user=user,
        origin=origin,
        hub=hub,
        token_variable=token_variable,
        is_open=visibility == Visibility.PUBLIC,
        every_s=every_s,
    )


def run_import(record: RepositoryImport, *, say: Say = lambda line: None) -> Imported:
    """One run; after the first one that ends well the repository is shown to whom it is for.

    Raises:
        ImportBusy, ImportIncomplete, OriginUnreachable, OriginRefused, OriginLacksObject
    """
    origin = origin_of(record)
    first = record.finished_at is None
    done = import_history(record=record, origin=origin, say=say)
    if first and record.is_open and not origin.settings.get("private"):
        Repository.objects.filter(pk=record.repository_id).update(visibility=Visibility.PUBLIC)
    return done


def origin_of(record: RepositoryImport) -> Origin:
    """Where a record's repository comes from, with what the other hub says of it now.

    Raises:
        OriginUnreachable, OriginRefused
    """
    token = os.environ.get(record.token_variable, "") if record.token_variable else ""
    if record.hub:
        return Origin.of_hub(record.hub, record.repository.kind, record.origin, token=token)
    return Origin(record.origin, token)


def due_mirrors(*, limit: int = 20) -> list[RepositoryImport]:
    """Mirrors whose time has come, and those whose first run did not end."""
    now = timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    due = Q(next_at__lte=now) | Q(next_at__isnull=True, every_s__isnull=False)
    rows = RepositoryImport.objects.filter(free, due).order_by("next_at", "pk")
    return list(rows.select_related("repository__namespace", "user")[:limit])


def refresh(*, record_id: int) -> Imported | None:
    """Run a mirror once if it is due; None when somebody else was quicker."""
    record = next((each for each in due_mirrors(limit=1000) if each.pk == record_id), None)
    if record is None:
        return None
    return run_import(record)


def keeper_of_mirrors() -> User:
    """Who owns what the hub itself copies; nobody can sign in as this user."""
    found = User.objects.filter(username=KEEPER).first()
    return found or create_user(username=KEEPER, full_name="Copies of another hub")


def namespace_for_mirrors(*, name: str, keeper: User) -> Namespace | None:
    """The namespace of an upstream's repositories here, made on first use; None if people of this hub hold the name."""
    found = Namespace.objects.filter(key=name.lower()).select_related("organisation").first()
    if found is None:
        create_organisation(name=name, owner=keeper, description="Copies of another hub's repositories.")
        return Namespace.objects.get(key=name.lower())
    held = found.organisation is not None and found.organisation.memberships.filter(user=keeper).exists()
    return found if held else None
