"""Who accepted what, when: the accepter's receipts, and the owner's tables of all who asked."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from accounts.models import Role, User
from models_registry.models import Acceptance, AccessForm, AccessRequest, AccessStep, Repository
from models_registry.permissions import Action, require

FIXED = (
    *("user", "full_name", "email", "status", "asked_at", "decided_at", "decided_by", "reason"),
    *("form_version", "form_sha256", "licence_sha256", "organisation", "renew_by"),
)
_ROWS = 500


def note_acceptance(request: AccessRequest, step: AccessStep) -> Acceptance:
    """Write the receipt of what was just accepted, complete by itself: it outlives the repository."""
    assert request.form is not None
    assert request.asked_at is not None
    repository = request.repository
    return Acceptance.objects.create(
        step=step,
        user=request.user,
        organisation=request.organisation,
        organisation_name=request.organisation.name if request.organisation else "",
        repository=repository,
        repository_kind=repository.kind,
        repository_name=repository.full_name,
        commit=repository.head,
        content=request.form.content,
        sha256=request.form.sha256,
        text=request.form.text,
        answers=request.answers,
        accepted_at=request.asked_at,
    )


def hand_on(*, user: User) -> None:
    """What she accepted for organisations stays theirs when her account ends: another admin answers for it. The
    answers, which she gave about herself, go.
    """
    for rows in (AccessRequest.objects.filter(user=user), Acceptance.objects.filter(user=user)):
        for row in rows.filter(organisation__isnull=False).select_related("organisation"):
            assert row.organisation is not None
            admins = row.organisation.memberships.filter(role=Role.ADMIN).exclude(user=user).order_by("pk")
            other = admins.select_related("user").first()
            if other is not None:
                row.user, row.answers = other.user, {}
                row.save(update_fields=["user", "answers"])


def receipt_of(acceptance: Acceptance) -> dict[str, Any]:
    """A receipt as JSON: `sha256` is that of `terms` as JSON with sorted keys and no spaces, in UTF-8."""
    return {
        "id": acceptance.public_id,
        "accepted_by": acceptance.user.username,
        "organisation": acceptance.organisation_name or None,
        "repository": acceptance.repository_name,
        "kind": acceptance.repository_kind,
        "commit": acceptance.commit,
        "accepted_at": _iso(acceptance.accepted_at),
        "withdrawn_at": _iso(acceptance.withdrawn_at) or None,
        "sha256": acceptance.sha256,
        "terms": acceptance.content,
        "answers": acceptance.answers,
    }


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


def requests_as_json(*, repository: Repository, actor: User) -> Iterator[str]:
    """The same as a JSON list, an object a line."""
    require(actor, Action.WRITE, repository)
    return _json_lines(repository)


def _csv_lines(repository: Repository, names: list[str]) -> Iterator[str]:
    yield _csv_line([*FIXED, *names])
    for row in _rows(repository):
        plain = _plain(row)
        cells = ["" if plain[name] is None else plain[name] for name in FIXED]
        yield _csv_line([*cells, *(row.answers.get(name, "") for name in names)])


def _json_lines(repository: Repository) -> Iterator[str]:
    before = "["
    for row in _rows(repository):
        yield before + "\n" + json.dumps(_plain(row) | {"answers": row.answers}, ensure_ascii=False)
        before = ","
    yield "\n]\n" if before == "," else "[]\n"


def _rows(repository: Repository) -> Iterator[AccessRequest]:
    rows = repository.access_requests.select_related("user", "decided_by", "form", "organisation").order_by("pk")
    return rows.iterator(chunk_size=_ROWS)


def _plain(row: AccessRequest) -> dict[str, Any]:
    """One request. Who was given access unasked never gave her e-mail address, so it is not told."""
    return {
        "user": row.user.username,
        "full_name": row.user.full_name,
        "email": (row.user.email or None) if row.asked_at else None,
        "organisation": row.organisation.name if row.organisation else None,
        "status": row.state,
        "asked_at": _iso(row.asked_at) or None,
        "decided_at": _iso(row.decided_at) or None,
        "decided_by": row.decided_by.username if row.decided_by else None,
        "reason": row.reason,
        "form_version": row.form.version if row.form else None,
        "form_sha256": row.form.sha256 if row.form else None,
        "licence_sha256": row.form.content.get("licence_sha256") if row.form else None,
        "renew_by": _iso(row.renew_by) or None,
    }


def _csv_line(cells: list[Any]) -> str:
    """One line. A cell that a spreadsheet would run as a formula is made a text."""
    texts = [str(cell) for cell in cells]
    line = io.StringIO()
    csv.writer(line).writerow("'" + text if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text for text in texts)
    return line.getvalue()


def _iso(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at else ""
