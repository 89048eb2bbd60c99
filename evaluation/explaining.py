"""Explanations of a few items of a result, asked of the model while it is loaded. They are no part of the score."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from evaluation.benchmarks import Dataset, Item
from evaluation.benchmarks.definition import Benchmark
from evaluation.sandbox import Explanation, RuntimeRefused, SandboxError
from evaluation.scorers import SCORERS, Row
from evaluation.scorers.base import Model

WRONG, RIGHT = 6, 4
SECONDS = 10.0
MAX_CHARACTERS = 2_000

# What a runtime says where there is nothing to explain; any other refusal is a fault.
_NOT_THIS_MODEL = frozenset({"not_explainable", "no_prefix_token"})
_NOT_THIS_ITEM = frozenset({"empty_input", "invalid_target"})

# The value and the target, or nothing where there is nothing to ask of an item.
Asked = tuple[Any, str | None] | None
Question = Callable[[Mapping[str, Any], Item, Row], Asked]


def _role(arguments: Mapping[str, Any], name: str) -> str:
    return str(arguments.get(name, name))


def _text(arguments: Mapping[str, Any], item: Item, row: Row) -> Asked:
    return str(item[_role(arguments, "text")]), None


def _words(arguments: Mapping[str, Any], item: Item, row: Row) -> Asked:
    return [str(word) for word in item[_role(arguments, "tokens")]], None


def _question(arguments: Mapping[str, Any], item: Item, row: Row) -> Asked:
    question, context = (str(item[_role(arguments, name)]) for name in ("question", "context"))
    return {"question": question, "context": context}, None


def _context(arguments: Mapping[str, Any], item: Item, row: Row) -> Asked:
    return str(item[_role(arguments, "context")]), None


def _pair(arguments: Mapping[str, Any], item: Item, row: Row) -> Asked:
    """What both sentences begin with, and how the one goes on that the model found likelier, true or not."""
    good, bad = (str(item[_role(arguments, name)]) for name in ("good", "bad"))
    shared = _shared_words(good, bad)
    chosen = good if row["good"] > row["bad"] else bad
    return (shared, chosen[len(shared) :]) if shared.strip() and len(shared) < len(chosen) else None


def _shared_words(one: str, other: str) -> str:
    """The beginning that two sentences share, up to the end of a word; where words are not spaced, of a character."""
    pairs = enumerate(zip(one, other, strict=False))
    shared = one[: next((place for place, (here, there) in pairs if here != there), min(len(one), len(other)))]
    if " " not in one:
        return shared
    is_whole = all(len(text) == len(shared) or text[len(shared)] == " " for text in (one, other))
    return shared.rstrip() if is_whole else shared.rpartition(" ")[0]


# What is explained of an item, by scorer. No true answer is among it: the model is asked about its own.
_QUESTIONS: Mapping[str, Question] = {
    "classification": _text,
    "tagging": _words,
    "span_answers": _question,
    "last_word": _context,
    "next_turn": _context,
    "minimal_pairs": _pair,
}


def explain_items(
    benchmark: Benchmark,
    dataset: Dataset,
    rows: Sequence[Row],
    model: Model,
    *,
    seconds: float = SECONDS,
    on_fault: Callable[[str], None] = lambda text: None,
) -> dict[str, dict[str, Any]]:
    """Explanations by item: of some that the model got wrong and some that it got right, as far as the time goes.

    Args:
        on_fault: told of what should not have happened. The score stands all the same.

    Returns:
        for each id the explained `text` and the fields of `Explanation`; nothing where the model cannot be explained.
    """
    ask = _QUESTIONS.get(benchmark.scorer)
    if ask is None:
        return {}
    items = {item.id: item for item in dataset.items}
    asked = {str(row["id"]): ask(benchmark.scorer_args, items[str(row["id"])], row) for row in rows}
    ends = time.monotonic() + seconds
    found: dict[str, dict[str, Any]] = {}
    for name in chosen(benchmark, [row for row in rows if asked[str(row["id"])] is not None]):
        left = ends - time.monotonic()
        value, target = asked[name] or ("", None)
        text = text_of(value)
        if left <= 0:
            break
        if len(text) > MAX_CHARACTERS:
            continue
        try:
            answer = model.call("explain", value=value, target=target, timeout_s=left)
        except RuntimeRefused as error:
            if error.code in _NOT_THIS_ITEM:
                continue
            if error.code not in _NOT_THIS_MODEL:
                on_fault(f"Explaining {name} failed: {error.reason}")
            return found
        except SandboxError as error:  # A model that ends over this is not explained further.
            on_fault(f"Explaining {name} ended the model's process: {error}")
            return found
        found[name] = {"text": _shown(text, target, answer), **asdict(answer)}
    return found


def chosen(benchmark: Benchmark, rows: Sequence[Row]) -> list[str]:
    """Which items: wrong ones first, drawn by a hash of their ids, so that every version is asked about the same."""

    def order(row: Row) -> str:
        return hashlib.sha256(f"{benchmark.id}:{row['id']}".encode()).hexdigest()

    value_of = SCORERS[benchmark.scorer].item_value
    drawn = sorted(rows, key=order)
    valued = [(str(row["id"]), row["right"] if "right" in row else value_of(benchmark, row)) for row in drawn]
    wrong = [name for name, value in valued if value is not None and value < 1][:WRONG]
    return wrong + [name for name, value in valued if value == 1][:RIGHT]


def _shown(text: str, target: str | None, answer: Explanation) -> str:
    """The text in which the places count: with what follows, where a model accounts for that part by part."""
    furthest = max((span[1] for span in answer.spans if span is not None), default=0)
    return text + (target or "") if furthest > len(text) else text


def text_of(value: Any) -> str:
    """The text in which an explanation's places count."""
    if isinstance(value, Mapping):
        return f"{value['question']}\n{value['context']}"
    return value if isinstance(value, str) else " ".join(value)
