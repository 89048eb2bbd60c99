"""Measured models for the tests of pages: rows as the workers would leave them."""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from evaluation.models import Benchmark, Evaluation, Receipt, Run, Score, State, Step
from evaluation.receipts import canonical
from evaluation.services import standings
from evaluation.services.signing import sign_receipt
from models_registry.models import Kind, Repository
from tests.factories.registry import RepositoryFactory, put

CARD = """---
license: apache-2.0
language: en
pipeline_tag: text-generation
library_name: transformers
---
# {name}

A small model of harbours.

## Where it fails

Everywhere but at sea.
"""
COST = {"bytes": 66_900_000, "first_token_s": 0.038, "tokens_per_s": 131.0, "peak_rss_bytes": 398_000_000}


def benchmark(key: str = "core-pairs-en", title: str = "Grammar pairs, English", **definition: Any) -> Benchmark:
    """A benchmark with its data set; scored as a share between .4 and 1 unless the definition says otherwise."""
    data = RepositoryFactory(kind=Kind.DATASET)
    fields = {
        "scale": {"low": 0.4, "high": 1.0, "kind": "linear"},
        "unit": "fraction",
        "higher_is_better": True,
        "main_metric": "accuracy",
    } | definition
    return Benchmark.objects.create(
        key=key,
        version=1,
        title=title,
        task="text-generation",
        repository=data,
        commit=data.head,
        definition=fields,
        definition_sha256="0" * 64,
    )


def model(**kwargs: Any) -> Repository:
    """A model with a card, published."""
    repository = RepositoryFactory(**kwargs)
    put(repository, {"README.md": CARD.format(name=repository.name), "config.json": "{}"}, title="First version")
    repository.refresh_from_db()
    return repository


def measured(
    repository: Repository,
    scores: Mapping[Benchmark, float],
    *,
    status: str = Evaluation.Status.DONE,
    verdict: str = Evaluation.Verdict.CLEAN,
    states: Mapping[str, str] | None = None,
    **cost: Any,
) -> Evaluation:
    """The evaluation of the newest commit, as if the workers had been there.

    Args:
        scores: value by benchmark; the interval is two points to each side.
        states: state by step, for steps that did not pass.
        cost: what the cost step found, in place of the usual.
    """
    commit = repository.commits.get(oid=repository.head)
    Evaluation.objects.filter(commit=commit).delete()
    now = timezone.now()
    done = now if status == Evaluation.Status.DONE else None
    evaluation = Evaluation.objects.create(
        commit=commit, repository=repository, status=status, verdict=verdict, finished_at=done
    )
    for position, step in enumerate([Step.SCAN, Step.INSPECT, Step.SMOKE, Step.COST]):
        state = (states or {}).get(step, State.PASSED)
        Run.objects.create(
            evaluation=evaluation,
            step=step,
            position=position,
            state=state,
            reason=f"{step} said so",
            log=f"{step} went on",
            result=COST | cost if step == Step.COST and state == State.PASSED else {},
            lease_until=now if state == State.RUNNING else None,
            started_at=now,
            finished_at=now,
        )
    for position, (which, value) in enumerate(scores.items(), start=4):
        score(evaluation, which, value, position)
    standings.refresh(repository=repository)
    return evaluation


def _record(which: Benchmark, value: float, number: int) -> dict[str, Any]:
    """What a receipt says, as far as a page shows it."""
    files = [{"path": "model.safetensors", "sha256": "5e" * 32, "bytes": 12_582_912}]
    return {
        "receipt_version": 1,
        "created_at": "2026-01-01T00:00:00+00:00",
        "model": {"files": files, "format": "safetensors", "run": number},
        "benchmark": {"id": which.key, "version": which.version, "files": []},
        "method": {"scorer": "minimal_pairs", "batch_size": 32},
        "env": {"python": "3.11.9", "torch": "2.6.0", "threads": 2, "cores": 2, "env_sha256": "ab" * 32},
        "result": {"main_metric": "accuracy", "value": value, "n": 600},
        "items": {"sha256": "cd" * 32, "count": 600},
        "cost": {"seconds": 12.5, "peak_rss_bytes": 310_000_000},
        "parent": None,
    }


def score(evaluation: Evaluation, which: Benchmark, value: float, position: int) -> Score:
    """One scored benchmark with its receipt."""
    run = Run.objects.create(
        evaluation=evaluation, step=Step.BENCHMARK, benchmark=which, position=position, state=State.PASSED
    )
    body = canonical(_record(which, value, run.pk))
    receipt = Receipt.objects.create(run=run, of_run=run, sha256=hashlib.sha256(body.encode()).hexdigest(), body=body)
    sign_receipt(receipt)
    return Score.objects.create(
        run=run,
        repository=evaluation.repository,
        benchmark=which,
        metric="accuracy",
        value=value,
        low=value - 0.02,
        high=value + 0.02,
        n=600,
        unit=which.definition["unit"],
        higher_is_better=which.definition["higher_is_better"],
        baseline_name="majority",
        baseline_value=0.5,
        chance=0.5,
    )
