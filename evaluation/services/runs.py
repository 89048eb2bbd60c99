"""Runs: leased to one worker at a time, kept alive, given back, ended exactly once, asked for again.

The row is the truth. Every write under a lease is a compare-and-swap on (id, running, attempt), so a worker that was
thought dead, or a task that arrives twice, changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from evaluation.exceptions import LeaseLost, NothingToCancel, RunStillOpen
from evaluation.models import OPEN_STATES, Evaluation, Receipt, Run, Score, State, Step
from evaluation.querysets import RunQuerySet
from evaluation.services import dispatch, evaluations, items, signing, standings, turns, workers
from evaluation.services.outcomes import Outcome, ReceiptDraft, Used
from evaluation.services.plain import plain_json, plain_text
from models_registry.permissions import Action, require
from models_registry.services import heads

MAX_LOSSES = 3
MAX_RELEASES = 10
REST_LIMIT = timedelta(minutes=5)


@dataclass(frozen=True)
class Claim:
    """The right of one attempt to work on a run."""

    run_id: int
    attempt: int


def lease_length() -> timedelta:
    return timedelta(seconds=settings.SMALLHUB_LEASE_SECONDS)


@transaction.atomic
def claim_run(*, run_id: int) -> tuple[Run, Claim] | None:
    """Lease a queued run, or one whose worker died or fell silent; None if there is nothing to do.

    A run over which workers died three times is ended instead: it would take the next one down as well.
    """
    evaluation = _lock_evaluation(run_id)
    run = Run.objects.select_related("evaluation__repository", "benchmark").filter(pk=run_id).first()
    now = timezone.now()
    if evaluation is None or run is None or not (run.is_claimable(at=now) or _is_orphaned(run)):
        return None
    if run.state == State.RUNNING and not _count_loss(run, gettext("its worker died or fell silent")):
        return None
    before = run.attempt
    taken = Run.objects.filter(pk=run.pk, attempt=before, state=run.state).update(
        state=State.RUNNING,
        attempt=before + 1,
        losses=run.losses,
        worker=workers.this_worker(),
        progress=0.0,
        heartbeat_at=now,
        lease_until=now + lease_length(),
        started_at=now,
        finished_at=None,
        reason="",
        log=_with_line(run.log, gettext("Attempt %(number)s.") % {"number": before + 1}) if run.log else "",
    )
    if not taken:
        return None
    if evaluation.status != Evaluation.Status.RUNNING:
        Evaluation.everything.filter(pk=evaluation.pk).update(status=Evaluation.Status.RUNNING, finished_at=None)
    turns.note(run, at=now)
    run.refresh_from_db()
    return run, Claim(run.pk, run.attempt)


def next_of_same(*, run_id: int) -> int | None:
    """The next run of the same evaluation that could start now; None if there is none."""
    now = timezone.now()
    same = Run.objects.claimable(at=now).filter(state=State.QUEUED, evaluation__runs=run_id)
    return same.order_by("position").values_list("pk", flat=True).first()


def renew(claim: Claim) -> bool:
    """Push the lease on; False if this attempt no longer owns the run."""
    now = timezone.now()
    return bool(_mine(claim).update(heartbeat_at=now, lease_until=now + lease_length()))


def note_progress(claim: Claim, *, progress: float, log: str) -> None:
    """Show how far the work is and what it said.

    Raises:
        LeaseLost
    """
    if not _mine(claim).update(progress=min(max(progress, 0.0), 1.0), log=log):
        raise LeaseLost(run=claim.run_id, attempt=claim.attempt)


@transaction.atomic
def finish_run(*, claim: Claim, outcome: Outcome, log: str, used: Used | None = None) -> None:
    """End a run in one step: state, reason, result, score, receipt, items, log, and what comes next.

    Raises:
        LeaseLost: this attempt no longer owns the run; nothing is written.
    """
    evaluation = _lock_evaluation(claim.run_id)
    ended = _mine(claim).update(
        state=outcome.state,
        reason=plain_text(outcome.reason),
        result=plain_json(outcome.result),
        log=log,
        cpu_s=used.cpu_s if used is not None else None,
        peak_rss_bytes=used.peak_rss_bytes if used is not None else None,
        progress=1.0,
        lease_until=None,
        finished_at=timezone.now(),
    )
    if evaluation is None or not ended:
        raise LeaseLost(run=claim.run_id, attempt=claim.attempt)
    run = Run.objects.select_related("evaluation__commit", "evaluation__repository").get(pk=claim.run_id)
    _store_measurement(run, outcome)
    _pass_on(run, outcome)
    evaluations.advance(run.evaluation)
    standings.refresh(repository=run.evaluation.repository)


@transaction.atomic
def release_run(*, claim: Claim, reason: str, log: str) -> None:
    """Give a run back because something it needs is away; it rests a while, longer each time.

    After ten times it ends as failed with the reason, for by then the part is not coming back by itself.
    """
    evaluation = _lock_evaluation(claim.run_id)
    run = Run.objects.filter(pk=claim.run_id, state=State.RUNNING, attempt=claim.attempt).first()
    if run is None or evaluation is None:
        return
    run.log = _with_line(log, reason)
    if run.releases + 1 >= MAX_RELEASES:
        _end(run, State.FAILED, reason)
        evaluations.advance(evaluation)
        return
    rest = min(timedelta(seconds=5 * 2**run.releases), REST_LIMIT)
    run.releases += 1
    _back_to_queue(run, reason, not_before=timezone.now() + rest)


@transaction.atomic
def fail_attempt(*, claim: Claim, reason: str, log: str) -> None:
    """Count a worker's own failure over a run: it is tried again, three times in all."""
    evaluation = _lock_evaluation(claim.run_id)
    run = Run.objects.filter(pk=claim.run_id, state=State.RUNNING, attempt=claim.attempt).first()
    if run is None or evaluation is None:
        return
    run.log = log
    if _count_loss(run, reason):
        rest = timedelta(seconds=2 * run.losses)
        _back_to_queue(run, reason, not_before=timezone.now() + rest)


@transaction.atomic
def requeue_expired(*, run_id: int, at: datetime) -> bool:
    """Queue a running run whose lease ran out or whose worker is dead; True if it was queued."""
    evaluation = _lock_evaluation(run_id)
    run = Run.objects.filter(pk=run_id, state=State.RUNNING).first()
    if evaluation is None or run is None or not (run.is_claimable(at=at) or _is_orphaned(run)):
        return False
    if not _count_loss(run, gettext("its worker died or fell silent")):
        return False
    _back_to_queue(run, gettext("The worker was lost; the run is taken over."), not_before=None)
    return True


@transaction.atomic
def rerun(*, run: Run, user: User) -> Run:
    """Ask for a step again. What never ran because of it is asked for again as well; other results stay.

    Raises:
        RunStillOpen: it has not ended.
        RepositoryForbidden: she may not write here.
    """
    require(user, Action.WRITE, run.evaluation.repository)
    evaluation = Evaluation.everything.select_for_update().get(pk=run.evaluation_id)
    run = Run.objects.get(pk=run.pk)
    if run.is_open:
        raise RunStillOpen
    Score.objects.filter(run=run).delete()
    Receipt.objects.filter(run=run).update(run=None)
    run.losses = run.releases = 0
    _back_to_queue(run, "", not_before=None)
    if run.step != Step.BENCHMARK:
        closed = [State.NOT_APPLICABLE, State.CANCELLED]
        never_ran = evaluation.runs.filter(started_at=None, state__in=closed, position__gt=run.position)
        never_ran.update(state=State.WAITING, reason="", finished_at=None)
    Evaluation.everything.filter(pk=evaluation.pk).update(status=Evaluation.Status.QUEUED, finished_at=None)
    standings.refresh(repository=evaluation.repository)
    run.refresh_from_db()
    return run


@transaction.atomic
def cancel(*, evaluation: Evaluation, user: User, run: Run | None = None) -> int:
    """End what is open of an evaluation, or one run of it. A model's process that is at work ends within a second.

    Whoever holds the lease is fenced out at once; the scores that are there stay.

    Returns:
        How many runs were ended.

    Raises:
        NothingToCancel: none of it is open.
        RepositoryForbidden: she may not write here.
    """
    require(user, Action.WRITE, evaluation.repository)
    locked = Evaluation.everything.select_for_update(of=("self",)).get(pk=evaluation.pk)
    wanted = locked.runs.filter(state__in=OPEN_STATES)
    found = list(wanted.filter(pk=run.pk) if run is not None else wanted)
    if not found:
        raise NothingToCancel
    reason = gettext("Cancelled by %(name)s.") % {"name": user.username}
    for row in found:
        _end(row, State.CANCELLED, reason)
    evaluations.advance(locked)
    return len(found)


def is_wanted(claim: Claim) -> bool:
    """Whether this attempt still owns its run."""
    return _mine(claim).exists()


def _mine(claim: Claim) -> RunQuerySet:
    return Run.objects.filter(pk=claim.run_id, state=State.RUNNING, attempt=claim.attempt)


def _is_orphaned(run: Run) -> bool:
    return run.state == State.RUNNING and workers.is_gone(run.worker)


def _lock_evaluation(run_id: int) -> Evaluation | None:
    """All ends of one evaluation's runs take turns, so that exactly one of them finds nothing open."""
    return Evaluation.everything.select_for_update(of=("self",)).filter(runs=run_id).first()


def _count_loss(run: Run, why: str) -> bool:
    """Note one more loss on the row in hand; False if it was the last that is borne, and the run is ended."""
    run.losses += 1
    if run.losses < MAX_LOSSES:
        return True
    reason = gettext("Given up after %(count)s attempts: %(why)s.") % {"count": run.losses, "why": why.rstrip(".")}
    _end(run, State.FAILED, reason)
    evaluations.advance(run.evaluation)
    return False


def _end(run: Run, state: State, reason: str) -> None:
    Run.objects.filter(pk=run.pk, attempt=run.attempt).update(
        state=state,
        reason=reason,
        losses=run.losses,
        log=_with_line(run.log, reason),
        lease_until=None,
        finished_at=timezone.now(),
    )


def _back_to_queue(run: Run, reason: str, *, not_before: datetime | None) -> None:
    """Queue the row in hand. Whoever held it is fenced out at once: every write of hers needs a running row."""
    now = timezone.now()
    Run.objects.filter(pk=run.pk, attempt=run.attempt).update(
        state=State.QUEUED,
        reason=reason,
        losses=run.losses,
        releases=run.releases,
        log=run.log,
        progress=0.0,
        lease_until=None,
        finished_at=None,
        queued_at=now,
        not_before=not_before,
        dispatched_at=None if not_before else now,
        dispatches=0,
    )
    if not_before is None:
        dispatch.after_commit([run.pk])


def _store_measurement(run: Run, outcome: Outcome) -> None:
    Receipt.objects.filter(run=run).update(run=None)
    Score.objects.filter(run=run).delete()
    if outcome.score is not None and run.benchmark is not None:
        fields = vars(outcome.score)
        Score.objects.create(run=run, repository=run.evaluation.repository, benchmark=run.benchmark, **fields)
    if outcome.receipt is not None:
        _store_receipt(run, outcome.receipt)


def _store_receipt(run: Run, draft: ReceiptDraft) -> None:
    receipt = Receipt.objects.create(run=run, of_run=run, sha256=draft.sha256, body=draft.body)
    if draft.items is not None:
        items.store_table(receipt, table=draft.items, rows_sha256=draft.items_sha256, count=draft.item_count)
    signing.sign_receipt(receipt)


def _pass_on(run: Run, outcome: Outcome) -> None:
    """Tell the registry what its own rows show: the scan's verdict and the numbers of parameters."""
    evaluation = run.evaluation
    if outcome.scan is not None:
        Evaluation.everything.filter(pk=evaluation.pk).update(verdict=outcome.scan.verdict)
        heads.note_scan(commit=evaluation.commit, verdict=outcome.scan.verdict, held=outcome.scan.held)
    if outcome.parameters_by_dtype is not None:
        heads.note_parameters(
            repository=evaluation.repository, commit_oid=evaluation.commit.oid, by_dtype=outcome.parameters_by_dtype
        )


def _with_line(log: str, line: str) -> str:
    return f"{log}{line}\n" if not log or log.endswith("\n") else f"{log}\n{line}\n"
