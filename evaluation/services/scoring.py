"""One benchmark on one model: the pinned data, the score with its interval and baseline, and the receipt."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from evaluation import budget, engine, reference
from evaluation.benchmarks import BadData, Dataset, Tier, load, parse
from evaluation.benchmarks.definition import Benchmark as Declared
from evaluation.exceptions import DataMissing
from evaluation.explaining import explain_items
from evaluation.models import Benchmark, Run, State, Step
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
    choice = _tier(run, declared, dataset)
    if not choice.is_whole:
        lease.say(_why_less(choice))
    try:
        measured = _measured(run, declared, dataset, job, lease, choice.tier)
    except (NotScorable, RuntimeRefused) as error:
        return Outcome(State.FAILED, error.reason)
    result = measured.result
    lease.say(f"{result.main_metric} {result.value:.6g}, {result.n:,} items in {result.seconds:.1f} s.")
    more = measured.more | beside.contamination_of(run, declared, dataset, result)
    return _outcome(run, declared, replace(measured, more=more), choice)


def _tier(run: Run, declared: Declared, dataset: Dataset) -> budget.Choice:
    """How much of the set this model is asked, by what its cost step measured."""
    steps = run.evaluation.runs.filter(step__in=[Step.COST, Step.SMOKE]).values_list("step", "result")
    found = {step: result or {} for step, result in steps}
    described = (found.get(Step.SMOKE) or {}).get("description") or {}
    size = described.get("vocabulary_size")
    return budget.choose(
        declared,
        dataset,
        cost=found.get(Step.COST) or {},
        vocabulary=size if isinstance(size, int) else None,
        budget_s=float(settings.SMALLHUB_RUN_SECONDS),
    )


def _why_less(choice: budget.Choice) -> str:
    words = {
        "tier": str(choice.tier),
        "items": f"{choice.items:,}",
        "of": f"{choice.of:,}",
        "minutes": f"{max(1, round((choice.estimate_s or 0) / 60)):,}",
        "budget": f"{choice.budget_s / 60:.3g}",
    }
    return (
        gettext(
            "Measured on the %(tier)s tier, %(items)s of %(of)s items: at the speed that the cost step found, all of "
            "them would take about %(minutes)s minutes, and a run has %(budget)s."
        )
        % words
    )


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


def _measured(run: Run, declared: Declared, dataset: Dataset, job: str, lease: Lease, tier: Tier) -> _Measured:
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
                return _measure_on(model, declared, dataset, lease, tier)
        except (SandboxError, NotScorable) as error:
            lease.check()
            if is_fresh or isinstance(error, HostLost):
                raise
            lease.say("The kept process ended early; once more with a new one.")
    raise AssertionError("A new session is always fresh.")


def _measure_on(model: Loaded, declared: Declared, dataset: Dataset, lease: Lease, tier: Tier) -> _Measured:
    loaded = model.session.description
    lease.say(f"Loaded in {loaded['wall_s']:.2f} s." if model.is_fresh else "Goes on with the model as it is loaded.")
    result = engine.measure(declared, dataset, model.session, tier=tier, progress=_share(lease))
    usage = model.usage()  # Before anything that is not part of the score.
    more = beside.stress_of(declared, dataset, model.session, result)
    why = explain_items(declared, dataset, result.rows, model.session, on_fault=lease.say)
    return _Measured(result, usage, loaded | {"walls": model.session.walls}, why, more)


def _share(lease: Lease) -> Callable[[int, int], None]:
    return lambda done, total: lease.progress(done / max(total, 1))


def _files(run: Run, job: str) -> AbstractContextManager[Path]:
    return files.laid_out(commit=run.evaluation.commit, job=job, wanted=is_loadable_name)


def _outcome(run: Run, declared: Declared, measured: _Measured, choice: budget.Choice) -> Outcome:
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
        tier=result.tier,
        metrics=plain_json(dict(result.metrics) | measured.more),
    )
    receipt = receipt_of(
        run,
        declared,
        result,
        loaded=loaded,
        usage=measured.usage,
        walls=loaded["walls"],
        tier_reason=None if choice.is_whole else choice.as_json(),
        contamination=plain_json(measured.more.get("contamination")),
    )
    kept = result.as_json() | ({"explanations": plain_json(measured.why)} if measured.why else {})
    reason = "" if choice.is_whole else _why_less(choice)
    return Outcome(State.PASSED, reason, result=kept, score=draft, receipt=receipt)
