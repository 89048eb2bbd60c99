"""Cost: what a model takes in bytes, seconds and memory, measured from outside a fresh child.

Timings belong to the machine beside them. They are for orientation, and never decide a verdict.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evaluation import machine
from evaluation.sandbox import Session
from evaluation.steps.inspect import Inspection
from evaluation.steps.smoke import Prompts

_PROMPT_TOKENS, _PREFILL_TOKENS, _NEW_TOKENS = 32, 512, 64
_REPEATS = 5
_BATCH_TEXTS = 8


@dataclass(frozen=True)
class CostResult:
    """Seconds, bytes and rates (per second). None where the task has no such thing.

    `cold_load_s` is a fresh process up to its first answer, as a user would wait; the disk cache is whatever it was.
    `load_s` is the loading alone. `first_token_s` is the median of five after one warm-up, prompt of 32 tokens;
    for classifiers and encoders `first_answer_s` is one text. `answers_per_s` is in batches of eight.
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


def cost(open_session: Callable[[], Session], inspection: Inspection) -> CostResult:
    """Measure in a session of its own.

    Args:
        open_session: starts a fresh child, not loaded; it is closed here.

    Raises:
        SandboxError: the model's process ended.
    """
    began = time.monotonic()
    with open_session() as session:
        loaded = session.load()
        timer = _TIMERS["log_likelihood" if "log_likelihood" in inspection.capabilities else _kind(inspection)]
        timer.first(session)
        cold_load_s = time.monotonic() - began
        timings = timer.measure(session)
        usage = session.usage()
    return CostResult(
        parameters=inspection.parameters,
        bytes=inspection.total_bytes,
        weight_bytes=inspection.weight_bytes,
        bits_per_weight=round(8 * inspection.weight_bytes / max(1, inspection.parameters), 3),
        load_s=round(float(loaded["wall_s"]), 4),
        cold_load_s=round(cold_load_s, 4),
        rss_after_load_bytes=int(loaded["rss_bytes"]),
        peak_rss_bytes=usage.peak_rss_bytes,
        cpu_s=round(usage.cpu_s, 3),
        threads=session.limits.compute_threads,
        machine=machine.describe().as_json(),
        **timings,
    )


def _kind(inspection: Inspection) -> str:
    return "classify" if "classify" in inspection.capabilities else "embed"


class _LanguageTimer:
    """Times of a model that continues texts."""

    def first(self, session: Session) -> None:
        session.call("generate", prompt="The", max_new_tokens=1)

    def measure(self, session: Session) -> dict[str, float | None]:
        source = Prompts.load().texts["long_text"] * 40
        ids = session.call("encode", text=source)
        prompt = session.call("decode", ids=ids[:_PROMPT_TOKENS])
        long = session.call("decode", ids=ids[:_PREFILL_TOKENS])
        first_s = _median_seconds(lambda: session.call("generate", prompt=prompt, max_new_tokens=1))
        began = time.perf_counter()
        (read,) = session.call("log_likelihood", texts=[long])
        prefill_s = time.perf_counter() - began
        began = time.perf_counter()
        written = session.call("generate", prompt=prompt, max_new_tokens=_NEW_TOKENS)
        decode_s = time.perf_counter() - began - first_s
        more = len(written.token_ids) - 1
        return {
            "first_token_s": first_s,
            "first_answer_s": None,
            "prefill_tokens_per_s": read.tokens / prefill_s,
            # A model that stops at once, or is faster than the clock's noise, has no rate to tell.
            "tokens_per_s": more / decode_s if more >= 4 and decode_s > 0 else None,
            "answers_per_s": None,
        }


class _TextTimer:
    """Times of a model that answers per text: a label or a vector."""

    def __init__(self, operation: str) -> None:
        self._operation = operation

    def first(self, session: Session) -> None:
        session.call(self._operation, texts=["The"])

    def measure(self, session: Session) -> dict[str, float | None]:
        texts: Sequence[str] = Prompts.load().texts["classifier"][:_BATCH_TEXTS]
        alone = _median_seconds(lambda: session.call(self._operation, texts=[texts[0]]))
        together = _median_seconds(lambda: session.call(self._operation, texts=list(texts)))
        return {
            "first_token_s": None,
            "first_answer_s": alone,
            "prefill_tokens_per_s": None,
            "tokens_per_s": None,
            "answers_per_s": len(texts) / together,
        }


def _median_seconds(call: Callable[[], Any]) -> float:
    """The median of five after one warm-up."""
    call()
    seconds = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


_TIMERS: dict[str, _LanguageTimer | _TextTimer] = {
    "log_likelihood": _LanguageTimer(),
    "classify": _TextTimer("classify"),
    "embed": _TextTimer("embed"),
}
