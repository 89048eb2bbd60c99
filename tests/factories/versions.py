"""Measured versions of a model: real commits, receipts and rows, with answers that a test writes as ones and zeros."""

import hashlib
import json
from typing import Any

from accounts.models import User
from evaluation import item_table
from evaluation.models import Benchmark, Comparison, Evaluation, Run, State, Step
from evaluation.services import comparisons, gates
from evaluation.services.outcomes import ReceiptDraft
from models_registry.models import Release, Repository
from models_registry.services.releases import create_release
from tests.factories.evaluation import benchmark, evaluation_of, passed, passed_up_to, score
from tests.factories.registry import RepositoryFactory

GOOD = "1" * 90 + "0" * 10
BAD = "1" * 60 + "0" * 40
SIMILAR = "0" + "1" * 89 + "0" * 10


def pairs_set(key: str = "pairs", **changes: Any) -> Benchmark:
    """A registered benchmark of minimal pairs."""
    found = Benchmark.objects.active().filter(key=key).first()
    return found or benchmark(key, **changes)


def rows_of(marks: str, group: str = "") -> list[dict[str, Any]]:
    """One row per mark: 1 is a pair that was told right, 0 one that was not."""
    return [
        {
            "id": f"{number:04}",
            "group": group,
            "good": -1.0 if mark == "1" else -2.0,
            "bad": -1.5,
            "right": mark == "1",
            "tie": False,
            "unknown": 0,
        }
        for number, mark in enumerate(marks)
    ]


def receipt_of(run: Run, rows: list[dict[str, Any]], **changes: Any) -> ReceiptDraft:
    """A receipt that names the protocol as real ones do."""
    assert run.benchmark is not None
    ids = "".join(f"{row['id']}\n" for row in rows)
    lines = "".join(json.dumps(row, sort_keys=True, separators=(",", ":")) + "\n" for row in rows).encode()
    record = {
        "receipt_version": 1,
        "word": f"{run.pk}-{run.attempt}",
        "benchmark": {
            "id": run.benchmark.key,
            "version": run.benchmark.version,
            "definition_sha256": run.benchmark.definition_sha256,
            "items_sha256": hashlib.sha256(ids.encode()).hexdigest(),
        },
        "method": {"tier": "standard", "scorer": "minimal_pairs", "scorer_version": 1, "args": {}},
        "model": {"dtype": "float32"},
    }
    for name, value in changes.items():
        section, field = name.split("__")
        record[section] = {**record[section], field: value}  # type: ignore[dict-item]
    body = json.dumps(record, sort_keys=True, separators=(",", ":"))
    rows_sha256 = hashlib.sha256(lines).hexdigest()
    return ReceiptDraft(
        body=body,
        sha256=hashlib.sha256(body.encode()).hexdigest(),
        items=item_table.write(rows, None, rows_sha256=rows_sha256),
        items_sha256=rows_sha256,
        item_count=len(rows),
    )


def answered(run: Run, marks: str, **changes: Any) -> None:
    """End a benchmark's run with these answers."""
    right, n = marks.count("1"), len(marks)
    rows = rows_of(marks)
    draft = receipt_of(run, rows, **changes)
    passed(run, score=score(value=right / n, n=n, low=right / n - 0.1, high=min(1, right / n + 0.1)), receipt=draft)


def answered_all(evaluation: Evaluation, marks: str, key: str = "pairs", **changes: Any) -> Evaluation:
    """Pass every step of an evaluation and answer its benchmarks: `key` with these marks, the others as GOOD."""
    passed_up_to(evaluation, Step.COST)
    for run in evaluation.runs.filter(step=Step.BENCHMARK, state=State.QUEUED):
        answered(run, marks if run.benchmark.key == key else GOOD, **changes)
    evaluation.refresh_from_db()
    return evaluation


def version(repository: Repository | None = None, marks: str = GOOD, key: str = "pairs", **changes: Any) -> Evaluation:
    """A new commit, measured to the end: every benchmark but `key` is answered as GOOD."""
    pairs_set(key)
    repository = repository or RepositoryFactory()
    number = repository.commits.count() if repository.pk else 0
    evaluation = evaluation_of(repository, config_json=json.dumps({"version": number}))
    return answered_all(evaluation, marks, key, **changes)


def released(evaluation: Evaluation, name: str) -> Release:
    """A release of an evaluation's commit."""
    user = evaluation.repository.creator
    assert user is not None
    return create_release(repository=evaluation.repository, user=user, name=name, revision=evaluation.commit.oid)


def settled(evaluation: Evaluation) -> list[Comparison]:
    """Answer what an evaluation owes, as a worker would."""
    for row in Comparison.objects.owed().filter(evaluation=evaluation):
        comparisons.settle(comparison_id=row.pk)
    return list(Comparison.objects.filter(evaluation=evaluation).order_by("pk"))


def compared(user: User) -> tuple[Evaluation, Evaluation]:
    """A model with three releases: one that is better than the first, and one that is worse and held."""
    repository = RepositoryFactory(user=user, name="three-releases")
    first = version(repository, "1" * 60 + "0" * 40)
    released(first, "v1.0.0")
    gates.set_policy(repository=repository, user=user, mode="block", blocks_merge=False)
    second = version(repository, "0" * 4 + "1" * 86 + "0" * 10)
    released(second, "v1.1.0")
    settled(second)
    third = version(repository, "1" * 30 + "0" * 70)
    released(third, "v1.2.0")
    settled(third)
    repository.refresh_from_db()
    return first, second
