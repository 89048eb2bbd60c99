"""The card: front matter of README.md, read with a restricted YAML, and the facts that lists show. Pure.

No tags, no aliases, no merge keys, at most 8 levels, 64 KiB and 2,000 nodes: a card is typed by strangers.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import yaml

CARD = "README.md"
MAX_CARD_BYTES = 1024 * 1024  # Of the whole file; its front matter has a limit of its own.
MAX_BYTES = 64 * 1024
MAX_DEPTH = 8
MAX_NODES = 2_000

FENCE = re.compile(r"\A\ufeff?\s*---[ \t]*\r?\n(.*?)(?:^---[ \t]*(?:\r?\n|\Z))", re.DOTALL | re.MULTILINE)
_ARXIV = re.compile(r"arxiv\.org/(?:abs|pdf)/([0-9]{4}\.[0-9]{4,5})", re.IGNORECASE)
MAX_ARXIV = 20
# Which keys of the front matter become tags, and with which prefix.
_TAGGED = (
    ("license", "license:"),
    ("datasets", "dataset:"),
    ("models", "model:"),
    ("base_model", "base_model:"),
    ("task_categories", "task_categories:"),
    ("task_ids", "task_ids:"),
    ("size_categories", "size_categories:"),
    ("multilinguality", "multilinguality:"),
    ("language_creators", "language_creators:"),
    ("annotations_creators", "annotations_creators:"),
    ("source_datasets", "source_datasets:"),
    ("benchmark", "benchmark:"),
)
_NO_LICENCE = {"", "unknown", "none", "noassertion", "null"}
# Code between fences, headings, and the lines that underline one.
_NOT_PROSE = re.compile(r"^(```|~~~).*?^\1[^\n]*$|^#{1,6}\s[^\n]*$|^[^\n]+\n(?:=+|-+)\s*$", re.DOTALL | re.MULTILINE)


class CardFault(ValueError):
    """The front matter breaks a rule; the text says which."""


@dataclass(frozen=True)
class Card:
    """What a card says of itself. Claims, all of them."""

    data: dict[str, Any] = field(default_factory=dict)
    body: str = ""

    @property
    def licence(self) -> str:
        value = self.data.get("license")
        return ", ".join(_texts(value))[:200]

    @property
    def declares_licence(self) -> bool:
        """Whether it says under what licence people may use this. To say that nobody knows is not to say."""
        return any(name.strip().lower() not in _NO_LICENCE for name in _texts(self.data.get("license")))

    @property
    def task(self) -> str:
        value = self.data.get("pipeline_tag")
        return value[:64] if isinstance(value, str) else ""

    @property
    def library(self) -> str:
        value = self.data.get("library_name")
        return value[:64] if isinstance(value, str) else ""

    @property
    def languages(self) -> list[str]:
        return _texts(self.data.get("language"))

    @property
    def summary(self) -> str:
        """The first paragraph of prose, without markup, for lists."""
        prose = _NOT_PROSE.sub("\n\n", self.body)
        for block in re.split(r"\n\s*\n", prose):
            text = block.strip()
            if text and not re.match(r"[>|`\-*+!\[<=]|\d+\.", text):
                plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)|[*_`]|<[^>]*>", r"\1", text)
                return " ".join(plain.split())[:300]
        return ""

    def tags(self) -> list[str]:
        """The tags that lists filter by, as the wire spells them; derived ones last."""
        found = _texts(self.data.get("tags"))
        found += [self.library] if self.library else []
        found += [self.task] if self.task else []
        found += self.languages
        for key, prefix in _TAGGED:
            found += [prefix + value for value in _texts(self.data.get(key))]
        found += [f"language:{value}" for value in self.languages]
        found += [f"arxiv:{number}" for number in list(dict.fromkeys(_ARXIV.findall(self.body)))[:MAX_ARXIV]]
        return list(dict.fromkeys(tag[:200] for tag in found if tag))[:200]


def read_card(text: str) -> Card:
    """Split a README into front matter and prose.

    Raises:
        CardFault: the front matter is not a mapping, not YAML, or over a limit.
    """
    match = FENCE.match(text)
    if match is None:
        return Card(body=text)
    return Card(data=_mapping(match[1]), body=text[match.end() :])


def read_values(source: str) -> Any:
    """A file of YAML as plain values, under the limits of a card.

    Raises:
        CardFault: it is not YAML, or over a limit.
    """
    if len(source.encode(errors="replace")) > MAX_BYTES:
        raise CardFault(f"It is longer than {MAX_BYTES // 1024} KiB.")
    try:
        _check_events(source)
        value = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise CardFault(" ".join(str(error).split())[:300]) from error
    except (ValueError, OverflowError, RecursionError) as error:
        raise CardFault(f"A value cannot be read: {error}"[:300]) from error
    return _plain(value)


def _mapping(source: str) -> dict[str, Any]:
    data = read_values(source)
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise CardFault("It must be a list of “key: value” lines.")
    if not isinstance(data.get("model-index", []), list | None):
        raise CardFault("“model-index” must be a list of models with their results.")
    return data


def _check_events(source: str) -> None:
    """Refuse by the event stream, before any value is built."""
    depth = nodes = 0
    for event in yaml.parse(source, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise CardFault("Anchors and aliases are not read here.")
        tag = getattr(event, "tag", None)
        if tag and tag != "!":
            raise CardFault("YAML tags are not read here.")
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise CardFault(f"It is nested more than {MAX_DEPTH} levels deep.")
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            depth -= 1
        if isinstance(event, yaml.NodeEvent):
            nodes += 1
            if nodes > MAX_NODES:
                raise CardFault(f"It holds more than {MAX_NODES} values.")


def _plain(value: Any) -> Any:
    """JSON's types only: dates as text, odd keys as text, no NaN, no NUL, integers of 64 bits."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value)
    return _clean(value if isinstance(value, str) else str(value))


def _clean(text: str) -> str:
    """PostgreSQL's JSON holds neither NUL nor half of a surrogate pair."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _texts(value: Any) -> list[str]:
    """One text or a list of texts, as a list; anything else is left out."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [item for item in value if isinstance(item, str)]
    return []
