"""Evaluations and benchmarks, made through the services from real repositories."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

from smallhub.runtimes import ngram

from evaluation import item_table
from evaluation.models import Benchmark, Evaluation, Run, State, Step
from evaluation.services import register_benchmark
from evaluation.services.outcomes import Outcome, ReceiptDraft, ScanNews, ScoreDraft
from evaluation.services.runs import Claim, claim_run, finish_run
from models_registry.models import Repository, ScanVerdict
from models_registry.services import content
from models_registry.services.commits import commit
from models_registry.types import AddFile, AddLarge, Operation
from tests.factories.registry import RepositoryFactory, put

LANGUAGE_MODEL = ["generate", "log_likelihood", "tokenize"]


def evaluation_of(repository: Repository | None = None, **files: bytes | str) -> Evaluation:
    """The evaluation of a fresh commit to a model; `files` by name, with `_` for a dot."""
    repository = repository or RepositoryFactory()
    body = {name.replace("_", "."): content for name, content in files.items()} or {"config.json": "{}"}
    return Evaluation.objects.get(commit=put(repository, body))


def declaration(
    key: str = "pairs", rows: bytes = b'{"id": "1", "good": "a b", "bad": "b a"}\n', **changes: Any
) -> dict[str, Any]:
    """A whole declaration of a benchmark of minimal pairs over `rows`."""
    return {
        "id": key,
        "version": 1,
        "title": f"Test {key}",
        "task": "text-generation",
        "language": ["en"],
        "files": [{"path": "data/test.jsonl", "sha256": hashlib.sha256(rows).hexdigest(), "bytes": len(rows)}],
        "reader": "jsonl",
        "fields": {"id": "id", "good": "good", "bad": "bad"},
        "labels": [],
        "split": "test",
        "subset_rule": "all",
        "scorer": "minimal_pairs",
        "scorer_args": {"good": "good", "bad": "bad"},
        "main_metric": "accuracy",
        "higher_is_better": True,
        "unit": "fraction",
        "scale": {"low": 0.4, "high": 1.0, "kind": "linear"},
        "chance": 0.5,
        "baseline": {"name": "shorter string wins", "value": 0.5},
        "licence": "Apache-2.0",
        "redistributable": True,
        "requires": ["log_likelihood"],
        "limits": {"seconds": 60, "mib": 2048, "tokens": 128},
        "prompt": None,
    } | changes


def benchmark(
    key: str = "pairs",
    rows: bytes = b'{"id": "1", "good": "a b", "bad": "b a"}\n',
    repository: Repository | None = None,
    **changes: Any,
) -> Benchmark:
    """A registered benchmark with its data set."""
    repository = repository or RepositoryFactory(dataset=True, name=key)
    definition = declaration(key, rows, **changes)
    made = put(repository, {"data/test.jsonl": rows, "benchmark.json": json.dumps(definition)})
    return register_benchmark(repository=repository, commit=made, definition=definition)


def run_of(evaluation: Evaluation, step: Step, key: str | None = None) -> Run:
    wanted = {"step": step} if key is None else {"benchmark__key": key}
    return evaluation.runs.get(**wanted)


def claimed(run: Run) -> Claim:
    """This test's own lease on a run."""
    found = claim_run(run_id=run.pk)
    assert found is not None, f"{run} cannot be claimed: {run.state}"
    return found[1]


def passed(run: Run, **changes: Any) -> None:
    """Take a run and end it well, as its step would."""
    known: dict[str, Any] = {"state": State.PASSED}
    if run.step == Step.SCAN:
        known |= {"scan": ScanNews(ScanVerdict.CLEAN), "result": {"findings": []}}
    if run.step == Step.INSPECT:
        known |= {"parameters_by_dtype": {"F32": 10}}
    if run.step == Step.SMOKE:
        known |= {"result": {"capabilities": LANGUAGE_MODEL, "description": {"labels": None}}}
    if run.step == Step.BENCHMARK:
        known |= {"score": score(), "receipt": receipt(f"{run.pk}-{run.attempt}")}
    finish_run(claim=claimed(run), outcome=Outcome(**(known | changes)), log="")


def passed_up_to(evaluation: Evaluation, last: Step) -> None:
    """Pass the fixed steps of an evaluation in order, `last` included."""
    for run in evaluation.runs.filter(benchmark=None).order_by("position"):
        passed(run)
        if run.step == last:
            return


def score(**changes: Any) -> ScoreDraft:
    known: dict[str, Any] = {
        "metric": "accuracy",
        "value": 0.75,
        "n": 40,
        "higher_is_better": True,
        "low": 0.6,
        "high": 0.86,
        "method": "wilson",
        "unit": "fraction",
        "baseline_name": "shorter string wins",
        "baseline_value": 0.5,
        "chance": 0.5,
    }
    return ScoreDraft(**(known | changes))


def receipt(word: str = "one", items: bytes = b'{"id":"1","right":true}\n') -> ReceiptDraft:
    body = json.dumps({"receipt_version": 1, "word": word}, sort_keys=True, separators=(",", ":"))
    rows = [json.loads(line) for line in items.split(b"\n") if line]
    sha256 = hashlib.sha256(items).hexdigest()
    return ReceiptDraft(
        body=body,
        sha256=hashlib.sha256(body.encode()).hexdigest(),
        items=item_table.write(rows, None, rows_sha256=sha256),
        items_sha256=sha256,
        item_count=items.count(b"\n"),
    )


def push_folder(repository: Repository, folder: Path, *, title: str = "Upload") -> Evaluation:
    """Commit a folder as an uploader's client does: text as Git blobs, everything else as large content."""
    user = repository.creator
    assert user is not None
    operations: list[Operation] = []
    for entry in sorted(path for path in folder.rglob("*") if path.is_file()):
        path, body = entry.relative_to(folder).as_posix(), entry.read_bytes()
        if entry.suffix in {".json", ".txt", ".md", ".py"}:
            operations.append(AddFile(path, body))
        else:
            sha256 = hashlib.sha256(body).hexdigest()
            content.ingest(
                repository=repository, user=user, stream=io.BytesIO(body), size_bytes=len(body), sha256=sha256
            )
            operations.append(AddLarge(path, sha256, len(body)))
    made = commit(
        repository=repository, user=user, branch=repository.default_branch, title=title, operations=operations
    )
    return Evaluation.objects.get(commit=made)


def train_ngram(texts: list[str], folder: Path, *, unit: str = "char", order: int = 5) -> Path:
    """A real n-gram model of some texts, saved to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    ngram.train(texts, unit=unit, order=order).save(folder)
    return folder
