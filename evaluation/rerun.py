"""Makes a receipt's number again: the same items, the same model, the same scorer; then compares item by item.

Pure, and run as a program of its own (`python -m evaluation.rerun`, a job in JSON on stdin, a report on stdout), so
that threads and seeds are settled before any library loads. The client ships it to whoever wants to check a hub.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaluation import engine, machine, receipts, sandbox
from evaluation.benchmarks import Benchmark, Dataset, Tier, load, parse, select
from evaluation.noise import Noise, declared_noise
from evaluation.sandbox import Limits, replies
from evaluation.sandbox.child.pipe import encode
from evaluation.scorers import Row

SHOWN = 10
_LIKELIHOOD_METRICS = ("bits_per", "perplexity", "ppl", "log_prob")
_COMPARED = (
    "cpu_model",
    "architecture",
    "threads",
    "python",
    "torch",
    "transformers",
    "tokenizers",
    "numpy",
    "smallhub",
)


class InProcess:
    """A model without walls, with a sandbox session's face: for machines where no walls can be built."""

    def __init__(self, folder: Path, *, threads: int) -> None:
        self._folder, self._threads = folder, threads
        self.description: dict[str, Any] = {}

    def load(self) -> dict[str, Any]:
        from smallhub.runtimes import load as load_model

        self._model = load_model(self._folder, threads=self._threads)
        self.description = {
            "runtime": self._model.runtime,
            "capabilities": sorted(self._model.capabilities),
            "description": self._model.description(),
        }
        return self.description

    def call(self, operation: str, *, timeout_s: float | None = None, **arguments: Any) -> Any:
        answer = encode(getattr(self._model, operation)(**arguments))
        return replies.check(operation, arguments, replies.decode(answer))


def rerun(job: Mapping[str, Any], *, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Compare a receipt with what this machine measures.

    Args:
        job: `record` (the receipt), `definition` (the benchmark's), `rows` (the kept outputs, or None), `model` and
            `data` (folders), `threads`, `sample` (how many items; None for all), `seed`, `run` (False only computes the
            metrics from the kept outputs).

    Returns:
        `verdict` (equal, within_noise, different), `reasons`, `rescored`, `here`, `there`, `items`, `differing`,
        `environment` (what is not as it was), `sandbox`.

    Raises:
        BadDefinition, BadData, NotScorable, SandboxError: it cannot be made again, and why.
    """
    record, definition = job["record"], job["definition"]
    benchmark = parse(definition)
    stated = record["benchmark"]
    if receipts.digest(dict(definition)) != stated["definition_sha256"]:
        return _verdict("different", ["The benchmark's declaration is not the one that the receipt names."])
    kept: list[Row] | None = job.get("rows")
    found = _rescored(benchmark, record, kept)
    if not job.get("run", True) or found["verdict"] == "different":
        return found
    chosen = _chosen(
        benchmark, load(benchmark, Path(job["data"])), record, job.get("sample"), int(job.get("seed") or 0)
    )
    threads = int(job.get("threads") or record["env"].get("threads") or 1)
    with _opened(Path(job["model"]), threads=threads, record=record) as session:
        loaded = session.load()
        result = engine.measure(benchmark, chosen, session, progress=progress)
        is_walled = isinstance(session, sandbox.Session)
    compared = compare(benchmark, record, kept, result, dtype=str(loaded["description"].get("dtype") or ""))
    return compared | {
        "rescored": found["rescored"],
        "environment": differences(record["env"], threads=threads),
        "sandbox": is_walled,
    }


def compare(
    benchmark: Benchmark, record: Mapping[str, Any], kept: Sequence[Row] | None, result: engine.Result, *, dtype: str
) -> dict[str, Any]:
    """What a fresh result says of a receipt, by the noise that it declares.

    Equal: the same outputs, byte for byte. Within noise: all that is not a real number (labels, choices, texts) is the
    same for at least 99.9 % of the items, and a metric made of likelihoods is within 1e-6 of what it was.
    """
    whole = result.n == record["benchmark"]["n_items"]
    there = record["result"]["value"]
    if whole and result.rows_sha256 == receipts.rows_sha256(record):
        if _apart(result.value, there) <= 1e-12:
            return _verdict("equal", [], here=result.value, there=there, items=result.n)
        reason = f"The same outputs give {benchmark.main_metric} {result.value}; the receipt states {there}."
        return _verdict("different", [reason], here=result.value, there=there, items=result.n)
    if kept is None and not whole:
        reason = "The outputs of single items cannot be read, so a sample has nothing to be held against."
        return _verdict("unknown", [reason], items=result.n)
    noise = declared_noise(record, dtype=dtype)
    differing: list[str] = []
    if kept is not None:
        known = {str(row["id"]): row for row in kept}
        mine = {str(row["id"]): row for row in result.rows}
        if not mine.keys() <= known.keys():
            return _verdict("different", ["The receipt's outputs hold other items."], items=result.n)
        same = [known[name] for name in sorted(mine)]
        if engine.rows_as_jsonl(same) == engine.rows_as_jsonl(result.rows):
            return _verdict("equal", [], here=result.value, there=result.value, items=result.n)
        differing = [name for name in sorted(mine) if not _alike(mine[name], known[name], noise)]
        if not whole:
            there = engine.rescore(benchmark, same)[benchmark.main_metric]
    reasons = []
    agreeing = 1 - len(differing) / result.n
    if agreeing < noise.agreeing_share:
        wanted = 100 * noise.agreeing_share
        reasons.append(f"{len(differing)} of {result.n} items came out otherwise; {wanted:g} % have to be the same.")
    apart = _apart(result.value, there)
    made_of_likelihoods = any(word in benchmark.main_metric for word in _LIKELIHOOD_METRICS)
    if (made_of_likelihoods or kept is None) and apart > noise.metric_relative:
        allowed = noise.metric_relative
        reasons.append(f"{benchmark.main_metric} is {apart:.1e} apart, relative; {allowed:.0e} is allowed.")
    verdict = "different" if reasons else "within_noise"
    return _verdict(verdict, reasons, here=result.value, there=there, items=result.n, differing=differing)


def differences(env: Mapping[str, Any], *, threads: int) -> list[str]:
    """What is not here as it was there, as far as it can move the last bits of a number."""
    here = machine.facts()
    mine: dict[str, Any] = machine.packages() | {
        "cpu_model": here.cpu_model,
        "architecture": here.architecture,
        "threads": threads,
        "python": here.python,
    }
    found = [
        f"{name}: {env.get(name)} there, {mine.get(name)} here" for name in _COMPARED if env.get(name) != mine.get(name)
    ]
    if env.get("cpu_flags_sha256") != machine.cpu_flags_digest():
        found.append("the processor's features")
    return found


def _rescored(benchmark: Benchmark, record: Mapping[str, Any], kept: Sequence[Row] | None) -> dict[str, Any]:
    """Whether the kept outputs give the number that the receipt states."""
    stated = record["result"]["value"]
    if kept is None:
        return _verdict("unknown", ["The outputs of single items cannot be read."], there=stated)
    if hashlib.sha256(engine.rows_as_jsonl(kept)).hexdigest() != receipts.rows_sha256(record):
        return _verdict("different", ["The kept outputs are not those that the receipt names."], there=stated)
    again = engine.rescore(benchmark, kept).get(benchmark.main_metric)
    if not isinstance(again, int | float) or _apart(float(again), stated) > 1e-12:
        reason = f"The kept outputs give {benchmark.main_metric} {again}, the receipt states {stated}."
        return _verdict("different", [reason], there=stated) | {"rescored": False}
    return _verdict("equal", [], there=stated, here=float(again), items=len(kept)) | {"rescored": True}


def _chosen(
    benchmark: Benchmark, dataset: Dataset, record: Mapping[str, Any], sample: int | None, seed: int
) -> Dataset:
    """The receipt's items, or a sample of them that anybody draws alike."""
    items = select(benchmark, dataset.items, Tier(record["method"].get("tier") or "standard"))
    if sample is not None and sample < len(items):
        drawn = sorted(items, key=lambda item: hashlib.sha256(f"{seed}:{item.id}".encode()).hexdigest())[:sample]
        items = tuple(sorted(drawn, key=lambda item: item.id))
    return Dataset(items=items, train=dataset.train)


def _opened(
    folder: Path, *, threads: int, record: Mapping[str, Any]
) -> AbstractContextManager[sandbox.Session] | AbstractContextManager[InProcess]:
    """Behind walls where this machine has them; else as the user's own program would load it."""
    seconds = 600 + 20 * float((record.get("cost") or {}).get("seconds") or 0)
    limits = replace(Limits(), compute_threads=threads, wall_s=seconds, call_s=seconds, cpu_s=int(seconds * threads))
    try:
        return sandbox.open(folder, limits=limits)
    except (sandbox.SandboxUnavailable, OSError):
        return nullcontext(InProcess(folder, threads=threads))


def _alike(one: Any, other: Any, noise: Noise) -> bool:
    """Whether two outputs are the same but for the last digits of their real numbers."""
    if isinstance(one, float) or isinstance(other, float):
        is_number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other))
        return is_number and math.isclose(one, other, rel_tol=noise.item_relative, abs_tol=noise.item_absolute)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_alike(one[name], other[name], noise) for name in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(_alike(a, b, noise) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def _apart(one: float, other: float) -> float:
    """The relative difference of two numbers."""
    return abs(one - other) / max(abs(other), 1e-12)


def _verdict(
    verdict: str,
    reasons: list[str],
    *,
    here: float | None = None,
    there: float | None = None,
    items: int = 0,
    differing: Sequence[str] = (),
) -> dict[str, Any]:
    return {
        "verdict": verdict,
        "reasons": reasons,
        "here": here,
        "there": there,
        "items": items,
        "differing": {"count": len(differing), "first": list(differing[:SHOWN])},
        "rescored": None,
        "environment": [],
        "sandbox": None,
    }


def main() -> int:
    """Read a job from stdin, write `{"report": …}` or `{"error": …}` to stdout."""
    job = json.load(sys.stdin)

    def tell(done: int, total: int) -> None:
        sys.stderr.write(f"{done}/{total}\n")
        sys.stderr.flush()

    try:
        answer: dict[str, Any] = {"report": rerun(job, progress=tell)}
    except Exception as error:  # noqa: BLE001 - whatever stops it is the answer; the caller has no other view of it.
        reason = getattr(error, "reason", "") or str(error) or type(error).__name__
        answer = {"error": {"code": getattr(error, "code", type(error).__name__), "reason": str(reason)[:2000]}}
    sys.stdout.write(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
