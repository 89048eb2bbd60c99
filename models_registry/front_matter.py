"""Changes values of a card's front matter and leaves every other byte of the card as its author wrote it. Pure."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from models_registry.cards import FENCE, Card, CardFault, read_card

_WIDTH = 10_000  # One line a value, however long.
Value = str | list[str]


def with_values(text: str, values: Mapping[str, Value | None]) -> str:
    """The card with these keys set; None takes a key away. A card without front matter gets one.

    Raises:
        CardFault: the front matter cannot be read, so nothing is known of what a change would leave of it.
    """
    before = read_card(text)
    wanted = {key: value for key, value in before.data.items() if key not in values}
    wanted |= {key: value for key, value in values.items() if value is not None}
    match = FENCE.match(text)
    if match is None:
        return (_fenced(wanted) + text.removeprefix("\ufeff")) if wanted else text
    ending = "\r\n" if "\r\n" in match[0] else "\n"
    for source in (_edited(match[1], values, ending), _written(wanted).replace("\n", ending)):
        changed = text[: match.start(1)] + source + text[match.end(1) :]
        if _reads_as(changed, Card(wanted, before.body)):
            return changed
    raise CardFault("It is written in a way that cannot be changed here. Edit README.md instead.")


def new_card(values: Mapping[str, Value], *, body: str = "") -> str:
    """A card with this front matter."""
    return _fenced(values) + body


def _edited(source: str, values: Mapping[str, Value | None], ending: str) -> str:
    """The lines of the front matter with those of some keys replaced where they stand, or added at the end."""
    left = {key: value for key, value in values.items() if value is not None}
    found: list[str] = []
    is_dropping = False
    for line in source.splitlines(keepends=True):
        key = _key_of(line)
        if key is None:  # Belongs to the key above: indented, a list's dash, a comment or nothing.
            if is_dropping and not (line.strip() == "" or line.lstrip().startswith("#")):
                continue
            is_dropping = False
            found.append(line)
            continue
        is_dropping = key in values
        if not is_dropping:
            found.append(line)
        elif key in left:
            found.append(_written({key: left.pop(key)}).replace("\n", ending))
    if found and not found[-1].endswith("\n"):
        found[-1] += ending
    return "".join(found) + (_written(left).replace("\n", ending) if left else "")


def _key_of(line: str) -> str | None:
    match = re.match(r"""(["']?)([A-Za-z_][\w.-]*)\1\s*:(?=\s|$)""", line)
    return match[2] if match else None


def _written(values: Mapping[str, Any]) -> str:
    if not values:
        return ""
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=False)


def _fenced(values: Mapping[str, Any]) -> str:
    return f"---\n{_written(values)}---\n"


def _reads_as(text: str, wanted: Card) -> bool:
    try:
        return read_card(text) == wanted
    except CardFault:
        return False
