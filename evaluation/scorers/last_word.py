"""Predicting the last word of a passage, greedily.

The model continues a passage before it is shown its target, so the answer cannot influence what it says. Passages
are continued by a few tokens first, and further only while the text could still become the target. As many as make a
call are continued and then asked about their targets, so that a runtime may keep what it has read of them in between.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset
from evaluation.metrics import language, uncertainty
from evaluation.scorers.base import (
    Aggregate,
    Model,
    NotScorable,
    Progress,
    Row,
    Statistic,
    calls,
    finite,
    mean_statistic,
)

_LENGTHS = (1, 4, 16)  # Each round reads the passages again, and after one token few of them are open.


class LastWord:
    """`accuracy`: the greedy tokens begin with the target's tokens. `target_perplexity` is per item, not per token."""

    name = "last_word"
    version = 3

    def collect(self, benchmark: Benchmark, dataset: Dataset, model: Model, progress: Progress) -> list[Row]:
        arguments = benchmark.scorer_args
        given = [str(item[arguments.get("context", "context")]) for item in dataset.items]
        words = [str(item[arguments.get("continuation", "continuation")]) for item in dataset.items]
        # White space at the end of a passage belongs to what follows.
        contexts = [text.rstrip() for text in given]
        targets = [f"{text[len(text.rstrip()) :]} {word}" for text, word in zip(given, words, strict=True)]
        said, answers = _asked(model, contexts, targets, progress)
        return [
            {
                "id": item.id,
                "right": _is_said(model, context, target, heard),
                "target_log_prob": finite(answer.log_prob, f"The target of {item.id}"),
                "target_tokens": answer.tokens,
                "truncated": heard.is_cut or answer.cut_tokens > 0,
            }
            for item, context, target, heard, answer in zip(
                dataset.items, contexts, targets, said, answers, strict=True
            )
        ]

    def aggregate(self, benchmark: Benchmark, rows: Sequence[Row]) -> Aggregate:
        right = sum(bool(row["right"]) for row in rows)
        mean = math.fsum(row["target_log_prob"] for row in rows) / len(rows)
        metrics = {"accuracy": right / len(rows), "target_perplexity": language.perplexity(mean, 1)}
        too_long = sum(row["target_tokens"] > _LENGTHS[-1] for row in rows)
        return Aggregate(metrics, uncertainty.wilson(right, len(rows)), {"targets_over_limit": too_long})

    def statistic(self, benchmark: Benchmark, rows: Sequence[Row]) -> Statistic:
        means = mean_statistic([self.item_value(benchmark, row) or 0.0 for row in rows])
        if benchmark.main_metric == "target_perplexity":
            return lambda drawn: np.exp(np.minimum(-means(drawn), 700.0))
        return means

    def item_value(self, benchmark: Benchmark, row: Row) -> float | None:
        if benchmark.main_metric == "target_perplexity":
            return float(row["target_log_prob"])
        return float(bool(row["right"]))

    def prediction(self, row: Row) -> str:
        """The rows keep no text of the continuation, for it is only compared."""
        found = "said" if row["right"] else "said something else"
        return f"{found}; the target has {float(row['target_log_prob']):.4g} nats"


@dataclass(frozen=True)
class _Said:
    """What the model went on with so far."""

    ids: tuple[int, ...] = ()
    text: str = ""
    has_ended: bool = False
    is_cut: bool = False

    def may_be(self, target: str) -> bool:
        """Whether this can begin the target, or begin with it.

        A character that is cut at the end is no reason why not, if the target goes on with one of several bytes.
        """
        text = self.text.rstrip("\ufffd")
        if text.startswith(target):
            return True
        return target.startswith(text) and (text == self.text or not target[len(text)].isascii())

    def is_enough(self, target: str) -> bool:
        """Whether more tokens could change nothing."""
        return self.has_ended or not self.may_be(target) or self.text.startswith(target)


def _asked(
    model: Model, contexts: Sequence[str], targets: Sequence[str], progress: Progress
) -> tuple[list[_Said], list[Any]]:
    """What the model says after each context, and how likely it finds each target."""
    number = len(contexts)
    said, answers = [_Said()] * number, [None] * number
    done = 0
    for call in calls([[context + target] for context, target in zip(contexts, targets, strict=True)]):
        heads, tails = [contexts[place] for place in call], [targets[place] for place in call]
        heard = _continue(model, heads, tails)
        # From here on these targets are shown, what they are held against being in our hands already.
        asked = model.call("continuation_log_likelihood", contexts=heads, continuations=tails)
        for place, one, answer in zip(call, heard, asked, strict=True):
            said[place], answers[place] = one, answer
        done += len(call)
        progress(done, number)
    return said, answers


def _continue(model: Model, contexts: Sequence[str], targets: Sequence[str]) -> list[_Said]:
    """Greedy tokens after each context, as many as are needed to tell whether they begin with the target."""
    said = [_Said()] * len(contexts)
    for length in _LENGTHS:
        open_ones = [number for number, target in enumerate(targets) if not said[number].is_enough(target)]
        if not open_ones:
            break
        texts = [contexts[number] for number in open_ones]
        answers = model.call("continue_greedily", texts=texts, max_new_tokens=length)
        for number, answer in zip(open_ones, answers, strict=True):
            if answer.token_ids[: len(said[number].ids)] != said[number].ids:
                reason = "The model continues the same text differently a second time."
                raise NotScorable("not_deterministic", reason)
            said[number] = _Said(answer.token_ids, answer.text, answer.finish == "stop", answer.cut_tokens > 0)
    return said


def _is_said(model: Model, context: str, target: str, heard: _Said) -> bool:
    """Whether what was said begins with the tokens of context and target together that come after the context's own."""
    if not heard.may_be(target):
        return False
    head, full = model.call("encode", text=context), model.call("encode", text=context + target)
    wanted = full[len(head) :]
    return bool(wanted) and list(heard.ids[: len(wanted)]) == wanted
