"""One benchmark on one model: the pinned data, the score with its interval and baseline, and the receipt."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from evaluation import engine, reference
from evaluation.benchmarks import BadData, Dataset, load, parse
from evaluation.benchmarks.definition import Benchmark as Declared
from evaluation.exceptions import DataMissing
from evaluation.explaining import explain_items
from evaluation.models import Benchmark, Run, State
from evaluation.sandbox import HostLost, RuntimeRefused, SandboxError, Usage
from evaluation.sandbox.staging import is_loadable_name
from evaluation.scorers import NotScorable
from evaluation.services import beside, files, sessions
from evaluation.services.lease import Lease
from evaluation.services.outcomes import Outcome, ScoreDraft
from evaluation.services.plain import plain_json
from evaluation.services.receipts import receipt_of
from evaluation.services.sessions import Loaded
from models_registry.models import Commit


@dataclass(frozen=True)
class _Measured:
    """A result, what it took, and what was loaded. Explanations of some items, and `more` that stands beside the score,
    are no part of the receipt.
    """

    result: engine.Result
    usage: Usage
    loaded: dict[str, Any]
    why: dict[str, dict[str, Any]]
    more: dict[str, Any]


def score(run: Run, *, job: str, lease: Lease) -> Outcome:
    """Measure a benchmark run.

    Args:
        job: the name of its folders.

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
    try:
        measured = _measured(run, declared, dataset, job, lease)
    except (NotScorable, RuntimeRefused) as error:
        return Outcome(State.FAILED, error.reason)
    result = measured.result
    lease.say(f"{result.main_metric} {result.value:.6g}, {result.n:,} items in {result.seconds:.1f} s.")
    more = measured.more | beside.contamination_of(run, declared, dataset, result)
    return _outcome(run, declared, replace(measured, more=more))


def _dataset(run: Run, declared: Declared, job: str) -> Dataset:
    """The items, from the commit that the benchmark pins. Every file's hash is compared with the declared one."""
    assert run.benchmark is not None
    return dataset_of(run.benchmark, declared, job)


def dataset_of(benchmark: Benchmark, declared: Declared, job: str, *, with_train: bool = False) -> Dataset:
    """A benchmark's items, see `benchmarks.load`.

    Raises:
        BadData, DataMissing, Unavailable
    """
    commit = Commit.objects.filter(repository=benchmark.repository_id, oid=benchmark.commit).first()
    if commit is None:
        raise DataMissing(benchmark=benchmark.key, path=benchmark.commit, reason="is no longer there.")
    with files.laid_out(commit=commit, job=job, wanted=declared.needs) as folder:
        return load(declared, folder, with_train=with_train)


def _measured(run: Run, declared: Declared, dataset: Dataset, job: str, lease: Lease) -> _Measured:
    """Measure on the session that was kept of this commit, or on a new one.

    A kept one that ends early may have done so of what came before: then the run has a new one to itself.
    """
    evaluation = run.evaluation
    name = f"{evaluation.repository_id}/{evaluation.commit.oid}"
    for _ in range(2):
        is_fresh = True
        try:
            with sessions.loaded(model=name, lease=lease, lay_out=partial(_files, run, job)) as model:
                is_fresh = model.is_fresh
                return _measure_on(model, declared, dataset, lease)
        except (SandboxError, NotScorable) as error:
            lease.check()
            if is_fresh or isinstance(error, HostLost):
                raise
            lease.say("The kept process ended early; once more with a new one.")
    raise AssertionError("A new session is always fresh.")


def _measure_on(model: Loaded, declared: Declared, dataset: Dataset, lease: Lease) -> _Measured:
    loaded = model.session.description
    lease.say(f"Loaded in {loaded['wall_s']:.2f} s." if model.is_fresh else "Goes on with the model as it is loaded.")
    result = engine.measure(declared, dataset, model.session, progress=_share(lease))
    usage = model.usage()  # Before anything that is not part of the score.
    more = beside.stress_of(declared, dataset, model.session, result)
    why = explain_items(declared, dataset, result.rows, model.session)
    return _Measured(result, usage, loaded | {"walls": model.session.walls}, why, more)


def _share(lease: Lease) -> Callable[[int, int], None]:
    return lambda done, total: lease.progress(done / max(total, 1))


def _files(run: Run, job: str) -> AbstractContextManager[Path]:
    return files.laid_out(commit=run.evaluation.commit, job=job, wanted=is_loadable_name)


def _outcome(run: Run, declared: Declared, measured: _Measured) -> Outcome:
    result, loaded = measured.result, measured.loaded
    assert run.benchmark is not None
    interval, baseline = result.interval, reference.baseline_of(run.benchmark)
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
        baseline_name=baseline[0] if baseline else "",
        baseline_value=baseline[1] if baseline else None,
        chance=declared.chance,
        metrics=plain_json(dict(result.metrics) | measured.more),
    )
    receipt = receipt_of(run, declared, result, loaded=loaded, usage=measured.usage, walls=loaded["walls"])
    kept = result.as_json() | ({"explanations": plain_json(measured.why)} if measured.why else {})
    return Outcome(State.PASSED, result=kept, score=draft, receipt=receipt)
