"""For pages: where card and files disagree, what memory a model takes, and which devices it suits."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

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
