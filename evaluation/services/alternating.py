"""The speed of a version against those that it is compared with, measured by turns at the end of its cost step."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings

from evaluation.models import Evaluation, Run, State, Step
from evaluation.sandbox import HostLost, SandboxError, SandboxUnavailable, Session
from evaluation.sandbox.staging import is_loadable_name
from evaluation.services import files, sessions, versions
from evaluation.services.lease import Lease
from evaluation.steps.alternation import alternate
from hub.core.exceptions import Unavailable

MOST_BASES = 2


def against_earlier(run: Run, folder: Path, lease: Lease, *, peak_rss_bytes: int) -> dict[str, list[dict[str, Any]]]:
    """By the commit of an earlier version, what the turns told. Whatever goes wrong here breaks no cost step.

    Args:
        peak_rss_bytes: what this version took: both have to fit into what one run may have.
    """
    found = {}
    for base in versions.bases_of(run.evaluation)[:MOST_BASES]:
        cost = _cost(base)
        room = settings.SMALLHUB_RUN_MEMORY_BYTES - peak_rss_bytes
        if cost is None or not 0 < int(cost.get("peak_rss_bytes") or 0) <= room:
            continue
        try:
            rows = _turns(run, base, folder, lease)
        except (SandboxUnavailable, HostLost):
            raise
        except (SandboxError, Unavailable) as error:
            lease.check()
            lease.say(f"Not timed by turns with {base.commit.oid[:12]}: {error}")
            continue
        if rows:
            found[base.commit.oid] = rows
    return found


def _cost(base: Evaluation) -> dict[str, Any] | None:
    row = base.runs.filter(step=Step.COST, state=State.PASSED).first()
    return (row.result or {}) if row is not None else None


def _turns(run: Run, base: Evaluation, folder: Path, lease: Lease) -> list[dict[str, Any]]:
    job = files.job_name(run_id=run.pk, attempt=lease.claim.attempt)
    with ExitStack() as stack:
        earlier = stack.enter_context(files.laid_out(commit=base.commit, job=job, wanted=is_loadable_name))
        opened: list[Session] = []
        for place in (earlier, folder):
            opened.append(stack.enter_context(sessions.open_session(place, lease)))
            lease.stop = partial(_stop, opened)
        old, new = opened
        shared = set(old.load()["capabilities"]) & set(new.load()["capabilities"])
        rows = alternate(old, new, sorted(shared))
    for row in rows:
        lease.say(f"By turns with {base.commit.oid[:12]}, {row.pairs} pairs: {row.name} × {row.ratio:.3g}, {row.word}.")
    return [row.as_json() for row in rows]


def _stop(opened: list[Session]) -> None:
    for session in opened:
        session.stop()
