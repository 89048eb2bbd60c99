"""The form of one smoke check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from evaluation.scorers.base import Model
from evaluation.steps.inspect import Inspection

Value = float | int | str | None


@dataclass(frozen=True)
class Check:
    """`message` is a sentence that a person can act on; `value` is what was measured, in the message's unit."""

    id: str
    title: str
    state: Literal["pass", "warn", "fail", "not_applicable"]
    value: Value
    message: str


# One check: the session, what the files say, the fixed texts, and the answers kept for the fingerprint.
Run = Callable[[Model, Inspection, dict[str, Any], dict[str, Any]], Check]


def passed(identifier: str, title: str, message: str, *, value: Value = None) -> Check:
    return Check(identifier, title, "pass", value, message)


def warned(identifier: str, title: str, message: str, *, value: Value = None) -> Check:
    return Check(identifier, title, "warn", value, message)


def failed(identifier: str, title: str, message: str, *, value: Value = None) -> Check:
    return Check(identifier, title, "fail", value, message)


def not_applicable(identifier: str, title: str, message: str) -> Check:
    return Check(identifier, title, "not_applicable", None, message)
