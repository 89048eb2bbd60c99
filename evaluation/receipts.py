"""Receipts: the record of one result as canonical JSON, named by its SHA-256. Pure; whoever stores it may sign it."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evaluation import machine
from evaluation.benchmarks import Benchmark
from evaluation.engine import Result
from evaluation.noise import noise_of
from evaluation.sandbox import Usage

RECEIPT_VERSION = 2
RUNNER_VERSION = "1"
ITEMS_PATH = "items.parquet"
_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
)


@dataclass(frozen=True)
class MeasuredFile:
    """A file of the model as it was measured."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class ModelIdentity:
    """What was measured: repository, commit and the exact bytes."""

    repository: str
    commit: str
    files: Sequence[MeasuredFile]
    format: str
    chat_template_sha256: str | None = None


@dataclass(frozen=True)
class Code:
    """What measured: `commit` and `is_dirty` are empty where the product was not installed from Git."""

    sha256: str
    commit: str = ""
    is_dirty: bool | None = None


@dataclass(frozen=True)
class ItemsFile:
    """The Parquet file of the outputs by item, by the SHA-256 of its bytes."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Receipt:
    """`body` is canonical JSON; `sha256` is its hash and its name."""

    body: str
    sha256: str


def canonical(value: Any) -> str:
    """JSON with sorted keys, without white space, numbers in their shortest round-trip form.

    Raises:
        ValueError: a number that JSON lacks. A receipt never hides one.
    """
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(canonical(value).encode("utf-8")).hexdigest()


def seal(record: Mapping[str, Any]) -> Receipt:
    """Freeze a record into a receipt."""
    body = canonical(record)
    return Receipt(body=body, sha256=hashlib.sha256(body.encode("utf-8")).hexdigest())


def build(
    *,
    model: ModelIdentity,
    benchmark: Benchmark,
    dataset_commit: str,
    result: Result,
    items: ItemsFile,
    loaded: Mapping[str, Any],
    usage: Usage,
    threads: int,
    walls: Mapping[str, Any],
    code: Code,
    created_at: str,
    parent: Mapping[str, Any] | None = None,
    tier_reason: Mapping[str, Any] | None = None,
    contamination: Mapping[str, Any] | None = None,
) -> Receipt:
    """The receipt of one benchmark result.

    Args:
        dataset_commit: the commit of the data set that the benchmark pins.
        items: the file that the outputs by item are kept in.
        loaded: what `session.load()` gave.
        walls: which walls stood (`session.walls`), and the processors that the child was held to; who the child ran as
            is left out, being drawn anew each time.
        code: the hash over the sources that take part in measuring, and the version of this software.
        created_at: ISO 8601, UTC.
        tier_reason: why a part of the set was measured: the estimate for all of it, and the budget.
        contamination: what was read of the declared training data, what was not, and how many items stand in it.
        parent: the receipt of the version before, by the same version of the benchmark: its hash and commit.
    """
    beside = {} if contamination is None else {"contamination": dict(contamination)}
    return seal(
        beside
        | {
            "receipt_version": RECEIPT_VERSION,
            "created_at": created_at,
            "model": _model(model, loaded),
            "benchmark": _benchmark(benchmark, dataset_commit, result),
            "method": _method(benchmark, result, tier_reason),
            "code": {
                "runner_version": RUNNER_VERSION,
                "git_commit": code.commit,
                "dirty": code.is_dirty,
                "sha256": code.sha256,
            },
            "env": environment(threads=threads, walls=walls),
            "seeds": {**result.seeds, "python": 0, "numpy": benchmark.seed, "torch": 0},
            "result": _result(benchmark, result),
            "items": _items(items, result),
            "noise": noise_of((loaded.get("description") or {}).get("dtype")).as_json(),
            "cost": {
                "seconds": round(result.seconds, 3),
                "cpu_s": round(usage.cpu_s, 3),
                "peak_rss_bytes": usage.peak_rss_bytes,
                "load_s": round(float(loaded.get("wall_s", 0.0)), 3),
            },
            "parent": None if parent is None else dict(parent),
        }
    )


def environment(*, threads: int, walls: Mapping[str, Any]) -> dict[str, Any]:
    """Everything of the machine and its packages that can move the last bits of a number."""
    here = machine.facts()
    return {
        **machine.packages(),
        "python": here.python,
        "os": here.system,
        "architecture": here.architecture,
        "libc": " ".join(platform.libc_ver()),
        "cpu_model": here.cpu_model,
        "cpu_flags_sha256": machine.cpu_flags_digest(),
        "cores": here.cores,
        "threads": threads,
        "affinity": walls.get("cores"),
        "interop_threads": 1,
        "blas": machine.blas(),
        "determinism": {"torch_deterministic_algorithms": True, "python_hash_seed": 0},
        "device": "cpu",
        "load_average": here.load_average,
        "calibration_gflops": round(machine.calibrate(), 2),
        "env_sha256": machine.environment_digest(),
        "sandbox": {name: walls[name] for name in ("landlock", "seccomp", "namespaces") if name in walls},
    }


def _model(model: ModelIdentity, loaded: Mapping[str, Any]) -> dict[str, Any]:
    files = sorted(model.files, key=lambda file: file.path)
    tokenizer = [asdict(file) for file in files if file.path in _TOKENIZER_FILES]
    described = loaded.get("description") or {}
    return {
        "repository": model.repository,
        "commit": model.commit,
        "format": model.format,
        "runtime": loaded.get("runtime"),
        "architecture": described.get("architecture"),
        "dtype": described.get("dtype"),
        "quantisation": list(described.get("stored_dtypes") or []) or None,
        "files": [{"path": file.path, "sha256": file.sha256, "bytes": file.size_bytes} for file in files],
        "tokenizer_sha256": digest(tokenizer) if tokenizer else None,
        "chat_template_sha256": model.chat_template_sha256,
    }


def _method(benchmark: Benchmark, result: Result, tier_reason: Mapping[str, Any] | None) -> dict[str, Any]:
    method = {**result.method, "tier": result.tier, "max_length": benchmark.limits.tokens}
    return method if tier_reason is None else method | {"tier_reason": dict(tier_reason)}


def _benchmark(benchmark: Benchmark, dataset_commit: str, result: Result) -> dict[str, Any]:
    return {
        "id": benchmark.id,
        "version": benchmark.version,
        "definition_sha256": digest(dict(benchmark.declared)),
        "dataset_commit": dataset_commit,
        "files": [{"path": file.path, "sha256": file.sha256} for file in benchmark.files],
        "split": benchmark.split,
        "subset_rule": benchmark.subset_rule,
        "n_items": result.n,
        "items_sha256": result.items_sha256,
    }


def _items(items: ItemsFile, result: Result) -> dict[str, Any]:
    """Where the outputs by item are. `path` is relative to the receipt's own address, taken as a folder; the bytes of
    a Parquet file depend on the library that wrote it, so what re-runs are held to is `rows_sha256`, over the rows.
    """
    return {
        "format": "parquet",
        "path": ITEMS_PATH,
        "sha256": items.sha256,
        "bytes": items.size_bytes,
        "rows_sha256": result.rows_sha256,
        "count": result.n,
    }


def rows_sha256(record: Mapping[str, Any]) -> str:
    """The hash over the outputs by item in canonical JSON; receipts of the first version had it as the file's own."""
    items = record["items"]
    return str(items.get("rows_sha256") or items["sha256"])


def _result(benchmark: Benchmark, result: Result) -> dict[str, Any]:
    interval = result.interval
    return {
        "main_metric": result.main_metric,
        "value": result.value,
        "metrics": _finite(dict(result.metrics)),
        "ci": None if interval is None else asdict(interval),
        "n": result.n,
        "chance": benchmark.chance,
        "baseline": None if benchmark.baseline is None else asdict(benchmark.baseline),
        "states": dict(result.states),
        "counts": dict(result.counts),
    }


def _finite(value: Any) -> Any:
    """Side metrics may be infinite (a perplexity past all floats): written as a word, since JSON has no such number."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
