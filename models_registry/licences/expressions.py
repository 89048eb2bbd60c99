"""What cards and files declare: one id, a list of ids that all apply, or an expression of SPDX. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from boolean.boolean import ParseError
from django.utils.translation import gettext
from license_expression import ExpressionError, LicenseExpression, Licensing

from models_registry.licences.classes import UNKNOWN, freest, strictest
from models_registry.licences.records import find, spdx_ids

MAX_TEXT = 2_000
MAX_DEPTH = 40
MAX_ALTERNATIVES = 64
_WORDS = re.compile(r"\s+")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+:_-]*\Z")
_PARSER = Licensing()
# What the parser raises for a stranger's text; some of it is its own assertions.
_UNREADABLE: tuple[type[Exception], ...] = (
    ExpressionError,
    ParseError,
    AssertionError,
    AttributeError,
    IndexError,
    RecursionError,
    TypeError,
)
_UNREADABLE += (ValueError,)

Alternatives = tuple[frozenset[str], ...]


@dataclass(frozen=True)
class Expression:
    """A licence as declared.

    Attributes:
        text: what was read.
        ids: every id in it, spelt as its record or SPDX's list spells it.
        unknown: those of them that have no record here.
        alternatives: any one of these may be chosen; all ids of the chosen one apply.
        fault: what is wrong with the text; the whole of it counts as one unknown id then.
    """

    text: str
    ids: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    alternatives: Alternatives = ()
    fault: str = ""
    canonical: str = ""

    def __str__(self) -> str:
        return self.canonical

    @property
    def licence_class(self) -> str:
        return freest(strictest(map(_class, one)) for one in self.alternatives)


def spelling(name: str) -> str:
    """An id as its record or SPDX's list spells it; as it stands where neither knows it."""
    plain = _WORDS.sub(" ", name.strip())
    base, middle, exception = _split_with(plain)
    record = find(base)
    right = record.id if record else spdx_ids().get(base.lower(), base)
    return f"{right} WITH {spdx_ids().get(exception.lower(), exception)}" if middle else right


def label(text: str) -> str:
    """What people read for a declared licence: “apache-2.0” → “Apache-2.0”."""
    record = find(text)
    return record.label if record else str(parse(text)) or text


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """Read what somebody declared. Never raises; `fault` says what cannot be read."""
    plain = _WORDS.sub(" ", text.replace("\x00", " ")).strip()
    if not plain:
        return Expression(text)
    if len(plain) > MAX_TEXT or _depth(plain) > MAX_DEPTH:
        return _faulty(text, plain[:MAX_TEXT], gettext("It is too long to be read."))
    if find(plain) is not None:
        return _built(text, (frozenset({spelling(plain)}),), spelling(plain), {spelling(plain)})
    try:
        parts = [_PARSER.parse(part, validate=False) for part in _listed(plain)]
        parts = [part for part in parts if part is not None]
        if not parts:
            return Expression(text)
        whole = parts[0] if len(parts) == 1 else _PARSER.AND(*parts)
        alternatives = _alternatives(whole)
    except _UNREADABLE as error:
        return _faulty(text, plain, " ".join(str(error).split())[:200] or gettext("It is no expression."))
    ids = {spelling(symbol.render()) for symbol in whole.symbols}
    strange = [name for name in sorted(ids) if not _ID.match(name.replace(" WITH ", "-"))]
    if strange:
        return _faulty(text, plain, gettext("“%(name)s” is no id of a licence.") % {"name": strange[0][:80]})
    return _built(text, alternatives, _canonical(whole), ids)


def licence_class(text: str) -> str:
    """The class of what is declared: of alternatives the freest, of what applies together the strictest."""
    return parse(text).licence_class


def declared(card: Mapping[str, Any]) -> str:
    """What a card declares, as `parse` reads it: `other` gives way to the name that the card gives beside it."""
    value = card.get("license")
    names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    texts = [name.strip() for name in names if isinstance(name, str) and name.strip()]
    own = card.get("license_name")
    if isinstance(own, str) and own.strip():
        texts = [own.strip() if name.lower() == "other" else name for name in texts]
    return ", ".join(texts)[:MAX_TEXT]


def _class(name: str) -> str:
    record = find(name)
    return record.licence_class if record else UNKNOWN


def _split_with(plain: str) -> tuple[str, str, str]:
    found = re.split(r" with ", plain, maxsplit=1, flags=re.IGNORECASE)
    return (found[0], "WITH", found[1]) if len(found) == 2 else (plain, "", "")


def _listed(plain: str) -> list[str]:
    """A card's list, joined with commas: all of it applies."""
    return [part for part in (piece.strip() for piece in plain.split(",")) if part]


def _depth(plain: str) -> int:
    depth = deepest = 0
    for letter in plain:
        depth += (letter == "(") - (letter == ")")
        deepest = max(deepest, depth)
    return deepest


def _alternatives(node: LicenseExpression) -> Alternatives:
    """The disjunctive normal form, each alternative once and none that holds another."""
    if isinstance(node, _PARSER.OR):
        return _fewest([one for part in node.args for one in _alternatives(part)])
    if isinstance(node, _PARSER.AND):
        found: list[frozenset[str]] = [frozenset()]
        for part in node.args:
            found = list(_fewest([left | right for left in found for right in _alternatives(part)]))
        return tuple(found)
    return (frozenset({spelling(node.render())}),)


def _fewest(found: list[frozenset[str]]) -> Alternatives:
    kept = [one for one in dict.fromkeys(found) if not any(other < one for other in found)]
    if len(kept) > MAX_ALTERNATIVES:
        raise ValueError(gettext("It offers too many choices."))
    return tuple(kept)


def _canonical(node: LicenseExpression) -> str:
    for operator, word in ((_PARSER.OR, " OR "), (_PARSER.AND, " AND ")):
        if isinstance(node, operator):
            parts = (
                f"({_canonical(part)})" if isinstance(part, _PARSER.OR | _PARSER.AND) else _canonical(part)
                for part in node.args
            )
            return word.join(dict.fromkeys(parts))
    return spelling(node.render())


def _built(text: str, alternatives: Alternatives, canonical: str, found: Collection[str]) -> Expression:
    ids = tuple(sorted(found, key=str.lower))
    unknown = tuple(name for name in ids if find(name) is None)
    ordered = tuple(sorted(alternatives, key=lambda one: sorted(one)))
    return Expression(text, ids, unknown, ordered, "", canonical)


def _faulty(text: str, plain: str, fault: str) -> Expression:
    return Expression(text, (plain,), (plain,), (frozenset({plain}),), fault, plain)
