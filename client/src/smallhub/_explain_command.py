"""The command `explain`: what is asked of a model, by what it can do, and how its explanation is written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .runtimes import Explanation


def add_explain_options(parser: argparse.ArgumentParser) -> None:
    """What `smallhub explain` takes."""
    parser.add_argument("model")
    parser.add_argument("text", help="for a reader, the question")
    parser.add_argument("second", nargs="?", help="a reader's context, a text to compare with, what follows; -: stdin")
    parser.add_argument("--target", help="a label, a continuation, or the place of a word; default: the model's own")
    parser.add_argument("--method", default="auto", help="auto, exact, integrated_gradients or occlusion")


def question_of(options: argparse.Namespace, capabilities: Collection[str]) -> tuple[Any, str | int | None]:
    """Value and target for `Model.explain`. What fits no such model ends the command as wrong usage."""
    second = sys.stdin.read() if options.second == "-" else options.second
    target: str | int | None = options.target
    if "tag" in capabilities and second is None:
        return options.text.split(), int(options.target) if (options.target or "").isdigit() else target
    if "answer" in capabilities:
        if second is None:
            options.refuse("a reader needs a question and a context")
        return {"question": options.text, "context": second}, target
    if "embed" in capabilities and not {"classify", "log_likelihood"} & set(capabilities):
        if second is None:
            options.refuse("a sentence encoder needs two texts to compare")
        return {"first": options.text, "second": second}, target
    if second is not None and "log_likelihood" not in capabilities:
        options.refuse("this model takes one text")
    if second is not None and target is not None:
        options.refuse("--target and a second text say the same")
    return options.text, target if second is None else second


def explanation_lines(found: Explanation) -> str:
    """The answer and what it stands on, then a line for each part."""
    lines = [f"{score:+9.3f}  {unit}" for unit, score in zip(found.units, found.scores, strict=True)]
    about = f"{found.target}: " if found.target else ""
    head = f"{about}{found.measure} {found.total:.4g}, {found.baseline:.4g} without the text ({found.method})"
    return "\n".join([head, *lines])
