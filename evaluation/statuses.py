"""The states of a commit, as continuous integration reads them: what each step and the verdict say, and where."""

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import override

from accounts.models import User
from evaluation.models import Comparison, Evaluation, Run, State, Step, Summary
from evaluation.services.reading import comparison_with_the_one_before
from models_registry import addresses
from models_registry.models import Commit, ReleaseGate, Repository

_STATES = {State.PASSED: "passed", State.NOT_APPLICABLE: "passed"}
_GATES = {ReleaseGate.PASSED: "passed", ReleaseGate.WAITING: "pending", ReleaseGate.FAILED: "failed"}


@dataclass(frozen=True)
class Status:
    """One state. `context` names what it is of and stays the same from commit to commit."""

    context: str
    state: str
    description: str
    target_url: str


def statuses_of(
    repository: Repository, commit: Commit, evaluation: Evaluation | None, *, viewer: User | AnonymousUser
) -> list[Status]:
    """All states of a commit in a fixed order; none where it is not measured. Always in English: programs read it.

    The evaluation comes with the runs that the viewer may see.
    """
    if evaluation is None:
        return []
    page = addresses.absolute(addresses.at(repository, "evaluations", commit.oid))
    with override("en"):
        found = [_of_run(run, page) for run in evaluation.runs.all() if run.benchmark_id is None]
        benchmarks = [run for run in evaluation.runs.all() if run.step == Step.BENCHMARK]
        found.append(_of_benchmarks(benchmarks, page))
        found.append(_of_verdict(repository, evaluation, viewer))
        for release in repository.releases.filter(commit=commit).order_by("pk"):
            url = addresses.absolute(addresses.at(repository, "releases", release.name))
            text = release.gate_reason or str(ReleaseGate(release.gate).label)
            found.append(Status(f"smallhub/gate/{release.name}", _GATES[ReleaseGate(release.gate)], text, url))
    return found


def _of_run(run: Run, page: str) -> Status:
    state = "pending" if run.is_open else _STATES.get(State(run.state), "failed")
    return Status(f"smallhub/{run.step}", state, run.reason or str(run.get_state_display()), page)


def _of_benchmarks(runs: list[Run], page: str) -> Status:
    scored = sum(getattr(run, "score", None) is not None for run in runs)
    broken = [run for run in runs if not run.is_open and run.state not in _STATES]
    state = "pending" if any(run.is_open for run in runs) else "failed" if broken else "passed"
    return Status("smallhub/benchmarks", state, f"{scored} scored, {len(broken)} failed.", page)


def _of_verdict(repository: Repository, evaluation: Evaluation, viewer: User | AnonymousUser) -> Status:
    """Against the version before. Worse is a failure; not told apart passes, and its words say so."""
    found: Comparison | None = comparison_with_the_one_before(evaluation, viewer=viewer)
    if found is None:
        page = addresses.absolute(addresses.at(repository, "evaluations", evaluation.commit.oid))
        state = "passed" if evaluation.status == Evaluation.Status.DONE else "pending"
        return Status("smallhub/verdict", state, "There is no version to compare it with.", page)
    span = f"{found.base.commit.oid}..{evaluation.commit.oid}"
    page = addresses.absolute(addresses.at(repository, "compare", span))
    if not found.is_settled:
        return Status("smallhub/verdict", "pending", "It is being compared.", page)
    summary = Summary(found.seen_summary)
    worse = summary in {Summary.WORSE, Summary.MIXED} or bool(found.fault)
    text = found.fault_sentence or str(summary.label)
    return Status("smallhub/verdict", "failed" if worse else "passed", text, page)
