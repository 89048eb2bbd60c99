"""The gate: what a repository demands of a release before `latest` names it, and of a pull request before a merge."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils.translation import gettext

from accounts.models import User
from evaluation.exceptions import InvalidPolicy, MergeBlocked
from evaluation.models import (
    Benchmark,
    BenchmarkComparison,
    Comparison,
    Evaluation,
    GatePolicy,
    Run,
    State,
    Step,
)
from evaluation.presentation import shown_unit
from evaluation.services import versions
from hub.core.numbers import number
from models_registry.models import AuditEntry, Commit, Discussion, Release, ReleaseGate, Repository
from models_registry.permissions import Action, can, require
from models_registry.services import audit, gating

MAX_MARGIN = 100.0
MAX_KEYS = 100
Viewer = User | AnonymousUser
_BROKEN = (State.FAILED, State.TIMED_OUT, State.OUT_OF_MEMORY, State.QUARANTINED, State.CANCELLED)


@dataclass(frozen=True)
class Complaint:
    """One thing that speaks against a version, in a sentence, and the benchmark that it names."""

    text: str
    benchmark: int | None = None


def policy_of(repository: Repository) -> GatePolicy:
    """The repository's policy; an unsaved row of the defaults where nobody has set one."""
    found = GatePolicy.objects.filter(repository=repository).first()
    return found or GatePolicy(repository=repository)


def policy_seen_by(viewer: Viewer, repository: Repository) -> GatePolicy:
    """The policy without the benchmarks that this viewer may not know of; not to be saved."""
    policy = policy_of(repository)
    hidden = _hidden_keys(policy, viewer)
    policy.required = [key for key in policy.required if key not in hidden]
    policy.margins = {key: value for key, value in policy.margins.items() if key not in hidden}
    return policy


def _hidden_keys(policy: GatePolicy, viewer: Viewer) -> set[str]:
    """What a policy names and this viewer may not know of. A key that no benchmark has any more is nobody's secret."""
    named = Benchmark.objects.filter(key__in=[*policy.required, *policy.margins])
    known = set(named.shown_to(viewer).values_list("key", flat=True))
    return set(named.values_list("key", flat=True)) - known


@transaction.atomic
def set_policy(
    *,
    repository: Repository,
    user: User,
    mode: str,
    blocks_merge: bool,
    required: Sequence[str] = (),
    margins: Mapping[str, float] | None = None,
) -> GatePolicy:
    """Settle the policy. A release that was held and no longer is passes at once; one that passed stays.

    What it asks of benchmarks that this administrator may not know of stays as it is.

    Raises:
        InvalidPolicy: an unknown mode or benchmark, or a margin that is none.
    """
    require(user, Action.ADMINISTER, repository)
    margins = dict(margins or {})
    if mode not in GatePolicy.Mode.values:
        raise InvalidPolicy(reason=f"“{mode[:20]}” is none of block, warn and off.")
    if any(not 0 < value <= MAX_MARGIN for value in margins.values()):
        raise InvalidPolicy(reason=f"A margin is more than 0 and at most {MAX_MARGIN:g}.")
    wanted = {*required, *margins}
    known = set(Benchmark.objects.visible_to(user).filter(key__in=list(wanted)[:500]).values_list("key", flat=True))
    if len(wanted) > MAX_KEYS or wanted - known:
        raise InvalidPolicy(reason=f"There is no benchmark {', '.join(sorted(wanted - known)[:5])}.")
    former = policy_of(repository)
    hidden = _hidden_keys(former, user)
    margins |= {key: value for key, value in former.margins.items() if key in hidden}
    policy, _ = GatePolicy.objects.update_or_create(
        repository=repository,
        defaults={
            "mode": mode,
            "blocks_merge": blocks_merge,
            "required": sorted({*required, *(hidden & set(former.required))}),
            "margins": margins,
            "updated_by": user,
        },
    )
    audit.note(repository=repository, actor=user, deed=AuditEntry.Deed.GATE, mode=mode, blocks_merge=blocks_merge)
    for release in repository.releases.exclude(gate=ReleaseGate.PASSED).select_related("commit", "repository"):
        settle_release(release)
    return policy


def settle_releases(evaluation: Evaluation) -> None:
    """Decide anew on the releases of an evaluation's commit. Call inside the transaction that changed something."""
    for release in Release.objects.filter(commit=evaluation.commit_id).select_related("commit", "repository"):
        settle_release(release)


def settle_release(release: Release) -> None:
    """Decide on one release. What somebody who may has overridden stays so."""
    if gating.is_overridden(release):
        return
    gate, reason = decide(policy_of(release.repository), release)
    gating.set_gate(release=release, gate=gate, reason=reason)


def decide(policy: GatePolicy, release: Release) -> tuple[ReleaseGate, str]:
    """Whether a release may be `latest`, and why not or what to know. Reads only."""
    if policy.mode == GatePolicy.Mode.OFF:
        return ReleaseGate.PASSED, ""
    evaluation = Evaluation.objects.filter(commit=release.commit_id).first()
    if evaluation is None:
        return ReleaseGate.PASSED, ""
    before = versions.release_before(release)
    base = Evaluation.objects.filter(commit=before.commit_id).first() if before is not None else None
    found = complaints(policy, evaluation, base)
    if policy.mode == GatePolicy.Mode.WARN:
        return ReleaseGate.PASSED, " ".join(sentences(found or [], None, hint=False))
    if found is None:
        return ReleaseGate.WAITING, gettext("It is being measured.")
    return (ReleaseGate.FAILED, " ".join(sentences(found, None))) if found else (ReleaseGate.PASSED, "")


def sentences(found: Iterable[Complaint], viewer: Viewer | None, *, hint: bool = True) -> list[str]:
    """Complaints as this viewer may read them; None is for what anybody may read.

    Args:
        hint: where some are of benchmarks that the viewer may not know of, say that there is something, and not what.
    """
    rows = list(found)
    named = Benchmark.objects.filter(pk__in={row.benchmark for row in rows if row.benchmark is not None})
    shown = set(named.shown_to(viewer).values_list("pk", flat=True))
    said = [row.text for row in rows if row.benchmark is None or row.benchmark in shown]
    if hint and len(said) < len(rows):
        said.append(gettext("It did not pass a private check of its owners."))
    return said


def hide_names(repository: Repository) -> None:
    """Take what a data set that was made private is called out of the reasons that stand with releases."""
    for benchmark in Benchmark.objects.filter(repository=repository, is_restricted=True):
        named = Release.objects.filter(
            gate_reason__contains=benchmark.title, commit__evaluation__runs__benchmark=benchmark
        )
        for release in named.select_related("commit", "repository").distinct():
            settle_release(release)
        gating.forget(text=benchmark.title, evaluated_with=benchmark.runs.values("evaluation__commit"))


def complaints(policy: GatePolicy, evaluation: Evaluation, base: Evaluation | None) -> list[Complaint] | None:
    """What speaks against a version next to the one before; None while it is not known yet."""
    if evaluation.status != Evaluation.Status.DONE:
        return None
    found = _broken_steps(evaluation)
    if base is None:
        return found
    comparison = Comparison.objects.filter(evaluation=evaluation, base=base).first()
    if comparison is None or not comparison.is_settled:
        return None
    if comparison.fault:
        return [*found, Complaint(gettext("The two versions could not be compared."))]
    rows = {row.benchmark.key: row for row in comparison.benchmarks.select_related("benchmark")}
    found += [_worse(row) for row in rows.values() if row.gates and row.blocks]
    found += _not_told(policy, rows)
    found += _lost(policy, evaluation, base)
    return found


def _broken_steps(evaluation: Evaluation) -> list[Complaint]:
    """Steps before any benchmark that went wrong. What is not applicable speaks against nobody."""
    steps = [Step.SCAN, Step.INSPECT, Step.SMOKE]
    rows = evaluation.runs.filter(step__in=steps, state__in=_BROKEN).order_by("position")
    said = gettext("%(step)s: %(state)s.")
    return [Complaint(said % {"step": row.get_step_display(), "state": row.get_state_display()}) for row in rows]


def _worse(row: BenchmarkComparison) -> Complaint:
    definition = row.benchmark.definition
    factor, unit = shown_unit(definition.get("unit") or "", definition.get("scale") or {})
    old, new = (_told(value, factor, str(unit)) for value in (row.old, row.new))
    values = {"name": row.benchmark.title, "old": old, "new": new}
    return Complaint(gettext("%(name)s got worse: %(old)s, now %(new)s.") % values, row.benchmark_id)


def _told(value: float | None, factor: float, unit: str) -> str:
    """A value as pages show it: in per cent where it is a share."""
    if value is None:
        return "—"
    return f"{number(value * factor, decimals=1 if unit == '%' else None)} {unit}".rstrip()


def _not_told(policy: GatePolicy, rows: Mapping[str, BenchmarkComparison]) -> list[Complaint]:
    """Benchmarks that must be told: "not told apart" never counts as "no worse" there."""
    unclear = (BenchmarkComparison.Verdict.INCONCLUSIVE, BenchmarkComparison.Verdict.NOT_COMPARABLE)
    found = []
    for key in policy.required:
        row = rows.get(key)
        if row is None:
            newest = Benchmark.objects.filter(key=key).order_by("-version").values_list("pk", flat=True).first()
            found.append(Complaint(gettext("%(name)s was not measured of both.") % {"name": key}, newest))
        elif row.verdict in unclear:
            text = gettext("%(name)s does not tell whether it got worse.") % {"name": row.benchmark.title}
            found.append(Complaint(text, row.benchmark_id))
    return found


def _lost(policy: GatePolicy, evaluation: Evaluation, base: Evaluation) -> list[Complaint]:
    """Benchmarks that the version before has a score of and that failed on this one."""
    scored = Run.objects.filter(evaluation=base, score__isnull=False).values("benchmark__key")
    rows = evaluation.runs.filter(state__in=_BROKEN, benchmark__key__in=scored).select_related("benchmark")
    return [
        Complaint(
            gettext("%(name)s could be measured before and failed now.") % {"name": row.benchmark.title},
            row.benchmark_id,
        )
        for row in rows
        if row.benchmark is not None and (not policy.required or row.benchmark.key in policy.required)
    ]


def require_mergeable(*, discussion: Discussion, head: Commit, user: User, text: str) -> None:
    """Ask before a pull request is merged. An administrator may merge all the same by saying why.

    Raises:
        MergeBlocked: the policy wants the head measured and no worse than what it is merged into.
    """
    repository = discussion.repository
    policy = policy_of(repository)
    if not policy.blocks_merge:
        return
    found = pull_request_complaints(policy, discussion, head)
    if found == []:
        return
    reason = gettext("It is not measured yet.") if found is None else " ".join(sentences(found, user))
    if text.strip() and can(user, Action.ADMINISTER, repository):
        details: dict[str, Any] = {"merged": f"#{discussion.number}", "reason": text.strip()[:300]}
        audit.note(repository=repository, actor=user, deed=AuditEntry.Deed.GATE, **details)
        return
    raise MergeBlocked(number=discussion.number, reason=reason)


def pull_request_complaints(policy: GatePolicy, discussion: Discussion, head: Commit) -> list[Complaint] | None:
    """What speaks against merging this head; None while it is not known."""
    evaluation = Evaluation.objects.filter(commit=head).first()
    if evaluation is None:
        return None
    return complaints(policy, evaluation, versions.base_of(discussion))
