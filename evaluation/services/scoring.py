"""One benchmark on one model: the pinned data, the score with its interval and baseline, and the receipt."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from evaluation import engine
from evaluation.benchmarks import BadData, Dataset, load, parse
from evaluation.benchmarks.definition import Benchmark as Declared
from evaluation.exceptions import DataMissing
from evaluation.models import Run, State
from evaluation.sandbox import RuntimeRefused, Session, Usage
from evaluation.sandbox.staging import is_loadable_name
from evaluation.scorers import NotScorable
from evaluation.services import files
from evaluation.services.lease import Lease
from evaluation.services.outcomes import Outcome, ScoreDraft
from evaluation.services.plain import plain_json
from evaluation.services.receipts import receipt_of
from models_registry.models import Commit


def score(run: Run, *, job: str, lease: Lease, open_session: Callable[[Path], Session]) -> Outcome:
    """Measure a benchmark run.

    Args:
        job: the name of its folders.
        open_session: starts a fresh child over a folder, not loaded.

    Raises:
        LeaseLost, SandboxError, Unavailable: see `measuring.measure`.
    """
    assert run.benchmark is not None
    declared = parse(run.benchmark.definition)
    try:
        dataset = _dataset(run, declared, job)
    except (BadData, DataMissing) as error:
        return Outcome(State.FAILED, str(error))
    lease.say(f"{declared.id} v{declared.version}: {len(dataset.items):,} items.")
    with files.laid_out(commit=run.evaluation.commit, job=job, wanted=is_loadable_name) as folder:
        try:
            result, usage, loaded = _measured(declared, dataset, folder, lease, open_session)
        except (NotScorable, RuntimeRefused) as error:
            return Outcome(State.FAILED, error.reason)
    lease.say(f"{result.main_metric} {result.value:.6g}, {result.n:,} items in {result.seconds:.1f} s.")
    return _outcome(run, declared, result, loaded, usage)


def _dataset(run: Run, declared: Declared, job: str) -> Dataset:
    """The items, from the commit that the benchmark pins. Every file's hash is compared with the declared one."""
    benchmark = run.benchmark
    assert benchmark is not None
    commit = Commit.objects.filter(repository=benchmark.repository_id, oid=benchmark.commit).first()
    if commit is None:
        raise DataMissing(benchmark=benchmark.key, path=benchmark.commit, reason="is no longer there.")
    with files.laid_out(commit=commit, job=job, wanted=declared.needs) as folder:
        return load(declared, folder)


def _measured(
    declared: Declared, dataset: Dataset, folder: Path, lease: Lease, open_session: Callable[[Path], Session]
) -> tuple[engine.Result, Usage, dict[str, Any]]:
    with open_session(folder) as session:
        loaded = session.load()
        lease.say(f"Loaded in {loaded['wall_s']:.2f} s.")
        result = engine.measure(
            declared, dataset, session, progress=lambda done, total: lease.progress(done / max(total, 1))
        )
        return result, session.usage(), loaded | {"walls": session.walls}


def _outcome(run: Run, declared: Declared, result: engine.Result, loaded: dict[str, Any], usage: Usage) -> Outcome:
    interval, baseline = result.interval, declared.baseline
    draft = ScoreDraft(
        metric=result.main_metric,
        value=result.value,
        n=result.n,
        higher_is_better=declared.higher_is_better,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        confidence=interval.level if interval else 0.95,
        method=interval.method if interval else "",
        unit=declared.unit,
        baseline_name=baseline.name if baseline else "",
        baseline_value=baseline.value if baseline else None,
        chance=declared.chance,
        metrics=plain_json(dict(result.metrics)),
    )
    receipt = receipt_of(run, declared, result, loaded=loaded, usage=usage, walls=loaded["walls"])
    return Outcome(State.PASSED, result=result.as_json(), score=draft, receipt=receipt)
