"""What stands beside a score, in words: overlap with training data, and stress. No queries."""

from typing import Any

from django.utils.translation import gettext

from hub.core.numbers import number

# What was done to the text, how many items, and in per cent: answers that stayed, right so, right as they stand.
StressRow = tuple[str, int, str, str, str]


def overlap_note(found: Any, factor: float) -> str:
    """How much of the test was in the declared training data, and whether that was read whole; else ""."""
    if not isinstance(found, dict):
        return ""
    notes = []
    if found.get("seen") and found.get("items"):
        share = number(100 * found["seen"] / found["items"])
        note = gettext("%(share)s %% of the items stand in its declared training data") % {"share": share}
        if found.get("clean_value") is not None:
            note += gettext("; on the others %(value)s") % {"value": number(found["clean_value"] * factor)}
        notes.append(note)
    if found.get("unread_files") or found.get("unread") or found.get("is_whole") is False:
        notes.append(gettext("not all of its declared training data was read"))
    return " · ".join(notes)


def stress_rows(found: Any) -> list[StressRow]:
    """The stress slices of a score in a fixed order."""
    if not isinstance(found, dict):
        return []
    names = {
        "typos": gettext("Typing errors"),
        "case": gettext("Capitals"),
        "length": gettext("More words behind"),
        "negation": gettext("A negation in front"),
        "empty": gettext("Nothing but a space"),
    }

    def percent(value: Any) -> str:
        return "" if value is None else number(100 * value, decimals=1)

    parts = [(name, found[key]) for key, name in names.items() if isinstance(found.get(key), dict)]
    parts = [(_said(name, part), part) for name, part in parts]
    return [
        (name, part["n"], percent(part["same"]), percent(part.get("value")), percent(part.get("plain")))
        for name, part in parts
    ]


def _said(name: str, part: dict[str, Any]) -> str:
    """The name of a slice, with the one answer that a text without words gets."""
    return gettext("%(what)s: says “%(label)s”") % {"what": name, "label": part["says"]} if part.get("says") else name
