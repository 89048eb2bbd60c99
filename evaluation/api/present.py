"""Rows as the API answers them. No queries: evaluations come in with their runs."""

from collections.abc import Callable
from typing import Any

from evaluation.models import Benchmark, Evaluation, Run, State, Step
from evaluation.reference import baseline_of

COST_FIELDS = (
    *("parameters", "bytes", "load_s", "first_token_s", "tokens_per_s", "peak_rss_bytes", "machine"),
    *("details", "normalised", "fit"),
)
_GATES = (Step.SCAN, Step.INSPECT, Step.SMOKE)


def evaluation_answer(evaluation: Evaluation, *, receipt_url: Callable[[str], str]) -> dict[str, Any]:
    """All that was measured of one commit.

    Args:
        receipt_url: the absolute address of the receipt with this hash.
    """
    runs = list(evaluation.runs.all())
    fixed = {run.step: run for run in runs if run.benchmark_id is None}
    scan, cost = fixed.get(Step.SCAN), fixed.get(Step.COST)
    return {
        "repository": evaluation.repository.full_name,
        "commit": evaluation.commit.oid,
        "state": evaluation.status,
        "only_scan": evaluation.only_scan,
        "steps": [_step(run) for run in runs],
        "scores": [_score(run, run.benchmark, receipt_url) for run in runs if run.benchmark is not None],
        "cost": _cost(cost),
        "scan": {
            "verdict": evaluation.verdict,
            "findings": _found(scan, "findings"),
            "convertible": _found(scan, "convertible"),
        },
        "inspect": _facts(fixed.get(Step.INSPECT)),
        "smoke": _smoke(fixed.get(Step.SMOKE)),
        "verdict": _verdict(evaluation, fixed),
        "requested_at": evaluation.created_at,
        "finished_at": evaluation.finished_at,
    }


def baseline_answer(benchmark: Benchmark) -> dict[str, Any] | None:
    found = baseline_of(benchmark)
    return None if found is None else {"name": found[0], "value": found[1]}


def benchmark_answer(benchmark: Benchmark) -> dict[str, Any]:
    definition = benchmark.definition
    return {
        "benchmark": benchmark.key,
        "version": benchmark.version,
        "title": benchmark.title,
        "task": benchmark.task,
        "languages": definition.get("language") or [],
        "metric": definition.get("main_metric", ""),
        "unit": definition.get("unit") or "",
        "higher_is_better": bool(definition.get("higher_is_better", True)),
        "chance": definition.get("chance"),
        "baseline": baseline_answer(benchmark),
        "baselines": benchmark.baselines or {"values": [], "reason": "not told yet"},
        "requires": definition.get("requires") or [],
        "licence": definition.get("licence") or "",
        "dataset": benchmark.repository.full_name,
        "commit": benchmark.commit,
        "definition_sha256": benchmark.definition_sha256,
    }


def _outside(state: str) -> str:
    """A run that waits for an earlier step is queued, to everybody outside."""
    return State.QUEUED.value if state == State.WAITING else str(state)


def _step(run: Run) -> dict[str, Any]:
    return {
        "step": run.step,
        "benchmark": run.benchmark.key if run.benchmark is not None else None,
        "state": _outside(run.state),
        "reason": run.reason,
        "seconds": run.seconds,
        "progress": run.progress,
    }


def _score(run: Run, benchmark: Benchmark, receipt_url: Callable[[str], str]) -> dict[str, Any]:
    score, receipt = getattr(run, "score", None), getattr(run, "receipt", None)
    definition = benchmark.definition
    known = {
        "benchmark": benchmark.key,
        "version": benchmark.version,
        "title": benchmark.title,
        "superseded": not benchmark.is_active,
        "reason": run.reason,
        "receipt": receipt_url(receipt.sha256) if receipt is not None else None,
    }
    if score is None:
        return known | {
            "state": _outside(run.state),
            "metric": definition.get("main_metric", ""),
            "value": None,
            "interval": None,
            "confidence": None,
            "method": None,
            "n": None,
            "unit": definition.get("unit") or "",
            "higher_is_better": bool(definition.get("higher_is_better", True)),
            "baseline": baseline_answer(benchmark),
            "chance": definition.get("chance"),
            "tier": None,
            "metrics": {},
        }
    own = {"name": score.baseline_name, "value": score.baseline_value}
    return known | {
        "state": "scored",
        "metric": score.metric,
        "value": score.value,
        "interval": None if score.low is None or score.high is None else [score.low, score.high],
        "confidence": score.confidence,
        "method": score.method,
        "n": score.n,
        "unit": score.unit,
        "higher_is_better": score.higher_is_better,
        "tier": score.tier,
        "baseline": own if score.baseline_name else baseline_answer(benchmark),
        "chance": score.chance,
        "metrics": score.metrics,
    }


def _found(run: Run | None, name: str) -> list[Any]:
    return list(run.result.get(name) or []) if run is not None else []


def _facts(run: Run | None) -> dict[str, Any]:
    """The inspection without what the list of steps says already."""
    if run is None:
        return {}
    return {name: value for name, value in run.result.items() if name not in ("summary", "refusal", "refusal_code")}


def _smoke(run: Run | None) -> dict[str, Any]:
    result = run.result if run is not None else {}
    return {
        "state": result.get("state"),
        "checks": _found(run, "checks"),
        "fingerprint": result.get("fingerprint") or "",
        "compared": _found(run, "compared"),
    }


def _cost(run: Run | None) -> dict[str, Any] | None:
    """The figures of the contract, in full, with null for what a kind of model does not have."""
    if run is None or run.state != State.PASSED:
        return None
    return {name: run.result.get(name) for name in COST_FIELDS}


def _verdict(evaluation: Evaluation, fixed: dict[str, Run]) -> str:
    """Whether this version may be used: scanned, read as a model, and smoke-tested. Scores do not decide it."""
    if evaluation.verdict == Evaluation.Verdict.QUARANTINED:
        return "quarantined"
    states = [fixed[step].state for step in _GATES if step in fixed]
    if any(state in (State.FAILED, State.TIMED_OUT, State.OUT_OF_MEMORY) for state in states):
        return "failed"
    if State.NOT_APPLICABLE in states:
        return "not_applicable"
    return "passed" if states and all(state == State.PASSED for state in states) else "pending"
