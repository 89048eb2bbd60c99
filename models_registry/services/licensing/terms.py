"""The terms of a gate by version: what is asked now, since when, and who has to accept anew."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from models_registry import gates
from models_registry.models import (
    Acceptance,
    AccessForm,
    AccessRequest,
    AccessState,
    AccessStep,
    Gate,
    LicenceText,
    Renewal,
    Repository,
)
from models_registry.services.events import note_event

_TRIES = 5
_SWEPT = 1_000


@dataclass(frozen=True)
class LicenceFile:
    """A file that holds a licence's text."""

    path: str = ""
    body: bytes = b""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest() if self.path else ""


NO_FILE = LicenceFile()


def form_now(repository: Repository, file: LicenceFile, gate: Gate | None) -> gates.Form:
    """What people who ask are shown: the card's keys, then the owner's settings, and the licence's text by its hash."""
    return gates.read_form(
        repository.card,
        prompt=gate.prompt if gate else "",
        fields=gate.fields if gate else (),
        licence=(repository.licence, file.path, file.sha256) if file.path else ("", "", ""),
    )


def note_terms(*, repository: Repository, file: LicenceFile, is_minor: bool = False) -> AccessForm:
    """Keep the terms as they are now as a version, if they are others than before, and settle who accepts anew.

    Args:
        file: the licence's text at the head.
        is_minor: its owner says that a change means the same as the version before.
    """
    with transaction.atomic():
        Gate.objects.get_or_create(repository=repository)
        gate = Gate.objects.select_for_update(of=("self",)).select_related("form").get(repository=repository)
        form = form_now(repository, file, gate)
        if gate.form is not None and gate.form.sha256 == form.sha256():
            return gate.form
        is_first = gate.form is None
        if gate.form is not None and not _was_accepted(gate.form):
            is_minor = is_minor and gate.form.is_minor  # It stands for both changes now.
            gate.form.delete()
        row = _version(repository, form, file, is_minor=is_minor)
        gate.form, gate.terms_since = row, timezone.now()
        gate.save(update_fields=["form", "terms_since"])
        settle_renewals(gate)
        if not is_first:
            note_event(repository=repository, action="update", scope="repo.config", more={"terms": _news(gate, row)})
        return row


def _was_accepted(form: AccessForm) -> bool:
    """Whether anybody ever did. A version that nobody accepted makes room for the next."""
    return AccessRequest.objects.filter(form=form).exists() or AccessStep.objects.filter(form=form).exists()


def _news(gate: Gate, row: AccessForm) -> dict[str, str | int | bool]:
    return {"version": row.version, "sha256": row.sha256, "minor": row.is_minor, "renewal": gate.renewal}


def _version(repository: Repository, form: gates.Form, file: LicenceFile, *, is_minor: bool) -> AccessForm:
    """The row of these terms; what was asked with before keeps its version."""
    sha256 = form.sha256()
    found = AccessForm.objects.filter(repository=repository, sha256=sha256).first()
    if found is not None:
        return found
    last = AccessForm.objects.filter(repository=repository).aggregate(last=Max("version"))["last"] or 0
    text = _text(file) if file.path else None
    return AccessForm.objects.create(
        repository=repository,
        version=last + 1,
        content=form.content(),
        sha256=sha256,
        text=text,
        is_minor=is_minor and last > 0,
    )


def _text(file: LicenceFile) -> LicenceText:
    """The row of a text, locked, so that no sweep takes it away before something points to it."""
    for _ in range(_TRIES):
        row, _made = LicenceText.objects.get_or_create(sha256=file.sha256, defaults={"body": file.body})
        locked = LicenceText.objects.select_for_update().filter(pk=row.pk).first()
        if locked is not None:
            return locked
    raise LicenceText.DoesNotExist


def sweep_texts(*, cutoff: datetime, dry_run: bool = False) -> int:
    """Take away texts older than that which no version of terms and no receipt holds; says how many."""
    used = Exists(AccessForm.objects.filter(text=OuterRef("pk"))) | Exists(
        Acceptance.objects.filter(text=OuterRef("pk"))
    )
    free = LicenceText.objects.filter(~used, created_at__lt=cutoff).order_by("pk")
    if dry_run:
        return free.count()
    gone = 0
    for pk in list(free.values_list("pk", flat=True)[:_SWEPT]):
        with transaction.atomic():
            # Whoever is about to use it holds it; once we do, what points to it is to be seen.
            if LicenceText.objects.select_for_update().filter(pk=pk).exists() and free.filter(pk=pk).exists():
                LicenceText.objects.filter(pk=pk).delete()
                gone += 1
    return gone


def same_terms(versions: Sequence[tuple[int, bool]], version: int) -> set[int]:
    """The versions that mean the same as one: those next to it, as far as only words were mended.

    Args:
        versions: number and `is_minor` of all of them.
    """
    minor = dict(versions)
    first = version
    while minor.get(first) and first - 1 in minor:
        first -= 1
    last = version
    while minor.get(last + 1):
        last += 1
    return set(range(first, last + 1))


def forms_that_hold(gate: Gate) -> set[int]:
    """Keys of the versions with which access goes on: the one that is asked now, and what means the same."""
    if gate.form is None:
        return set()
    rows = list(AccessForm.objects.filter(repository=gate.repository_id).values_list("pk", "version", "is_minor"))
    same = same_terms([(version, is_minor) for _, version, is_minor in rows], gate.form.version)
    return {pk for pk, version, _ in rows if version in same}


def renew_by(gate: Gate | None, form_id: int | None) -> datetime | None:
    """Until when access holds that was given on a version of the terms; None: for good, or nothing was accepted."""
    if gate is None or form_id is None or gate.renewal == Renewal.KEEP or gate.terms_since is None:
        return None
    return None if form_id in forms_that_hold(gate) else _due(gate)


def _due(gate: Gate) -> datetime:
    since = gate.terms_since or timezone.now()
    return since + timedelta(days=gate.renew_days if gate.renewal == Renewal.WITHIN else 0)


def settle_renewals(gate: Gate, *, anew: bool = False) -> None:
    """Write down, for all who accepted another version than the one that holds, until when that is enough.

    Who had to renew already keeps her day: a further change gives nobody more time.

    Args:
        anew: the owner set the rule itself, so that it counts for all from the day of the last change.
    """
    held = AccessRequest.objects.filter(repository=gate.repository_id, state=AccessState.ACCEPTED, form__isnull=False)
    same = forms_that_hold(gate)
    if anew or gate.renewal == Renewal.KEEP:
        held.filter(renew_by__isnull=False).update(renew_by=None)
    else:
        held.filter(form__in=same, renew_by__isnull=False).update(renew_by=None)
    if gate.renewal != Renewal.KEEP and gate.terms_since is not None:
        held.exclude(form__in=same).filter(renew_by__isnull=True).update(renew_by=_due(gate))
