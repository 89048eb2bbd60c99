"""Porter's stemmer with the departures that ROUGE's usual package relies on.

Source: Porter, An algorithm for suffix stripping (1980); the departures are those of NLTK's default mode.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

Condition = Callable[[str], bool]
Rule = tuple[str, str, Condition]

_IRREGULAR = {
    "skies": "sky",
    "sky": "sky",
    "dying": "die",
    "lying": "lie",
    "tying": "tie",
    "news": "news",
    "innings": "inning",
    "inning": "inning",
    "outings": "outing",
    "outing": "outing",
    "cannings": "canning",
    "canning": "canning",
    "howe": "howe",
    "proceed": "proceed",
    "exceed": "exceed",
    "succeed": "succeed",
}


def stem(word: str) -> str:
    """The stem of a lower-case English word."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 2:
        return word
    for step in (_plural, _past, _final_y, _double_suffix, _suffix, _ending, _final_e, _final_l):
        word = step(word)
    return word


def measure(text: str) -> int:
    """How many times a consonant follows a vowel: Porter's m."""
    kinds = [_is_consonant(text, place) for place in range(len(text))]
    return sum(after and not before for before, after in itertools.pairwise(kinds))


def _is_consonant(text: str, place: int) -> bool:
    if text[place] in "aeiou":
        return False
    # A y is a vowel behind a consonant.
    return text[place] != "y" or place == 0 or not _is_consonant(text, place - 1)


def _has_vowel(text: str) -> bool:
    return any(not _is_consonant(text, place) for place in range(len(text)))


def _ends_short(text: str) -> bool:
    """Ends with consonant, vowel, consonant other than w, x, y; or is a vowel and a consonant."""
    if len(text) == 2:
        return not _is_consonant(text, 0) and _is_consonant(text, 1)
    return (
        len(text) >= 3
        and _is_consonant(text, len(text) - 3)
        and not _is_consonant(text, len(text) - 2)
        and _is_consonant(text, len(text) - 1)
        and text[-1] not in "wxy"
    )


def _ends_double(text: str) -> bool:
    return len(text) >= 2 and text[-1] == text[-2] and _is_consonant(text, len(text) - 1)


def _positive(text: str) -> bool:
    return measure(text) > 0


def _long(text: str) -> bool:
    return measure(text) > 1


def _always(text: str) -> bool:
    return True


def _apply(word: str, rules: Iterable[Rule]) -> str:
    """The first rule whose suffix fits decides, even where its condition then forbids a change."""
    for suffix, replacement, condition in rules:
        if word.endswith(suffix):
            base = word[: len(word) - len(suffix)]
            return base + replacement if condition(base) else word
    return word


def _plural(word: str) -> str:
    if word.endswith("ies") and len(word) == 4:
        return word[:-1]
    rules = (("sses", "ss"), ("ies", "i"), ("ss", "ss"), ("s", ""))
    return _apply(word, [(suffix, replacement, _always) for suffix, replacement in rules])


def _past(word: str) -> str:
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _positive(word[:-3]) else word
    for suffix in ("ed", "ing"):
        base = word[: len(word) - len(suffix)]
        if word.endswith(suffix) and _has_vowel(base):
            return _repaired(base)
    return word


def _repaired(base: str) -> str:
    """What is left when -ed or -ing is gone, made a word again."""
    if base.endswith(("at", "bl", "iz")):
        return base + "e"
    if _ends_double(base):
        return base if base[-1] in "lsz" else base[:-1]
    return base + "e" if measure(base) == 1 and _ends_short(base) else base


def _final_y(word: str) -> str:
    if word.endswith("y") and len(word) > 2 and _is_consonant(word[:-1], len(word) - 2):
        return word[:-1] + "i"
    return word


def _rules(table: str, condition: Condition) -> tuple[Rule, ...]:
    pairs = (entry.partition(">") for entry in table.split())
    return tuple((suffix, replacement, condition) for suffix, _, replacement in pairs)


_DOUBLE = _rules(
    "ational>ate tional>tion enci>ence anci>ance izer>ize bli>ble alli>al entli>ent eli>e ousli>ous ization>ize "
    "ation>ate ator>ate alism>al iveness>ive fulness>ful ousness>ous aliti>al iviti>ive biliti>ble fulli>ful",
    _positive,
)
_SINGLE = _rules("icate>ic ative> alize>al iciti>ic ical>ic ful> ness>", _positive)
_LAST: tuple[Rule, ...] = (
    *_rules("al> ance> ence> er> ic> able> ible> ant> ement> ment> ent>", _long),
    ("ion", "", lambda base: _long(base) and base[-1] in "st"),
    *_rules("ou> ism> ate> iti> ous> ive> ize>", _long),
)


def _double_suffix(word: str) -> str:
    if word.endswith("alli") and _positive(word[:-4]):
        return _double_suffix(word[:-2])
    # The l of -logi counts to what goes before it.
    return _apply(word, (*_DOUBLE, ("logi", "log", lambda base: _positive(base + "l"))))


def _suffix(word: str) -> str:
    return _apply(word, _SINGLE)


def _ending(word: str) -> str:
    return _apply(word, _LAST)


def _final_e(word: str) -> str:
    if not word.endswith("e"):
        return word
    base = word[:-1]
    return base if _long(base) or (measure(base) == 1 and not _ends_short(base)) else word


def _final_l(word: str) -> str:
    return word[:-1] if word.endswith("ll") and _long(word[:-1]) else word
