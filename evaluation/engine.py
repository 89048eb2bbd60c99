"""Measures one benchmark on one loaded model. No database, no settings: values in, values out.

The same inputs give the same rows, bit for bit, on the same machine: items are sorted by id, batches follow one rule,
threads and seeds are fixed and recorded.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evaluation.benchmarks import Benchmark, Dataset, Tier, select
from evaluation.metrics.uncertainty import Interval
from evaluation.sandbox import TimedOut
from evaluation.scorers import SCORERS, NotScorable, Row
from evaluation.scorers.base import BATCH_ITEMS, BATCH_RULE, Model, Progress

# Raised when the same model and items would give other last bits, or another number: batches, order, tokenising.
ENGINE_VERSION = 5
PREFIX_RULE = "document_separator"
BLOCK_TOKENS = 1024
SLICE = "slice"  # The role of a column that says to which part of the set an item belongs.
SLICE_ITEMS = 5  # Fewer items give no number that anybody should read.


@dataclass(frozen=True)
class Result:
    """A score with all that is needed to read it and to make it again.

    `metrics` holds everything that was computed; `rows` one JSON-able record per item, sorted by id. `items_sha256`
    pins which items were asked, `rows_sha256` what came out.
    """

    benchmark: str
    version: int
    tier: str
    main_metric: str
    value: float
    interval: Interval | None
    n: int
    metrics: Mapping[str, Any]
    counts: Mapping[str, int]
    states: Mapping[str, int]
    method: Mapping[str, Any]
    seeds: Mapping[str, int]
    seconds: float
    rows: tuple[Row, ...]
    items_sha256: str
    rows_sha256: str

    def as_json(self) -> dict[str, Any]:
        """The result without its rows."""
        kept = {name: value for name, value in asdict(self).items() if name != "rows"}
        kept["interval"] = None if self.interval is None else asdict(self.interval)
        return kept


def measure(
    benchmark: Benchmark,
    dataset: Dataset,
    session: Model,
    *,
    tier: Tier = Tier.STANDARD,
    progress: Progress | None = None,
) -> Result:
    """Score a loaded model.

    Args:
        session: a sandbox session after `load()`; anything with `call` and `description` will do.
        progress: called with (done, total) between batches.

    Raises:
        NotScorable: the answers make no score (not finite, labels that do not match). No number is ever made up.
        SandboxError: the model's process ended, or the benchmark's own time ran out.
    """
    scorer = SCORERS[benchmark.scorer]
    chosen = Dataset(items=select(benchmark, dataset.items, tier), train=dataset.train)
    began = time.monotonic()
    rows = scorer.collect(benchmark, chosen, session, _watched(benchmark, began, progress))
    if SLICE in benchmark.fields:
        names = {item.id: str(item[SLICE]) for item in chosen.items}
        rows = [row | {SLICE: names[row["id"]]} for row in rows]
    return _result(benchmark, tier, rows, session, seconds=time.monotonic() - began)


def rescore(benchmark: Benchmark, rows: Sequence[Row]) -> dict[str, Any]:
    """The metrics that stored rows give, computed again without a model."""
    return {**SCORERS[benchmark.scorer].aggregate(benchmark, rows).metrics, **by_slice(benchmark, rows)}


def by_slice(benchmark: Benchmark, rows: Sequence[Row]) -> dict[str, Any]:
    """The main metric of each part of a set that declares parts, under `by_slice`, with the part's number of items.

    Parts with few items are left out; a set without parts gives nothing.
    """
    if SLICE not in benchmark.fields:
        return {}
    parts: dict[str, list[Row]] = {}
    for row in rows:
        parts.setdefault(str(row[SLICE]), []).append(row)
    scorer = SCORERS[benchmark.scorer]
    found = {}
    for name, part in sorted(parts.items()):
        value = scorer.aggregate(benchmark, part).metrics.get(benchmark.main_metric)
        if len(part) >= SLICE_ITEMS and isinstance(value, (int, float)) and math.isfinite(value):
            found[name] = {"n": len(part), "value": float(value)}
    return {"by_slice": found}


def rows_as_jsonl(rows: Sequence[Row]) -> bytes:
    """Rows as JSON lines in canonical form: what `rows_sha256` hashes and the per-item file holds."""
    lines = (
        json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False) for row in rows
    )
    return "".join(line + "\n" for line in lines).encode("utf-8")


def _result(benchmark: Benchmark, tier: Tier, rows: Sequence[Row], session: Model, *, seconds: float) -> Result:
    scorer = SCORERS[benchmark.scorer]
    found = scorer.aggregate(benchmark, rows)
    value = found.metrics.get(benchmark.main_metric)
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise NotScorable("no_main_metric", f"The set gives no finite {benchmark.main_metric}.")
    ids = "".join(f"{row['id']}\n" for row in rows)
    return Result(
        benchmark=benchmark.id,
        version=benchmark.version,
        tier=str(tier),
        main_metric=benchmark.main_metric,
        value=float(value),
        interval=found.interval,
        n=len(rows),
        metrics={**found.metrics, **by_slice(benchmark, rows)},
        counts=found.counts,
        states={"scored": len(rows), "truncated": sum(bool(row.get("truncated")) for row in rows), "failed": 0},
        method=_method(benchmark, session),
        seeds={"bootstrap": benchmark.seed, "python_hash": 0},
        seconds=seconds,
        rows=tuple(rows),
        items_sha256=hashlib.sha256(ids.encode("utf-8")).hexdigest(),
        rows_sha256=hashlib.sha256(rows_as_jsonl(rows)).hexdigest(),
    )


def _method(benchmark: Benchmark, session: Model) -> dict[str, Any]:
    """How the answers were made: part of the score's identity."""
    scorer = SCORERS[benchmark.scorer]
    described = session.description.get("description", {})
    method: dict[str, Any] = {
        "scorer": scorer.name,
        "scorer_version": scorer.version,
        "args": dict(benchmark.scorer_args),
        "engine_version": ENGINE_VERSION,
        "batch_rule": BATCH_RULE,
        "batch_size": BATCH_ITEMS,
        "prompt_sha256": benchmark.prompt_sha256,
    }
    if "log_likelihood" in benchmark.requires:
        method |= _likelihood_method(benchmark, described)
    if benchmark.requires & {"generate", "translate", "summarize"}:
        method["decoding"] = {"temperature": 0.0, "beams": 1}
        if "greedy_rule" in described:
            method["runtime"] = {**method.get("runtime", {}), "greedy_rule": described["greedy_rule"]}
    return method


def _likelihood_method(benchmark: Benchmark, described: Mapping[str, Any]) -> dict[str, Any]:
    """The token before a text, the windows, and the runtime's own rules."""
    context = described.get("context_length")
    limit = context if isinstance(context, int) and context > 0 else None
    rolls = benchmark.scorer_args.get("windows", "blocks") == "rolling"
    window = limit if rolls or limit is None else min(limit, BLOCK_TOKENS)
    rule = benchmark.scorer_args.get("prefix", PREFIX_RULE)
    token = described.get("prefix_token_harness") if rule == "harness" else None
    kept = ("batch_rule", "shares_beginnings", "continuation_rule")
    return {
        "prefix_rule": rule,
        "prefix_token": token or described.get("prefix_token"),
        "window": window,
        "stride": window,
        "windows": "rolling" if rolls else "blocks",
        "runtime": {name: described[name] for name in kept if name in described},
    }


def _watched(benchmark: Benchmark, began: float, progress: Progress | None) -> Progress:
    """Progress that also keeps the benchmark's own time limit."""

    def report(done: int, total: int) -> None:
        if time.monotonic() - began > benchmark.limits.seconds:
            raise TimedOut(
                f"{benchmark.id} took longer than its {benchmark.limits.seconds:g} s ({done} of {total} asked)."
            )
        if progress is not None:
            progress(done, total)

    return report
