"""What is timed of a model, by what it can do. Every time is taken outside the sandbox, as a user would wait."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.sandbox import Session
from evaluation.steps.smoke import Prompts, short_enough
from evaluation.steps.smoke_writing import languages_for

PROMPT_TOKENS, PREFILL_TOKENS, NEW_TOKENS = 32, 512, 64
REPEATS = 5
BATCH = 8
CLIP_S, CLIP_HZ = 5.0, 16_000
QUESTION_CHARACTERS = 40
# What two versions are asked by turns, by the name of its time.
Question = Callable[[Session], Any]


@dataclass(frozen=True)
class Timings:
    """Seconds and rates per second; None where a task has no such thing.

    `tokens_per_s`, `prefill_tokens_per_s`: batch 1. `batch_per_s`: batch of eight, in tokens for language models, in
    answers for the others. `rtf`: seconds of work per second of speech.
    """

    first_token_s: float | None = None
    first_answer_s: float | None = None
    prefill_tokens_per_s: float | None = None
    tokens_per_s: float | None = None
    answers_per_s: float | None = None
    batch_per_s: float | None = None
    rtf: float | None = None


class LanguageTimer:
    """Times of a model that continues texts."""

    def first(self, session: Session) -> None:
        session.call("generate", prompt="The", max_new_tokens=1)

    def measure(self, session: Session) -> Timings:
        source = Prompts.load().texts["long_text"] * 40
        ids = session.call("encode", text=source)
        prompt = short_enough(session, session.call("decode", ids=ids[:PROMPT_TOKENS]))
        long = session.call("decode", ids=ids[:PREFILL_TOKENS])
        first_s = median_seconds(lambda: session.call("generate", prompt=prompt, max_new_tokens=1))
        prefill_s, read = _timed(lambda: session.call("log_likelihood", texts=[long]))
        batch_s, rows = _timed(lambda: session.call("log_likelihood", texts=[long] * BATCH))
        decode_s, written = _timed(lambda: session.call("generate", prompt=prompt, max_new_tokens=NEW_TOKENS))
        decode_s -= first_s
        more = len(written.token_ids) - 1
        return Timings(
            first_token_s=first_s,
            prefill_tokens_per_s=read[0].tokens / prefill_s,
            # A model that stops at once, or is faster than the clock's noise, has no rate to tell.
            tokens_per_s=more / decode_s if more >= 4 and decode_s > 0 else None,
            batch_per_s=sum(row.tokens for row in rows) / batch_s,
        )

    def questions(self) -> Mapping[str, Question]:
        text = Prompts.load().texts["long_text"]
        return {
            "first_token_s": lambda session: session.call(
                "generate", prompt=short_enough(session, text[:QUESTION_CHARACTERS]), max_new_tokens=1
            ),
            "reading_s": lambda session: session.call("log_likelihood", texts=[text]),
        }


class AnswerTimer:
    """Times of a model that answers per item: a label, a vector, tags, a span, a translation."""

    def __init__(self, ask: Callable[[Session, Sequence[str]], Any]) -> None:
        self._ask = ask

    def first(self, session: Session) -> None:
        self._ask(session, ["The"])

    def measure(self, session: Session) -> Timings:
        texts: Sequence[str] = Prompts.load().texts["classifier"][:BATCH]
        alone = median_seconds(lambda: self._ask(session, texts[:1]))
        together = median_seconds(lambda: self._ask(session, texts))
        rate = len(texts) / together
        return Timings(first_answer_s=alone, answers_per_s=rate, batch_per_s=rate)

    def questions(self) -> Mapping[str, Question]:
        texts: Sequence[str] = Prompts.load().texts["classifier"][:BATCH]
        return {
            "first_answer_s": lambda session: self._ask(session, texts[:1]),
            "batch_s": lambda session: self._ask(session, texts),
        }


class SpeechTimer:
    """Times of a model that writes down speech: five seconds of a voice-like hum, always the same."""

    def first(self, session: Session) -> None:
        session.call("transcribe", clips=[_hum(1.0)], sampling_rate=CLIP_HZ)

    def measure(self, session: Session) -> Timings:
        clip = _hum(CLIP_S)
        alone = median_seconds(lambda: session.call("transcribe", clips=[clip], sampling_rate=CLIP_HZ))
        return Timings(first_answer_s=alone, answers_per_s=1 / alone, rtf=alone / CLIP_S)

    def questions(self) -> Mapping[str, Question]:
        clip = _hum(1.0)
        return {
            "first_answer_s": lambda session: session.call("transcribe", clips=[clip], sampling_rate=CLIP_HZ),
        }


def _hum(seconds: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    moments = np.arange(int(seconds * CLIP_HZ)) / CLIP_HZ
    voice = sum(np.sin(2 * np.pi * 140 * overtone * moments) / overtone for overtone in range(1, 12))
    return (0.1 * voice * (1 + np.sin(2 * np.pi * 4 * moments))).astype(np.float32)


def median_seconds(call: Callable[[], Any]) -> float:
    """The median of five after one warm-up."""
    call()
    return statistics.median(_timed(call)[0] for _ in range(REPEATS))


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = call()
    return time.perf_counter() - began, answer


Timer = LanguageTimer | AnswerTimer | SpeechTimer

# The first that a model can do is what it is timed by.
TIMERS: dict[str, Timer] = {
    "log_likelihood": LanguageTimer(),
    "classify": AnswerTimer(lambda session, texts: session.call("classify", texts=list(texts))),
    "tag": AnswerTimer(lambda session, texts: session.call("tag", sentences=[text.split() or ["."] for text in texts])),
    "answer": AnswerTimer(
        lambda session, texts: session.call("answer", questions=["Who is it?"] * len(texts), contexts=list(texts))
    ),
    "transcribe": SpeechTimer(),
    "translate": AnswerTimer(
        lambda session, texts: session.call(
            "translate", texts=list(texts), max_new_tokens=16, **languages_for(session.description)
        )
    ),
    "summarize": AnswerTimer(lambda session, texts: session.call("summarize", texts=list(texts), max_new_tokens=16)),
    "embed": AnswerTimer(lambda session, texts: session.call("embed", texts=list(texts))),
    "pseudo_log_likelihood": AnswerTimer(
        lambda session, texts: session.call("pseudo_log_likelihood", texts=list(texts))
    ),
}


def timer_for(capabilities: Sequence[str]) -> Timer | None:
    """What a model is timed by; None if it can do nothing that is timed."""
    return next((timer for name, timer in TIMERS.items() if name in capabilities), None)
