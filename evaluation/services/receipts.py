"""Receipts of benchmark runs: gathers from the rows what the builder writes down."""

import hashlib
import importlib.util
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from dulwich import porcelain
from dulwich.errors import NotGitRepository
from dulwich.repo import Repo

from evaluation import engine, item_table, receipts
from evaluation.benchmarks.definition import Benchmark as Declared
from evaluation.models import Receipt, Run, Step
from evaluation.receipts import Code, ItemsFile, MeasuredFile, ModelIdentity
from evaluation.sandbox import Usage
from evaluation.sandbox.staging import is_loadable_name
from evaluation.services import versions
from evaluation.services.outcomes import ReceiptDraft
from models_registry.manifests import listing_of

_CHAT_TEMPLATE = "chat_template.jinja"
_MEASURING = ("benchmarks", "metrics", "sandbox", "scorers", "steps", "engine.py")


def receipt_of(
    run: Run,
    declared: Declared,
    result: engine.Result,
    *,
    loaded: dict[str, Any],
    usage: Usage,
    walls: dict[str, Any],
    tier_reason: dict[str, Any] | None = None,
    contamination: dict[str, Any] | None = None,
) -> ReceiptDraft:
    """The record of one result, and its outputs by item as a Parquet file."""
    assert run.benchmark is not None
    table = item_table.write(result.rows, declared, rows_sha256=result.rows_sha256)
    built = receipts.build(
        model=identity_of(run),
        benchmark=declared,
        dataset_commit=run.benchmark.commit,
        result=result,
        items=ItemsFile(hashlib.sha256(table).hexdigest(), len(table)),
        loaded=loaded,
        usage=usage,
        threads=settings.SMALLHUB_RUN_THREADS,
        walls=walls,
        code=code(),
        created_at=datetime.now(UTC).isoformat(),
        parent=parent_of(run),
        tier_reason=tier_reason,
        contamination=contamination,
    )
    return ReceiptDraft(
        body=built.body, sha256=built.sha256, items=table, items_sha256=result.rows_sha256, item_count=len(result.rows)
    )


def parent_of(run: Run) -> dict[str, str] | None:
    """The receipt that this one follows: of the measured commit before, by the same version of the benchmark."""
    before = versions.measured_before(run.evaluation.repository, run.evaluation.commit)
    if before is None:
        return None
    receipt = Receipt.objects.filter(run__evaluation=before, run__benchmark=run.benchmark_id).first()
    return None if receipt is None else {"receipt": receipt.sha256, "commit": before.commit.oid}


@lru_cache(maxsize=1)
def code_sha256() -> str:
    """SHA-256 over the sources that take part in a measurement: ours, and the runtimes that load models."""
    here = Path(__file__).resolve().parent.parent
    roots = [(name, here / name) for name in _MEASURING]
    found = importlib.util.find_spec("smallhub.runtimes")
    if found is not None and found.submodule_search_locations:
        roots.append(("smallhub.runtimes", Path(found.submodule_search_locations[0])))
    lines = []
    for name, root in roots:
        sources = [root] if root.is_file() else sorted(root.rglob("*.py"))
        for source in sources:
            place = source.name if source == root else source.relative_to(root).as_posix()
            lines.append(f"{name}/{place} {hashlib.sha256(source.read_bytes()).hexdigest()}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@lru_cache(maxsize=1)
def code() -> Code:
    """The sources that measure, and the commit of this checkout with whether anything in it was changed."""
    try:
        with Repo(str(settings.BASE_DIR)) as repository:
            changed = porcelain.status(repository, untracked_files="no")
            is_dirty = any(changed.staged.values()) or bool(changed.unstaged)
            return Code(code_sha256(), repository.head().decode(), is_dirty)
    except (NotGitRepository, KeyError, OSError):
        return Code(code_sha256())


def identity_of(run: Run) -> ModelIdentity:
    """The files that a loader may see, with the hashes that the commit's listing gives them."""
    evaluation = run.evaluation
    entries = [entry for path, entry in sorted(listing_of(evaluation.commit).files.items()) if is_loadable_name(path)]
    inspected = evaluation.runs.filter(step=Step.INSPECT).first()
    template = next((entry.sha256 for entry in entries if entry.path == _CHAT_TEMPLATE), None)
    return ModelIdentity(
        repository=evaluation.repository.full_name,
        commit=evaluation.commit.oid,
        files=[MeasuredFile(entry.path, entry.sha256, entry.size) for entry in entries],
        format=str((inspected.result or {}).get("format") or "unknown") if inspected is not None else "unknown",
        chat_template_sha256=template,
    )
