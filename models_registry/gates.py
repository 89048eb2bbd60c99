"""The form of a gated repository: what its card or its owner asks of people who want the files. Pure.

A card says it with the keys that the public hub reads: `extra_gated_heading`, `extra_gated_description`,
`extra_gated_prompt`, `extra_gated_fields` and `extra_gated_button_content`. All of it was typed by a stranger: kinds
are known ones, lengths are bounded, control characters are left out, and pages escape the rest.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

MAX_FIELDS = 20
MAX_NAME = 300
MAX_OPTIONS = 60
MAX_OPTION = 200
MAX_ANSWER = 1_000
MAX_PROMPT = 20_000
MAX_TITLE = 200
TEXT, CHECKBOX, SELECT, DATE, COUNTRY = "text", "checkbox", "select", "date_picker", "country"
KINDS = (TEXT, CHECKBOX, SELECT, DATE, COUNTRY)
RESERVED = {
    "csrfmiddlewaretoken",
    "form",
    "gate-organisation",
    "gate-back",
}  # What our own page sends beside the answers.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


_LICENCE_KEYS = ("licence", "licence_path", "licence_sha256")
MAX_LICENCE_BYTES = 256 * 1024
_LICENCE_NAME = re.compile(r"(?:licen[cs]e|copying)(?:[-_][a-z0-9._-]{1,40})?(?:\.(?:txt|md|rst))?", re.IGNORECASE)


class BadAnswers(ValueError):
    """Answers that the form does not take: `problems` has a sentence by field."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {why}" for name, why in problems.items()))
        self.problems = problems


class BadField(ValueError):
    """A line of the owner's settings that is no field; the text says why."""


@dataclass(frozen=True)
class Field:
    """One question. `options` are (value, label), for `select` alone."""

    name: str
    kind: str = TEXT
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Form:
    """All that a person is shown before she asks, and hence agrees to.

    Attributes:
        licence: what the card calls the licence whose text is part of the terms; with the path and the SHA-256 of
            that text. Empty where the repository holds no such text.
    """

    heading: str = ""
    description: str = ""
    prompt: str = ""
    button: str = ""
    fields: tuple[Field, ...] = ()
    licence: str = ""
    licence_path: str = ""
    licence_sha256: str = ""

    def content(self) -> dict[str, Any]:
        """As it is kept, in JSON's types. Of a form without a licence's text nothing is said about one."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        if not self.licence_sha256:
            for key in _LICENCE_KEYS:
                del plain[key]
        return plain

    def sha256(self) -> str:
        """Names exactly this text: of the content as JSON with sorted keys and no spaces."""
        canonical = json.dumps(self.content(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


def read_form(
    card: Mapping[str, Any],
    *,
    prompt: str = "",
    fields: Sequence[Mapping[str, Any]] = (),
    licence: tuple[str, str, str] = ("", "", ""),
) -> Form:
    """The form of a repository. What the card says stands before what the settings say; fields are added up.

    Args:
        card: front matter.
        prompt, fields: the owner's settings, fields as `Field` has them.
        licence: what the card calls it, the path of its text, and that text's SHA-256.
    """
    found = _card_fields(card.get("extra_gated_fields"))
    known = {field.name for field in found}
    own = [_own_field(field) for field in fields]
    found += [field for field in own if field.name not in known]
    return Form(
        heading=_line(card.get("extra_gated_heading"), MAX_TITLE),
        description=_text(card.get("extra_gated_description"), MAX_PROMPT),
        prompt=_text(card.get("extra_gated_prompt"), MAX_PROMPT) or _text(prompt, MAX_PROMPT),
        button=_line(card.get("extra_gated_button_content"), 60),
        fields=tuple(found[:MAX_FIELDS]),
        licence=_line(licence[0], MAX_TITLE),
        licence_path=licence[1],
        licence_sha256=licence[2],
    )


def form_of_content(content: Mapping[str, Any]) -> Form:
    """A form as it was kept."""
    plain = {key: str(content.get(key, "")) for key in ("heading", "description", "prompt", "button", *_LICENCE_KEYS)}
    return Form(**plain, fields=tuple(_own_field(field) for field in content.get("fields") or ()))


def licence_path(paths: Iterable[str]) -> str:
    """The file at the top that holds the licence's text: `LICENSE`, `LICENCE.md`, …; "" where there is none."""
    found = [path for path in paths if "/" not in path and _LICENCE_NAME.fullmatch(path)]
    return min(found, key=lambda path: (len(path), path), default="")


def read_answers(form: Form, given: Mapping[str, Any]) -> dict[str, Any]:
    """The answers to all fields of a form, in its order: texts, `True` for boxes.

    Raises:
        BadAnswers: some are missing or not among the options.
    """
    answers: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for field in form.fields:
        value = given.get(field.name)
        if field.kind == CHECKBOX:
            if str(value).lower() in {"on", "true", "1", "yes"}:
                answers[field.name] = True
            else:
                problems[field.name] = "this box must be ticked."
            continue
        text = _line(value, MAX_ANSWER + 1)
        problem = _problem(field, text)
        if problem:
            problems[field.name] = problem
        answers[field.name] = text
    if problems:
        raise BadAnswers(problems)
    return answers


def read_field_lines(text: str) -> list[Field]:
    """Fields as an owner writes them, one a line: `Company: text`, `I agree: checkbox`, `Use: select: work, play`.

    Raises:
        BadField: a line is none of these.
    """
    found: list[Field] = []
    for line in filter(None, (part.strip() for part in text.splitlines())):
        head, _, options = line.partition(": select:")
        if options:
            name, kind = head, SELECT
        else:
            name, _, kind = line.rpartition(":")
            kind = kind.strip().lower()
        name = _line(name, MAX_NAME)
        values = tuple((value, value) for value in _options(options.split(",")) if value)
        if not name or kind not in KINDS or (kind == SELECT and not values):
            raise BadField(f"“{line[:80]}” is no field. Write a name, a colon and {', '.join(KINDS)}.")
        if name in RESERVED or name in {field.name for field in found}:
            raise BadField(f"There can be only one field “{name[:80]}”.")
        found.append(Field(name, kind, values))
    if len(found) > MAX_FIELDS:
        raise BadField(f"A form has at most {MAX_FIELDS} fields.")
    return found


def field_lines(fields: Sequence[Mapping[str, Any]]) -> str:
    """The other way round, for the settings page."""
    lines = []
    for field in map(_own_field, fields):
        options = ", ".join(value for value, _ in field.options)
        lines.append(f"{field.name}: {field.kind}" + (f": {options}" if options else ""))
    return "\n".join(lines)


def _problem(field: Field, text: str) -> str:
    if not text:
        return "this is needed."
    if len(text) > MAX_ANSWER:
        return f"at most {MAX_ANSWER} characters."
    if field.kind == SELECT and text not in {value for value, _ in field.options}:
        return "choose one of the options."
    if field.kind == DATE:
        try:
            date.fromisoformat(text)
        except ValueError:
            return "write a date such as 2026-01-31."
    return ""


def _card_fields(value: Any) -> list[Field]:
    if not isinstance(value, dict):
        return []
    found = []
    for key, wanted in list(value.items())[:MAX_FIELDS]:
        name = _line(key, MAX_NAME)
        spec = wanted if isinstance(wanted, dict) else {"type": wanted}
        kind = str(spec.get("type") or TEXT).strip().lower()
        kind = kind if kind in KINDS else TEXT
        options = _card_options(spec.get("options")) if kind == SELECT else ()
        if not name or name in RESERVED or (kind == SELECT and not options):
            continue
        found.append(Field(name, kind, options))
    return found


def _card_options(value: Any) -> tuple[tuple[str, str], ...]:
    """Options are texts, or `{label, value}`."""
    found = []
    for item in (value if isinstance(value, list) else [])[:MAX_OPTIONS]:
        spec = item if isinstance(item, dict) else {"value": item, "label": item}
        value_text, label = _line(spec.get("value"), MAX_OPTION), _line(spec.get("label"), MAX_OPTION)
        if value_text or label:
            found.append((value_text or label, label or value_text))
    return tuple(found)


def _own_field(value: Mapping[str, Any]) -> Field:
    options = tuple((str(each[0]), str(each[1])) for each in value.get("options") or ())
    return Field(str(value.get("name", "")), str(value.get("kind", TEXT)), options)


def _options(values: Sequence[str]) -> list[str]:
    return [_line(value, MAX_OPTION) for value in values][:MAX_OPTIONS]


def _line(value: Any, limit: int) -> str:
    """One line of text, without what could hide or turn it."""
    return " ".join(_text(value, limit * 2).split())[:limit]


def _text(value: Any, limit: int) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    return _CONTROL.sub("", str(value).replace("\r\n", "\n"))[:limit].strip()
