"""For pages: where card and files disagree, what memory a model takes, how fast it is on the machine that all are
compared on, and which devices it suits."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from hub.core.numbers import number, size_parts

Text = str | Promise

_FIELDS: dict[str, Text] = {
    "task": gettext_lazy("Task"),
    "library": gettext_lazy("Library"),
    "licence": gettext_lazy("Licence"),
    "licence_file": gettext_lazy("Text of the licence"),
    "parameters": gettext_lazy("Parameters"),
    "context_length": gettext_lazy("Context"),
    "base_model": gettext_lazy("Base model"),
    "languages": gettext_lazy("Languages"),
}
_CLASSES: dict[str, Text] = {"two-core server, 2026": gettext_lazy("two-core server, 2026")}
_FIRST_TOKEN, _FIRST_ANSWER = gettext_lazy("First token there"), gettext_lazy("First answer there")
_NOTHING: dict[str, Text] = {
    "licence": gettext_lazy("none named"),
    "licence_file": gettext_lazy("no such file"),
}
_DEVICES: dict[str, Text] = {
    "phone": gettext_lazy("Phone"),
    "laptop": gettext_lazy("Laptop"),
    "server": gettext_lazy("Small server"),
}
_ANSWERS: dict[str, tuple[str, Text]] = {
    "fits": ("passed", gettext_lazy("fits")),
    "tight": ("suspicious", gettext_lazy("tight")),
    "too_slow": ("failed", gettext_lazy("too slow")),
    "too_large": ("failed", gettext_lazy("too large")),
}


@dataclass(frozen=True)
class MismatchRow:
    """What the card says beside what the files say."""

    name: Text
    claimed: Text
    found: Text


@dataclass(frozen=True)
class FitRow:
    """One class of devices: a badge's state and word, and the numbers behind it."""

    name: Text
    state: str
    text: Text
    memory_percent: str
    speed: str
    unit: str


def mismatch_rows(inspected: dict[str, Any]) -> list[MismatchRow]:
    """Where the card disagrees with the files, as the inspection found."""
    return [
        MismatchRow(
            name=_FIELDS.get(row["field"], row["field"]),
            claimed=row["claimed"] or _NOTHING.get(row["field"], "—"),
            found=row["found"] or _NOTHING.get(row["field"], "—"),
        )
        for row in inspected.get("mismatches") or ()
    ]


def memory_rows(inspected: dict[str, Any]) -> list[tuple[str, str]]:
    """Estimated memory by precision."""
    table = inspected.get("memory_by_precision") or {}
    rows = ((name, " ".join(size_parts(size)).strip()) for name, size in table.items())
    return list(rows) if inspected.get("parameters") else []


def reference_rows(cost: dict[str, Any]) -> list[tuple[Text, str]]:
    """How fast the machine was against the reference class, and what was timed on it as it would be there.

    Times of two machines are compared by these. Without a measured machine there are none.
    """
    known = cost.get("normalised") or {}
    if not known.get("speed_index"):
        return []
    speed = gettext("%(times)s × %(name)s") % {
        "times": number(known["speed_index"], decimals=2),
        "name": _CLASSES.get(known["reference_class"], known["reference_class"]),
    }
    rows: list[tuple[Text, str]] = [(gettext_lazy("This machine"), speed)]
    for key, name in (("first_token_s", _FIRST_TOKEN), ("first_answer_s", _FIRST_ANSWER)):
        if known.get(key) is not None:
            rows.append((name, f"{number(1e3 * known[key])} ms"))
    for key, unit in (("tokens_per_s", gettext("tokens/s")), ("answers_per_s", gettext("texts/s"))):
        if known.get(key) is not None:
            rows.append((gettext_lazy("Speed there"), f"{number(known[key])} {unit}"))
    return rows


def fit_rows(cost: dict[str, Any]) -> list[FitRow]:
    """Which classes of devices it suits, as the cost step predicted."""
    return [_row(each) for each in cost.get("fit") or () if each["answer"] in _ANSWERS]


def _row(each: dict[str, Any]) -> FitRow:
    state, text = _ANSWERS[each["answer"]]
    return FitRow(
        name=_DEVICES.get(each["device"], each["device"]),
        state=state,
        text=text,
        memory_percent=number(100 * each["memory_share"], decimals=0),
        speed="" if each["speed"] is None else number(each["speed"]),
        unit=each["unit"],
    )
