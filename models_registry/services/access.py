"""Access to gated repositories: asked for, given, refused, taken back. Every step is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.exceptions import NamespaceNotFound
from accounts.models import Organisation, Role, User
from accounts.permissions import require_own_write, role_in
from models_registry import gates
from models_registry.exceptions import (
    AccessRejected,
    AccessRequestNotFound,
    AlreadyAsked,
    AlreadyHasAccess,
    AnswersIncomplete,
    FormChanged,
    InvalidGate,
    NotForOrganisation,
    NotGated,
    SameAccessState,
)
from models_registry.models import (
    Acceptance,
    AccessForm,
    AccessRequest,
    AccessState,
    AccessStep,
    Gate,
    Gated,
    Renewal,
    Repository,
)
from models_registry.permissions import Action, can, require
from models_registry.services.events import note_event
from models_registry.services.heads import licence_file
from models_registry.services.licensing.inheritance import settle_after_commit
from models_registry.services.licensing.receipts import note_acceptance
from models_registry.services.licensing.terms import form_now, note_terms, renew_by, settle_renewals

MAX_REASON = 500
MAX_RENEW_DAYS = 365
MAX_AT_ONCE = 100
_STEP_OF = {
    AccessState.PENDING: AccessStep.Action.CANCELLED,
    AccessState.ACCEPTED: AccessStep.Action.ACCEPTED,
    AccessState.REJECTED: AccessStep.Action.REJECTED,
}


@dataclass(frozen=True)
class GateRules:
    """What the owner settles beside the text.

    Attributes:
        renewal, renew_days: what becomes of those who accepted, when the text changes.
        with_children: whether the files of what is made from this need its terms as well.
    """

    renewal: Renewal = Renewal.KEEP
    renew_days: int = 14
    with_children: bool = False


@transaction.atomic
def set_gate(
    *,
    repository: Repository,
    user: User,
    gated: Gated,
    prompt: str | None = None,
    fields: str | None = None,
    rules: GateRules | None = None,
    is_minor: bool = False,
) -> Repository:
    """Decide who may have the files: everybody, who asks, or who was accepted.

    Args:
        prompt, fields: what people read and answer, fields as `gates.read_field_lines` takes them; None keeps them.
        rules: what becomes of those who accepted as the text changes, and whether children need it; None keeps them.
        is_minor: this change means the same as the text before.

    Raises:
        InvalidGate: a line is no field, or a number of days is none.
    """
    require(user, Action.ADMINISTER, repository)
    rows = Repository.objects.select_for_update(of=("self",)).select_related("namespace")
    row = rows.get(pk=repository.pk)  # Heads and askers wait for it, and what it says is what holds.
    row.gated = repository.gated = Gated(gated)
    row.save(update_fields=["gated"])
    gate = Gate.objects.filter(repository=repository).first()
    if gate is None and (prompt is not None or fields is not None or rules is not None or gated):
        gate = Gate.objects.get_or_create(repository=repository)[0]
    if gate is not None:
        _write_gate(gate, prompt, fields, rules)
    if row.has_gate:
        note_terms(repository=row, file=licence_file(row), is_minor=is_minor)
        if rules is not None:
            settle_renewals(Gate.objects.select_related("form").get(repository=repository), anew=True)
    settle_after_commit(repository)
    note_event(repository=repository, action="update", scope="repo.config")
    return repository


def _write_gate(gate: Gate, prompt: str | None, fields: str | None, rules: GateRules | None) -> None:
    gate.prompt = gate.prompt if prompt is None else prompt[: gates.MAX_PROMPT]
    gate.fields = gate.fields if fields is None else read_fields(fields)
    if rules is not None:
        if not 1 <= rules.renew_days <= MAX_RENEW_DAYS:
            raise InvalidGate(reason=f"Give people between 1 and {MAX_RENEW_DAYS} days.")
        gate.renewal, gate.renew_days, gate.with_children = rules.renewal, rules.renew_days, rules.with_children
    gate.save(update_fields=["prompt", "fields", "renewal", "renew_days", "with_children"])


def form_of(repository: Repository) -> gates.Form:
    """What people who ask are shown now: the card's keys, the owner's settings, and the licence's text by its hash."""
    return form_now(repository, licence_file(repository), Gate.objects.filter(repository=repository).first())


@transaction.atomic
def ask_access(
    *,
    repository: Repository,
    user: User,
    answers: Mapping[str, Any],
    seen_sha256: str = "",
    organisation: Organisation | None = None,
) -> AccessRequest:
    """Accept the terms and ask for the files; where the gate is open to all that ask, they are hers at once.

    Who was accepted before and has to accept changed terms keeps her access by this: the owner decided already.

    Args:
        seen_sha256: the terms that she saw; empty where a program asks that shows none.
        organisation: for all its members, of whom she is an admin.

    Raises:
        NotGated, AlreadyHasAccess, AlreadyAsked, AccessRejected, FormChanged, AnswersIncomplete, NotForOrganisation
    """
    require(user, Action.READ, repository)
    require_own_write(user)
    if organisation is not None and role_in(user, organisation.namespace) != Role.ADMIN:
        raise NotForOrganisation(name=organisation.name)
    repository = Repository.objects.select_for_update(of=("self",)).select_related("namespace").get(pk=repository.pk)
    _require_gated(repository)
    found = found_request(repository, user, organisation)
    _require_may_ask(repository, user, organisation, found)
    row = note_terms(repository=repository, file=licence_file(repository))
    if seen_sha256 and seen_sha256 != row.sha256:
        raise FormChanged
    checked = _checked(row, answers)
    now = timezone.now()
    request = found or AccessRequest(repository=repository, user=user, organisation=organisation)
    is_renewal = found is not None and found.state == AccessState.ACCEPTED
    request.user, request.form, request.answers, request.asked_at = user, row, checked, now
    request.renew_by, request.reason, request.updated_at = None, "", now
    if not is_renewal:
        request.state = AccessState.PENDING
        request.decided_at = request.decided_by = None
    request.save()
    action = AccessStep.Action.RENEWED if is_renewal else AccessStep.Action.ASKED
    note_acceptance(request, _note(request, action, actor=user, with_answers=True))
    if not is_renewal and repository.gated == Gated.AUTO:
        _decide(request, AccessState.ACCEPTED, actor=None, at=now)
    return request


def found_request(repository: Repository, user: User, organisation: Organisation | None) -> AccessRequest | None:
    """What she, or the organisation, asked here before."""
    who = {"user": user, "organisation": None} if organisation is None else {"organisation": organisation}
    rows = AccessRequest.objects.filter(repository=repository, **who).select_related("form", "repository__namespace")
    found: AccessRequest | None = rows.first()
    return found


def _checked(row: AccessForm, answers: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return gates.read_answers(gates.form_of_content(row.content), answers)
    except gates.BadAnswers as error:
        raise AnswersIncomplete(problems=str(error)) from error


@transaction.atomic
def withdraw_access(*, user: User, public_id: str) -> AccessRequest:
    """Take one's own request back, or give up the access that came of it.

    Raises:
        AccessRequestNotFound: not hers.
        AccessRejected: a rejection is not undone by asking anew.
    """
    require_own_write(user)
    request = _locked(AccessRequest.objects.spoken_for(user).filter(public_id=public_id).first())
    if request.state == AccessState.REJECTED:
        raise AccessRejected(name=request.repository.full_name, reason=request.reason)
    if request.state == AccessState.WITHDRAWN:
        raise SameAccessState(state=request.state)
    request.state, request.updated_at, request.renew_by = AccessState.WITHDRAWN, timezone.now(), None
    request.save()
    _note(request, AccessStep.Action.WITHDRAWN, actor=user)
    Acceptance.objects.filter(step__request=request, withdrawn_at=None).update(withdrawn_at=request.updated_at)
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


def decide_many(
    *, repository: Repository, actor: User, public_ids: Sequence[str], state: AccessState, reason: str = ""
) -> int:
    """Decide several alike; says how many. What is so already, or was taken back meanwhile, is passed over."""
    require(actor, Action.WRITE, repository)
    _require_gated(repository)
    rows = repository.access_requests.filter(public_id__in=list(public_ids)[:MAX_AT_ONCE]).order_by("pk")
    done = 0
    for request in rows:
        try:
            decide_access(repository=repository, actor=actor, request=request, state=state, reason=reason)
        except (SameAccessState, AccessRequestNotFound):
            continue
        done += 1
    return done


@transaction.atomic
def mark_minor(*, repository: Repository, user: User, version: int, is_minor: bool) -> AccessForm:
    """Say that a version of the terms means the same as the one before it, or take that back.

    Raises:
        InvalidGate: there is no such version, or none before it.
    """
    require(user, Action.ADMINISTER, repository)
    row = AccessForm.objects.select_for_update().filter(repository=repository, version=version).first()
    if row is None or version < 2:
        raise InvalidGate(reason=f"There is no version {version} with one before it.")
    row.is_minor = is_minor
    row.save(update_fields=["is_minor"])
    gate = Gate.objects.select_related("form").filter(repository=repository).first()
    if gate is not None:
        settle_renewals(gate)
    return row


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
    own = AccessRequest.objects.select_for_update(of=("self",)).filter(organisation=None)
    request = own.filter(repository=repository, user=person).first()
    request = request or AccessRequest(repository=repository, user=person)
    request.state, request.reason, request.updated_at = AccessState.ACCEPTED, "", now
    request.renew_by = _renew_by(request)
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
    by: dict[str, Any] = {"public_id": public_id[:24]}
    if username:  # Who spoke for an organisation is found by the id of that request alone.
        by = {"user__namespace__key": username.lower()[:50], "organisation": None}
    found: AccessRequest | None = rows.filter(**by).select_related("user").first()
    if found is None:
        raise AccessRequestNotFound
    return found


def read_fields(lines: str) -> list[dict[str, Any]]:
    try:
        return [asdict(field) for field in gates.read_field_lines(lines)]
    except gates.BadField as error:
        raise InvalidGate(reason=str(error)) from error


def _require_gated(repository: Repository) -> None:
    if not repository.has_gate:
        raise NotGated(name=repository.full_name)


def _require_may_ask(
    repository: Repository, user: User, organisation: Organisation | None, found: AccessRequest | None
) -> None:
    if found is not None and found.state == AccessState.ACCEPTED and found.renew_by is not None:
        return  # She was accepted, and accepts what changed.
    has_access = can(user, Action.DOWNLOAD, repository) if organisation is None else False
    if has_access or (found is not None and found.state == AccessState.ACCEPTED):
        name = user.username if organisation is None else organisation.name
        raise AlreadyHasAccess(user=name, name=repository.full_name)
    if found is not None and found.state == AccessState.PENDING:
        raise AlreadyAsked(name=repository.full_name)
    if found is not None and found.state == AccessState.REJECTED:
        raise AccessRejected(name=repository.full_name, reason=found.reason)


def _renew_by(request: AccessRequest) -> datetime | None:
    gate = Gate.objects.filter(repository=request.repository_id).select_related("form").first()
    return renew_by(gate, request.form_id)


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
    request.renew_by = _renew_by(request) if state == AccessState.ACCEPTED else None
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
) -> AccessStep:
    return AccessStep.objects.create(
        request=request,
        actor=actor,
        action=action,
        reason=reason,
        form=request.form if with_answers else None,
        answers=request.answers if with_answers else {},
    )
