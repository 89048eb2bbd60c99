"""Access to gated repositories: asked for, given, refused, taken back. Every step is kept."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.exceptions import NamespaceNotFound
from accounts.models import User
from accounts.permissions import require_own_write
from models_registry import gates
from models_registry.exceptions import (
    AccessRejected,
    AccessRequestNotFound,
    AlreadyAsked,
    AlreadyHasAccess,
    AnswersIncomplete,
    FormChanged,
    InvalidGate,
    NotGated,
    SameAccessState,
)
from models_registry.models import AccessForm, AccessRequest, AccessState, AccessStep, Gate, Gated, Repository
from models_registry.permissions import Action, can, require
from models_registry.services.events import note_event

MAX_REASON = 500
_STEP_OF = {
    AccessState.PENDING: AccessStep.Action.CANCELLED,
    AccessState.ACCEPTED: AccessStep.Action.ACCEPTED,
    AccessState.REJECTED: AccessStep.Action.REJECTED,
}


@transaction.atomic
def set_gate(
    *, repository: Repository, user: User, gated: Gated, prompt: str | None = None, fields: str | None = None
) -> Repository:
    """Decide who may have the files: everybody, who asks, or who was accepted.

    Args:
        prompt, fields: what people read and answer, fields as `gates.read_field_lines` takes them; None keeps them.

    Raises:
        InvalidGate: a line is no field.
    """
    require(user, Action.ADMINISTER, repository)
    repository.gated = Gated(gated)
    repository.save(update_fields=["gated"])
    if prompt is not None or fields is not None:
        gate = Gate.objects.get_or_create(repository=repository)[0]
        gate.prompt = gate.prompt if prompt is None else prompt[: gates.MAX_PROMPT]
        gate.fields = gate.fields if fields is None else _fields(fields)
        gate.save()
    note_event(repository=repository, action="update", scope="repo.config")
    return repository


def form_of(repository: Repository) -> gates.Form:
    """What people who ask are shown now: the card's keys, then the owner's settings."""
    gate = Gate.objects.filter(repository=repository).first()
    return gates.read_form(repository.card, prompt=gate.prompt if gate else "", fields=gate.fields if gate else ())


@transaction.atomic
def ask_access(
    *, repository: Repository, user: User, answers: Mapping[str, Any], seen_sha256: str = ""
) -> AccessRequest:
    """Ask for the files of a gated repository; where it is open to all that ask, they are hers at once.

    Args:
        seen_sha256: the form that she saw; empty where a program asks that shows none.

    Raises:
        NotGated, AlreadyHasAccess, AlreadyAsked, AccessRejected, FormChanged, AnswersIncomplete
    """
    require(user, Action.READ, repository)
    require_own_write(user)
    repository = Repository.objects.select_for_update(of=("self",)).select_related("namespace").get(pk=repository.pk)
    _require_gated(repository)
    found = AccessRequest.objects.filter(repository=repository, user=user).first()
    _require_may_ask(repository, user, found)
    form = form_of(repository)
    if seen_sha256 and seen_sha256 != form.sha256():
        raise FormChanged
    try:
        checked = gates.read_answers(form, answers)
    except gates.BadAnswers as error:
        raise AnswersIncomplete(problems=str(error)) from error
    now = timezone.now()
    request = found or AccessRequest(repository=repository, user=user)
    request.form, request.answers, request.asked_at = _form_row(repository, form), checked, now
    request.state, request.reason, request.updated_at = AccessState.PENDING, "", now
    request.decided_at = request.decided_by = None
    request.save()
    _note(request, AccessStep.Action.ASKED, actor=user, with_answers=True)
    if repository.gated == Gated.AUTO:
        _decide(request, AccessState.ACCEPTED, actor=None, at=now)
    return request


@transaction.atomic
def withdraw_access(*, user: User, public_id: str) -> AccessRequest:
    """Take one's own request back, or give up the access that came of it.

    Raises:
        AccessRequestNotFound: not hers.
        AccessRejected: a rejection is not undone by asking anew.
    """
    require_own_write(user)
    request = _locked(AccessRequest.objects.of(user).filter(public_id=public_id).first())
    if request.state == AccessState.REJECTED:
        raise AccessRejected(name=request.repository.full_name, reason=request.reason)
    if request.state == AccessState.WITHDRAWN:
        raise SameAccessState(state=request.state)
    request.state, request.updated_at = AccessState.WITHDRAWN, timezone.now()
    request.save()
    _note(request, AccessStep.Action.WITHDRAWN, actor=user)
    return request


@transaction.atomic
def decide_access(
    *, repository: Repository, actor: User, request: AccessRequest, state: AccessState, reason: str = ""
) -> AccessRequest:
    """Accept, reject, or set back to pending, which takes access away until it is decided anew.

    Raises:
        NotGated: there is nothing to decide.
        SameAccessState: it is so already.
        AccessRequestNotFound: it belongs elsewhere, or its asker took it back.
    """
    require(actor, Action.WRITE, repository)
    _require_gated(repository)
    request = _locked(repository.access_requests.filter(pk=request.pk).exclude(state=AccessState.WITHDRAWN).first())
    if request.state == state:
        raise SameAccessState(state=state)
    return _decide(request, state, actor=actor, at=timezone.now(), reason=" ".join(reason.split())[:MAX_REASON])


@transaction.atomic
def grant_access(*, repository: Repository, actor: User, username: str) -> AccessRequest:
    """Give somebody access who did not ask, or not yet.

    Raises:
        NotGated
        NamespaceNotFound: nobody has this name.
        AlreadyHasAccess: by a role or an earlier decision.
    """
    require(actor, Action.WRITE, repository)
    _require_gated(repository)
    person = User.objects.filter(namespace__key=username.lower()[:50], is_active=True).first()
    if person is None:
        raise NamespaceNotFound(name=username[:100])
    if can(person, Action.DOWNLOAD, repository):
        raise AlreadyHasAccess(user=person.username, name=repository.full_name)
    now = timezone.now()
    request = AccessRequest.objects.select_for_update().filter(repository=repository, user=person).first()
    request = request or AccessRequest(repository=repository, user=person)
    request.state, request.reason, request.updated_at = AccessState.ACCEPTED, "", now
    request.decided_at, request.decided_by = now, actor
    request.save()
    _note(request, AccessStep.Action.GRANTED, actor=actor)
    return request


def find_request(repository: Repository, *, username: str = "", public_id: str = "") -> AccessRequest:
    """A request by its asker or its id, as the wire names them.

    Raises:
        AccessRequestNotFound
    """
    rows = repository.access_requests.exclude(state=AccessState.WITHDRAWN)
    by = {"user__namespace__key": username.lower()[:50]} if username else {"public_id": public_id[:24]}
    found: AccessRequest | None = rows.filter(**by).select_related("user").first()
    if found is None:
        raise AccessRequestNotFound
    return found


def requests_as_csv(*, repository: Repository, actor: User) -> Iterator[str]:
    """All requests with answers, for the owner, a line at a time."""
    require(actor, Action.WRITE, repository)
    names = list(
        dict.fromkeys(
            str(field["name"])
            for content in AccessForm.objects.filter(repository=repository).values_list("content", flat=True)
            for field in content["fields"]
        )
    )
    return _csv_lines(repository, names)


def _csv_lines(repository: Repository, names: list[str]) -> Iterator[str]:
    fixed = "user full_name email status asked_at decided_at decided_by reason form_version form_sha256".split()
    yield _csv_line([*fixed, *names])
    rows = repository.access_requests.select_related("user", "decided_by", "form").order_by("pk")
    for row in rows.iterator(chunk_size=500):
        yield _csv_line(
            [
                row.user.username,
                row.user.full_name,
                row.user.email if row.asked_at else "",
                row.state,
                _iso(row.asked_at),
                _iso(row.decided_at),
                row.decided_by.username if row.decided_by else "",
                row.reason,
                row.form.version if row.form else "",
                row.form.sha256 if row.form else "",
                *(row.answers.get(name, "") for name in names),
            ]
        )


def _csv_line(cells: list[Any]) -> str:
    """One line. A cell that a spreadsheet would run as a formula is made a text."""
    texts = [str(cell) for cell in cells]
    line = io.StringIO()
    csv.writer(line).writerow("'" + text if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text for text in texts)
    return line.getvalue()


def _iso(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at else ""


def _fields(lines: str) -> list[dict[str, Any]]:
    try:
        return [asdict(field) for field in gates.read_field_lines(lines)]
    except gates.BadField as error:
        raise InvalidGate(reason=str(error)) from error


def _require_gated(repository: Repository) -> None:
    if not repository.is_gated:
        raise NotGated(name=repository.full_name)


def _require_may_ask(repository: Repository, user: User, found: AccessRequest | None) -> None:
    if can(user, Action.DOWNLOAD, repository):
        raise AlreadyHasAccess(user=user.username, name=repository.full_name)
    if found is not None and found.state == AccessState.PENDING:
        raise AlreadyAsked(name=repository.full_name)
    if found is not None and found.state == AccessState.REJECTED:
        raise AccessRejected(name=repository.full_name, reason=found.reason)


def _form_row(repository: Repository, form: gates.Form) -> AccessForm:
    """The row of this text; a text that was asked with before keeps its version."""
    sha256 = form.sha256()
    found = AccessForm.objects.filter(repository=repository, sha256=sha256).first()
    if found is not None:
        return found
    last = AccessForm.objects.filter(repository=repository).aggregate(last=Max("version"))["last"] or 0
    return AccessForm.objects.create(repository=repository, version=last + 1, content=form.content(), sha256=sha256)


def _locked(request: AccessRequest | None) -> AccessRequest:
    if request is None:
        raise AccessRequestNotFound
    rows = AccessRequest.objects.select_for_update(of=("self",)).select_related("repository__namespace", "user")
    return rows.get(pk=request.pk)


def _decide(
    request: AccessRequest, state: AccessState, *, actor: User | None, at: datetime, reason: str = ""
) -> AccessRequest:
    request.state, request.updated_at = state, at
    request.reason = reason if state == AccessState.REJECTED else ""
    is_open = state == AccessState.PENDING
    request.decided_at, request.decided_by = (None, None) if is_open else (at, actor)
    request.save()
    _note(request, _STEP_OF[state], actor=actor, reason=request.reason)
    return request


def _note(
    request: AccessRequest,
    action: AccessStep.Action,
    *,
    actor: User | None,
    reason: str = "",
    with_answers: bool = False,
) -> None:
    AccessStep.objects.create(
        request=request,
        actor=actor,
        action=action,
        reason=reason,
        form=request.form if with_answers else None,
        answers=request.answers if with_answers else {},
    )
