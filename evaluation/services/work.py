"""Working on one run: claim, lay out, measure, end. What goes wrong is sorted here, once for all steps."""

import errno
import logging
import os

from django.conf import settings
from django.db import OperationalError
from django.utils import timezone
from django.utils.translation import gettext

from evaluation import sandbox
from evaluation.exceptions import LeaseLost
from evaluation.models import Run, State
from evaluation.services import measuring, runs, turns
from evaluation.services.lease import Lease
from evaluation.services.outcomes import Outcome
from evaluation.services.runs import Claim
from hub.core.exceptions import Unavailable

logger = logging.getLogger("evaluation.work")

_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def perform_next(*, hint: int) -> None:
    """Do the run whose turn it is, and then others of its evaluation while nobody else waits.

    The queue's word is only that there is work: which, the rows decide. A worker that has a model loaded does best to
    go on with it.
    """
    done = _perform_first(hint)
    while done is not None:
        following = runs.next_of_same(run_id=done)
        if following is None or not turns.is_turn_of(following, at=timezone.now()):
            return
        done = following if perform(run_id=following) else None


def _perform_first(hint: int) -> int | None:
    """Do the first of the runs that could start now; None if there is none."""
    for run_id in turns.candidates(at=timezone.now()):
        if perform(run_id=run_id):
            return run_id
    # One whose worker is dead, say, though its lease still runs.
    return hint if perform(run_id=hint) else None


def perform(*, run_id: int) -> bool:
    """Do what a run asks for; False if it is not there to be done. Never raises for anything a model can do."""
    claimed = runs.claim_run(run_id=run_id)
    if claimed is None:
        return False
    _carry_out(*claimed)
    return True


def _carry_out(run: Run, claim: Claim) -> None:
    logger.info("run %s (%s), attempt %s begins", run.pk, run.step, claim.attempt)
    with Lease(claim, log=run.log) as lease:
        try:
            _attempt(run, claim, lease)
        except LeaseLost:
            logger.warning("run %s: attempt %s is no longer wanted", run.pk, claim.attempt)
        except (Unavailable, sandbox.SandboxUnavailable) as error:
            logger.warning("run %s waits: %s", run.pk, error)
            runs.release_run(claim=claim, reason=str(error), log=lease.log)
        except Exception as error:
            if _passes(error):
                logger.warning("run %s waits: %s", run.pk, error)
                runs.release_run(claim=claim, reason=_passing_reason(error), log=lease.log)
                return
            # Our own fault, or the machine's. The model is not blamed for it, and other runs must go on.
            logger.exception("run %s: attempt %s broke", run.pk, claim.attempt)
            reason = gettext("the worker broke over it")
            runs.fail_attempt(claim=claim, reason=reason, log=lease.log)


def _passes(error: Exception) -> bool:
    """Whether a failure is one of the machine's moments: a busy database, a full disk, too many open files."""
    return isinstance(error, OperationalError) or (isinstance(error, OSError) and error.errno in _PASSING)


def _passing_reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return gettext("The worker's machine could not go on: %(error)s.") % {"error": os.strerror(error.errno)}
    return gettext("The database was busy.")


def _attempt(run: Run, claim: Claim, lease: Lease) -> None:
    """One attempt, to its end in the row."""
    try:
        outcome = measuring.measure(run, lease)
    except sandbox.SandboxUnavailable:
        raise
    except sandbox.SandboxError as error:
        lease.check()  # A model's process that was stopped because the lease was lost did not crash by itself.
        outcome = _ended_early(error, lease)
    runs.finish_run(claim=claim, outcome=outcome, log=lease.log, used=lease.used())
    logger.info("run %s (%s), attempt %s ended: %s", run.pk, run.step, claim.attempt, outcome.state)


def _ended_early(error: sandbox.SandboxError, lease: Lease) -> Outcome:
    """What a model did to its own process, as the end of its run."""
    tail = getattr(error, "tail", "").strip()
    for line in tail.splitlines()[-20:]:
        lease.say(f"| {line[:500]}")
    if isinstance(error, sandbox.TimedOut):
        return Outcome(State.TIMED_OUT, str(error))
    if isinstance(error, sandbox.OutOfMemory):
        limit_mib = settings.SMALLHUB_RUN_MEMORY_BYTES >> 20
        reason = gettext("%(error)s The limit is %(limit)s MiB.") % {"error": str(error), "limit": f"{limit_mib:,}"}
        return Outcome(State.OUT_OF_MEMORY, reason)
    return Outcome(State.FAILED, str(error))
