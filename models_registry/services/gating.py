"""Whether a release may be `latest`: said by those who watch it, overridden in the open by who may.

What was measured and what licences say are two opinions. Neither takes back what the other one holds: the release's
gate is the worst of those that nobody has overridden.
"""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from models_registry.exceptions import InvalidRelease, ReleaseState
from models_registry.models import AuditEntry, GateOpinion, Release, ReleaseEvent, ReleaseGate
from models_registry.models.releases import MAX_REASON
from models_registry.permissions import Action, require
from models_registry.services import audit
from models_registry.services.events import note_event
from models_registry.signals import latest_moved

MEASURED, LICENCE = GateOpinion.Source.MEASURED, GateOpinion.Source.LICENCE
_ORDER = (ReleaseGate.PASSED, ReleaseGate.WAITING, ReleaseGate.FAILED)


@transaction.atomic
def set_gate(*, release: Release, gate: ReleaseGate, reason: str = "", source: GateOpinion.Source = MEASURED) -> bool:
    """Note what one of those who watch says; False if the release's gate says that already. A step through the gate
    is an event, so that it can be read later when `latest` moved and why.
    """
    reason = reason.replace("\x00", "")[:MAX_REASON]
    row = Release.objects.select_for_update(of=("self",)).get(pk=release.pk)
    opinions = _opinions(row)
    if source != MEASURED and not opinions and (row.gate, row.gate_reason) != (ReleaseGate.PASSED, ""):
        # What was measured before opinions were kept apart.
        overridden = row.events.filter(kind=ReleaseEvent.Kind.OVERRIDDEN).exists()
        old = {"gate": row.gate, "reason": row.gate_reason, "is_overridden": overridden}
        opinions[MEASURED] = GateOpinion.objects.create(release=row, source=MEASURED, **old)
    mine = opinions.get(source)
    stays = mine is not None and mine.is_overridden and (mine.gate, mine.reason) == (gate, reason)
    opinions[source], _ = GateOpinion.objects.update_or_create(
        release=row, source=source, defaults={"gate": gate, "reason": reason, "is_overridden": stays}
    )
    return _put(release, row, *_whole(row, opinions))


@transaction.atomic
def override_gate(*, release: Release, user: User, reason: str) -> Release:
    """Let a release pass all the same. Who did it and why is shown with the release and stays.

    Raises:
        InvalidRelease: no reason given, or too long a one.
        ReleaseState: it passed already.
    """
    require(user, Action.ADMINISTER, release.repository)
    reason = " ".join(reason.split())
    if not reason or "\x00" in reason or len(reason) > MAX_REASON:
        raise InvalidRelease(reason=f"Say why, in at most {MAX_REASON} characters and without NUL.")
    row: Release = (
        Release.objects.select_for_update(of=("self",))
        .select_related("commit", "repository__namespace")
        .get(pk=release.pk)
    )
    if row.gate == ReleaseGate.PASSED:
        raise ReleaseState(reason=f"{row.name} has passed the gate already.")
    row.gate, row.gate_reason = ReleaseGate.PASSED, reason
    row.save(update_fields=["gate", "gate_reason"])
    row.opinions.exclude(gate=ReleaseGate.PASSED).update(is_overridden=True)
    latest_moved.send(sender=Release, repository=row.repository)
    ReleaseEvent.objects.create(release=row, kind=ReleaseEvent.Kind.OVERRIDDEN, by=user, text=reason)
    audit.note(repository=row.repository, actor=user, deed=AuditEntry.Deed.GATE, release=row.name, reason=reason)
    news = {"name": row.name, "commit": row.commit.oid, "event": "override", "gate": "passed", "reason": reason}
    note_event(repository=row.repository, action="update", scope="repo.evaluation", more={"release": news})
    return row


def forget(*, text: str, evaluated_with: QuerySet[Any]) -> None:
    """Take the reasons that name something which nobody else may know of any more out of the past of releases.

    Args:
        evaluated_with: ids of the commits whose releases are meant.
    """
    told = ReleaseEvent.objects.filter(
        kind=ReleaseEvent.Kind.GATE, text__contains=text, release__commit__in=evaluated_with
    )
    for event in told:
        event.text = event.text.partition(". ")[0] + "."
        event.save(update_fields=["text"])
    GateOpinion.objects.filter(reason__contains=text, release__commit__in=evaluated_with).update(reason="")


def is_overridden(release: Release, source: GateOpinion.Source = MEASURED) -> bool:
    """Whether somebody let it pass by hand, against what this one said."""
    opinions = _opinions(release)
    if source in opinions:
        return bool(opinions[source].is_overridden)
    if any(opinion.is_overridden for opinion in opinions.values()):
        return False
    return release.events.filter(kind=ReleaseEvent.Kind.OVERRIDDEN).exists()


def _opinions(release: Release) -> dict[str, GateOpinion]:
    return {opinion.source: opinion for opinion in release.opinions.all()}


def _whole(row: Release, opinions: dict[str, GateOpinion]) -> tuple[ReleaseGate, str]:
    """The worst of the opinions that stand, and all that they say."""
    standing = [opinions[source] for source in sorted(opinions) if not opinions[source].is_overridden]
    gate = max((ReleaseGate(one.gate) for one in standing), key=_ORDER.index, default=ReleaseGate.PASSED)
    if gate == ReleaseGate.PASSED and len(standing) < len(opinions):
        return gate, row.gate_reason if row.gate == ReleaseGate.PASSED else ""  # What the person said who let it pass.
    said = [one.reason for one in standing if one.reason and (gate == one.gate or one.gate != ReleaseGate.WAITING)]
    return gate, " ".join(said)[:MAX_REASON]


def _put(release: Release, row: Release, gate: ReleaseGate, reason: str) -> bool:
    """Write the gate onto the release's row, with the news of it."""
    if (row.gate, row.gate_reason) == (gate, reason):
        release.gate, release.gate_reason = gate, reason
        return False
    moved = row.gate != gate
    Release.objects.filter(pk=row.pk).update(gate=gate, gate_reason=reason)
    release.gate, release.gate_reason = gate, reason
    if moved:
        latest_moved.send(sender=Release, repository=release.repository)
        ReleaseEvent.objects.create(
            release=row, kind=ReleaseEvent.Kind.GATE, text=f"{gate.label}. {reason}".strip().rstrip(".") + "."
        )
        news = {"name": row.name, "commit": release.commit.oid, "event": "gate", "gate": str(gate), "reason": reason}
        note_event(repository=release.repository, action="update", scope="repo.evaluation", more={"release": news})
    return True
