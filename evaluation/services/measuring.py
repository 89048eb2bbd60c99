"""What each step of an evaluation does with a commit's files. Values in, an `Outcome` out; the caller ends the run."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings

from evaluation import claims, sandbox
from evaluation.models import Run, State, Step
from evaluation.sandbox import RuntimeRefused, Session
from evaluation.services import alternating, files, lineage, scanning, scoring, sessions
from evaluation.services.lease import Lease
from evaluation.services.outcomes import Outcome
from evaluation.steps import cost as cost_step
from evaluation.steps import inspect as inspect_step
from evaluation.steps import smoke as smoke_step

# A refusal that blames nobody: there is nothing to load, or we cannot load it yet.
_NOT_FOR_US = frozenset(
    """missing_config missing_file no_weights no_architecture unsupported_architecture unsupported_format quantised
    keras_weights adapter custom_operators opset missing_package several_models unsupported_module""".split()
)


def measure(run: Run, lease: Lease) -> Outcome:
    """Do a run's step.

    Raises:
        LeaseLost: the work is no longer wanted.
        SandboxError: the model's process ended early, or no sandbox can be built here.
        Unavailable: files cannot be had from the store now.
    """
    job = files.job_name(run_id=run.pk, attempt=lease.claim.attempt)
    if run.benchmark is not None:
        return scoring.score(run, job=job, lease=lease)
    if run.step == Step.SCAN:
        return scanning.scan(run, job, lease)
    with files.laid_out(commit=run.evaluation.commit, job=job) as folder:
        return _STEPS[Step(run.step)](run, folder, lease)


def _inspect(run: Run, folder: Path, lease: Lease) -> Outcome:
    found = inspect_step.inspect(folder)
    for warning in found.warnings:
        lease.say(warning)
    lease.say(found.summary())
    state = State.PASSED
    if not found.is_loadable:
        state = State.NOT_APPLICABLE if found.refusal_code in _NOT_FOR_US else State.FAILED
    facts = found.as_json()
    return Outcome(
        state,
        found.refusal,
        result=facts | claims.held_against(folder, facts) | {"summary": found.summary()},
        parameters_by_dtype=dict(found.parameters_by_dtype),
    )


def _smoke(run: Run, folder: Path, lease: Lease) -> Outcome:
    inspection = inspect_step.inspect(folder)
    sessions.let_go()
    with sessions.open_session(folder, lease) as session:
        found = smoke_step.smoke(session, folder, inspection, others=_others(folder, lease))
        loaded, usage = session.description, session.usage()
    for check in found.checks:
        lease.say(f"{check.id} {check.title}: {check.state}. {check.message}")
    result = found.as_json() | {
        "summary": found.summary(),
        "capabilities": list(loaded.get("capabilities", ())),
        "description": loaded.get("description", {}),
        "peak_rss_bytes": usage.peak_rss_bytes,
    }
    if found.state == "fail":
        return Outcome(State.FAILED, _first_failure(found), result=result)
    return Outcome(State.PASSED, result=result | {"compared": lineage.compared(run, result)})


def _others(folder: Path, lease: Lease) -> smoke_step.Others:
    """More sandboxes over the same files: with another number of threads, and with the reader of chat templates."""
    here = settings.SMALLHUB_RUN_THREADS

    def beside(**given: Any) -> Session:
        """One that ends with the first when the lease is lost."""
        first = lease.stop
        session = sessions.open_session(folder, lease, **given)

        def stop_both() -> None:
            session.stop()
            if first is not None:
                first()

        lease.stop = stop_both
        return session

    return smoke_step.Others(
        with_threads=lambda: beside(threads=1 if here > 1 else 2),
        chat=lambda: beside(loader=sandbox.Loader.chat_templates()),
    )


def _first_failure(found: smoke_step.SmokeResult) -> str:
    check = next(check for check in found.checks if check.state == "fail")
    return f"{check.id} {check.title}: {check.message}"


def _cost(run: Run, folder: Path, lease: Lease) -> Outcome:
    inspection = inspect_step.inspect(folder)
    sessions.let_go()  # Timings want a quiet machine, and a process as a user would start it.
    try:
        found = cost_step.cost(
            lambda: sessions.open_session(folder, lease, warm=False),
            inspection,
            watts_per_core=settings.SMALLHUB_WATTS_PER_CORE,
        )
    except RuntimeRefused as error:
        return Outcome(State.FAILED, error.reason)
    lease.say(found.summary())
    over = cost_step.limits_check(found, memory_bytes=settings.SMALLHUB_RUN_MEMORY_BYTES)
    result = found.as_json() | {"summary": found.summary(), "checks": [asdict(over)]}
    turns = alternating.against_earlier(run, folder, lease, peak_rss_bytes=found.peak_rss_bytes)
    return Outcome(State.PASSED, result=result | ({"alternated": turns} if turns else {}))


_STEPS: dict[Step, Callable[[Run, Path, Lease], Outcome]] = {
    Step.INSPECT: _inspect,
    Step.SMOKE: _smoke,
    Step.COST: _cost,
}
