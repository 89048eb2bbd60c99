"""Asking a model in batches where an item is more than one text: words, a question with its context, a sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.metrics import uncertainty
from evaluation.scorers.base import GO_ON_TEXTS, Model, Progress, Row, Statistic, batches


def ask_records(
    model: Model,
    operation: str,
    records: Sequence[Mapping[str, Any]],
    order_by: Sequence[str],
    progress: Progress,
    **arguments: Any,
) -> list[Any]:
    """One answer per record, in their order. Batches follow the rule for texts, told by `order_by`.

    Args:
        records: for each item its part of every list argument, such as `{"questions": …, "contexts": …}`.
    """
    answers: dict[int, Any] = {}
    for positions in batches(order_by):
        lists: dict[str, Any] = {
            name: [records[position][name] for position in positions] for name in records[positions[0]]
        }
        answers |= dict(zip(positions, model.call(operation, **lists, **arguments), strict=True))
        progress(len(answers), len(records))
    return [answers[position] for position in range(len(records))]


def ask_to_go_on(
    model: Model,
    prompts: Sequence[str],
    progress: Progress,
    *,
    max_new_tokens: int,
    stops: Sequence[str],
    seconds: float,
) -> list[Any]:
    """What the model goes on with after each prompt, up to the first of the stops where it is told to stop.

    Args:
        seconds: how long one call, which is many prompts, may take.
    """
    distinct = sorted(set(prompts), key=lambda prompt: (len(prompt), prompt))
    said: dict[str, Any] = {}
    for start in range(0, len(distinct), GO_ON_TEXTS):
        texts = distinct[start : start + GO_ON_TEXTS]
        answers = model.call(
            "continue_greedily", timeout_s=seconds, texts=texts, max_new_tokens=max_new_tokens, stops=list(stops)
        )
        said |= dict(zip(texts, answers, strict=True))
        progress(len(said), len(distinct))
    return [said[prompt] for prompt in prompts]


def cut_marks(model: Model, *texts: Sequence[str]) -> list[Row]:
    """What the rows of items tell whose texts the model sees no end of, where it tells its context.

    A token has at least one byte, so short texts need no asking.
    """
    context = model.description.get("description", {}).get("context_length")
    if not isinstance(context, int) or context < 1:
        return [{} for _ in texts[0]]
    room = context - 2  # For a first and a last special token.
    long = {text for column in texts for text in column if len(text.encode()) > room}
    cut = {text for text in long if len(model.call("encode", text=text)) > room}
    return [{"truncated": True} if cut.intersection(item) else {} for item in zip(*texts, strict=True)]


def cut_mark(answer: Any) -> Row:
    """What the row of an item tells whose prompt lost its beginning, for want of room in the model's context."""
    return {"truncated": True} if answer.cut_tokens else {}


def drawn_interval(statistic: Statistic, n: int, *, seed: int, over: str) -> uncertainty.Interval | None:
    """Bootstrap interval of a statistic of `n` items; None for a single one. `over` names the items."""
    if n < 2:
        return None
    return uncertainty.bootstrap_statistic(n, statistic, seed=seed, method=f"bootstrap over {over}")


def role(arguments: Mapping[str, Any], name: str) -> str:
    """The role that an item's value has in the declaration's `fields`; its own name unless declared otherwise."""
    return str(arguments.get(name, name))


def texts_of(value: Any) -> list[str]:
    """One reference, or several."""
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]


def is_chinese(languages: Sequence[str]) -> bool:
    """Whether a set is in Chinese, whose words are not parted by spaces."""
    return bool({"zh", "yue"} & {language.lower().split("-")[0] for language in languages})
