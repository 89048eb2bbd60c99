"""Smoke checks of language models: forward pass, batches, cache, repetition, stopping, context, fixed text."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evaluation.scorers.base import Model
from evaluation.steps.checks import Check, Run, failed, not_applicable, passed, warned
from evaluation.steps.inspect import Inspection

_BATCH_TOLERANCE = 1e-3
_SUM_TOLERANCE = 1e-3
_CONTEXT_BUDGET_TOKENS = 1024
_GREEDY_TOKENS = 24


def forward(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S07: shapes, finiteness, variety, and (the n-gram's own check) each row sums to 1."""
    rows = session.call("next_log_probs", texts=texts["contexts"])
    single = session.call("next_log_probs", texts=texts["contexts"][:1])
    size = session.description["description"].get("vocabulary_size")
    if rows.shape[0] != len(texts["contexts"]) or single.shape[0] != 1 or (size and rows.shape[1] < size):
        return failed("S07", "forward", f"The output has the shape {rows.shape}, the vocabulary {size} tokens.")
    if np.isnan(rows).any() or np.isposinf(rows).any():
        return failed("S07", "forward", "The output holds values that are not numbers.")
    sums = np.exp(rows.astype(float)).sum(axis=1)
    worst = float(np.abs(sums - 1).max())
    if worst > _SUM_TOLERANCE:
        return failed("S07", "forward", f"The probabilities of the next token sum to {1 + worst:.4f}.", value=worst)
    if bool((rows.max(axis=1) == rows.min(axis=1)).all()):
        return failed("S07", "forward", "Every token is equally likely after every text.")
    return passed("S07", "forward", "Probabilities are finite and sum to 1 on batches of 1 and more.", value=worst)


def batch(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S08: a text alone and the same text padded beside longer ones."""
    together = session.call("next_log_probs", texts=texts["contexts"]).astype(float)
    worst = 0.0
    for index, text in enumerate(texts["contexts"]):
        alone = session.call("next_log_probs", texts=[text])[0].astype(float)
        both = np.isfinite(alone) & np.isfinite(together[index])
        if bool((np.isfinite(alone) != np.isfinite(together[index])).any()):
            return failed("S08", "batch", "A token is impossible alone, and possible in a batch.", value=math.inf)
        worst = max(worst, float(np.abs(alone[both] - together[index][both]).max(initial=0.0)))
    shown = f"A padded batch moves log-probabilities by {worst:.2g}; the limit is {_BATCH_TOLERANCE:g}."
    return (failed if worst > _BATCH_TOLERANCE else passed)("S08", "batch", shown, value=worst)


def cache(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S09: greedy tokens with and without the cache (or the carried state). Also fills the fingerprint."""
    greedy: list[list[int]] = []
    for prompt in texts["prompts"]:
        with_cache = session.call("generate", prompt=prompt, max_new_tokens=_GREEDY_TOKENS)
        without = session.call("generate", prompt=prompt, max_new_tokens=_GREEDY_TOKENS, use_cache=False)
        greedy.append(list(with_cache.token_ids))
        if with_cache.token_ids != without.token_ids:
            return failed("S09", "cache", f"With and without its cache it goes on differently after “{prompt[:40]}”.")
    outputs["greedy_ids"] = greedy
    return passed("S09", "cache", f"The same greedy tokens with and without cache on {len(greedy)} prompts.")


def repeat(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S10: two runs are equal to the bit."""
    first, second = (session.call("next_log_probs", texts=texts["contexts"]) for _ in range(2))
    again = [
        list(session.call("generate", prompt=p, max_new_tokens=_GREEDY_TOKENS).token_ids) for p in texts["prompts"]
    ]
    if first.tobytes() != second.tobytes():
        difference = float(np.nanmax(np.abs(first.astype(float) - second.astype(float))))
        return failed("S10", "repeat", f"Two equal runs differ by {difference:.2g}.", value=difference)
    if "greedy_ids" in outputs and again != outputs["greedy_ids"]:
        return failed("S10", "repeat", "Two equal runs say different things.")
    return passed("S10", "repeat", "Two runs are equal to the last bit.", value=0)


def stop(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S11: it ends or reaches the limit; repeated four-grams are counted."""
    shares, finished = [], []
    for answer in session.call("continue_greedily", texts=texts["prompts"], max_new_tokens=64):
        if len(answer.token_ids) > 64 or answer.finish not in ("stop", "length"):
            return failed("S11", "stop", "It neither stops nor keeps to the limit of tokens.")
        shares.append(_repeated_share(answer.token_ids))
        finished.append(answer.finish)
    worst = max(shares)
    said = f"{worst:.0%} of the four-token groups repeat at worst; it ended by itself {finished.count('stop')} times."
    return (warned if worst > 0.8 else passed)("S11", "stop", said, value=round(worst, 4))


def context(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S13: it runs at its declared length, and past it gives numbers, too."""
    declared = session.description["description"].get("context_length")
    wanted = min(declared or _CONTEXT_BUDGET_TOKENS, _CONTEXT_BUDGET_TOKENS)
    ids = session.call("encode", text=texts["long_text"] * 40)
    if len(ids) < wanted:
        return not_applicable("S13", "context", "The fixed text is too short for its context.")
    for length in (wanted, 2 * wanted):
        text = session.call("decode", ids=ids[:length])
        (answer,) = session.call("log_likelihood", texts=[text])
        if not math.isfinite(answer.log_prob):
            return failed("S13", "context", f"At {length:,} tokens the answer is {answer.log_prob}.", value=length)
    return passed("S13", "context", f"It runs at {wanted:,} tokens and at twice that.", value=wanted)


def fixed_text(session: Model, inspection: Inspection, texts: dict[str, Any], outputs: dict[str, Any]) -> Check:
    """S15: perplexity of a fixed text under that of knowing nothing."""
    best = None
    for language, text in texts["running_text"].items():
        (answer,) = session.call("log_likelihood", texts=[text])
        if math.isnan(answer.log_prob):
            return failed("S15", "fixed text", f"The fixed {language} text gets a probability that is not a number.")
        bits = -answer.log_prob / (len(text.encode()) * math.log(2))
        if best is None or bits < best[0]:
            best = (bits, language)
    assert best is not None
    bits, language = best
    said = f"{bits:.2f} bits per byte on the fixed {language} text; a model that knows nothing has 8."
    return (warned if not bits <= 8 else passed)(
        "S15", "fixed text", said, value=round(bits, 4) if bits < 1e6 else None
    )


def _repeated_share(ids: tuple[int, ...]) -> float:
    """The share of four-token groups that occurred before; 0 for fewer than five tokens."""
    groups = [ids[start : start + 4] for start in range(len(ids) - 3)]
    return 1 - len(set(groups)) / len(groups) if len(groups) > 1 else 0.0


CHECKS: list[Run] = [forward, batch, cache, repeat, stop, context, fixed_text]
