"""Cost: what a model takes in bytes, seconds and memory, measured from outside a fresh child.

Timings belong to the machine beside them. They are for orientation, and never decide a verdict.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from evaluation import machine
from evaluation.machine import Machine
from evaluation.sandbox import Session
from evaluation.steps import fit
from evaluation.steps.checks import Check, failed, passed
from evaluation.steps.inspect import Inspection
from evaluation.steps.timers import Timings, timer_for

WATTS_PER_CORE = 10
_MIB = 1 << 20


@dataclass(frozen=True)
class CostResult:
    """Seconds, bytes and rates (per second). None where the task has no such thing.

    `cold_load_s` is a fresh process up to its first answer, as a user would wait; the disk cache is whatever it was.
    `load_s` is the loading alone. `first_token_s` is the median of five after one warm-up, prompt of 32 tokens;
    for other models `first_answer_s` is one item. `answers_per_s` is in batches of eight. `details` holds the same and
    more under the names and in the units of the protocol, `normalised` what the reference class would have measured,
    `fit` where the model is predicted to run.
    """

    parameters: int
    bytes: int
    weight_bytes: int
    bits_per_weight: float
    load_s: float
    cold_load_s: float
    first_token_s: float | None
    first_answer_s: float | None
    prefill_tokens_per_s: float | None
    tokens_per_s: float | None
    answers_per_s: float | None
    rss_after_load_bytes: int
    peak_rss_bytes: int
    cpu_s: float
    threads: int
    machine: dict[str, Any]
    details: dict[str, Any] = field(default_factory=dict)
    normalised: dict[str, Any] = field(default_factory=dict)
    fit: list[dict[str, Any]] = field(default_factory=list)

    def summary(self) -> str:
        """One sentence for the list of steps."""
        first = self.first_token_s if self.first_token_s is not None else self.first_answer_s
        what = "token" if self.first_token_s is not None else "answer"
        rate = self.tokens_per_s if self.tokens_per_s is not None else self.answers_per_s
        parts = [f"{self.bytes / 1e6:,.3g} MB on disk"]
        if first is not None:
            parts.append(f"{1000 * first:,.3g} ms to the first {what}")
        if rate is not None:
            parts.append(f"{rate:,.3g} {what}s/s")
        return ", ".join([*parts, f"{self.peak_rss_bytes / 1e6:,.0f} MB of memory"]) + "."

    def as_json(self) -> dict[str, Any]:
        """Plain data for the database and the API."""
        return asdict(self)


@dataclass(frozen=True)
class _Used:
    """What one child took."""

    load_s: float
    cold_load_s: float
    rss_after_load_bytes: int
    peak_rss_bytes: int
    cpu_s: float
    threads: int


def cost(
    open_session: Callable[[], Session], inspection: Inspection, *, watts_per_core: int = WATTS_PER_CORE
) -> CostResult:
    """Measure in a session of its own.

    Args:
        open_session: starts a fresh child, not loaded; it is closed here.
        watts_per_core: what a busy core draws, for the estimate of energy.

    Raises:
        SandboxError: the model's process ended.
    """
    timer = timer_for(inspection.capabilities)
    began = time.monotonic()
    with open_session() as session:
        loaded = session.load()
        if timer is not None:
            timer.first(session)
        cold_load_s = time.monotonic() - began
        timings = timer.measure(session) if timer is not None else Timings()
        usage = session.usage()
        threads = session.limits.compute_threads
    used = _Used(
        load_s=round(float(loaded["wall_s"]), 4),
        cold_load_s=round(cold_load_s, 4),
        rss_after_load_bytes=int(loaded["rss_bytes"]),
        peak_rss_bytes=usage.peak_rss_bytes,
        cpu_s=round(usage.cpu_s, 3),
        threads=threads,
    )
    return _result(inspection, timings, used, machine.describe(), watts_per_core)


def _result(inspection: Inspection, times: Timings, used: _Used, here: Machine, watts_per_core: int) -> CostResult:
    rates = {"tokens_per_s": times.tokens_per_s, "answers_per_s": times.answers_per_s}
    fits = fit.predict(
        weight_bytes=inspection.weight_bytes, memory_bytes=used.peak_rss_bytes, rates=rates, index=here.speed_index
    )
    return CostResult(
        parameters=inspection.parameters,
        bytes=inspection.total_bytes,
        weight_bytes=inspection.weight_bytes,
        bits_per_weight=_bits_per_weight(inspection),
        first_token_s=times.first_token_s,
        first_answer_s=times.first_answer_s,
        prefill_tokens_per_s=times.prefill_tokens_per_s,
        tokens_per_s=times.tokens_per_s,
        answers_per_s=times.answers_per_s,
        machine=here.as_json(),
        details=_details(inspection, times, used, watts_per_core),
        normalised=_normalised(times, used, here),
        fit=fit.as_json(fits),
        **asdict(used),
    )


def _bits_per_weight(inspection: Inspection) -> float:
    return round(8 * inspection.weight_bytes / max(1, inspection.parameters), 3)


def _details(inspection: Inspection, times: Timings, used: _Used, watts_per_core: int) -> dict[str, Any]:
    """The protocol's own names, each with its unit; what is estimated or approximate says so in its name's value."""
    known = inspection.structure
    first_s = times.first_token_s
    return {
        "params_total": inspection.parameters,
        "params_unique": known.unique if known else inspection.parameters,
        "params_trainable": known.trainable if known else inspection.parameters,
        "bytes_on_disk": {"weights": inspection.weight_bytes, "all": inspection.total_bytes},
        "bytes_by_dtype": dict(inspection.bytes_by_dtype),
        "bits_per_weight": _bits_per_weight(inspection),
        "flops_per_token": {"value": known.flops_per_token, "method": "estimate"} if known else None,
        "cold_load_s": {"value": used.cold_load_s, "page_cache": "as it was"},
        "rss_after_load_mib": round(used.rss_after_load_bytes / _MIB, 1),
        "peak_rss_mib": round(used.peak_rss_bytes / _MIB, 1),
        "first_token_ms": None if first_s is None else round(1000 * first_s, 4),
        "prefill_tok_s": times.prefill_tokens_per_s,
        "decode_tok_s": times.tokens_per_s,
        "batch_throughput": times.batch_per_s,
        "rtf": times.rtf,
        "sentences_s": times.answers_per_s,
        "cpu_seconds": used.cpu_s,
        "energy_j": {"value": round(used.cpu_s * watts_per_core, 2), "method": f"estimate, {watts_per_core} W a core"},
    }


def _normalised(times: Timings, used: _Used, here: Machine) -> dict[str, Any]:
    """Seconds times the machine's index, rates divided by it."""
    index = here.speed_index

    def slower(seconds: float | None) -> float | None:
        return None if seconds is None else round(seconds * index, 6)

    def rate(value: float | None) -> float | None:
        return None if value is None else round(value / index, 3)

    return {
        "reference_class": here.reference_class,
        "speed_index": index,
        "load_s": slower(used.load_s),
        "first_token_s": slower(times.first_token_s),
        "first_answer_s": slower(times.first_answer_s),
        "prefill_tokens_per_s": rate(times.prefill_tokens_per_s),
        "tokens_per_s": rate(times.tokens_per_s),
        "answers_per_s": rate(times.answers_per_s),
    }


def limits_check(found: CostResult, *, memory_bytes: int) -> Check:
    """S14: the cost was measured, within the limits. A child over its limits has ended before this is asked."""
    share = found.peak_rss_bytes / memory_bytes
    said = f"The peak of memory is {share:.0%} of the {memory_bytes >> 20:,} MiB that a job gets."
    return (passed if share <= 1 else failed)("S14", "cost", said, value=round(share, 4))
