"""Word and character error rates over a corpus, on texts that are normalised alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_DIGITS = dict(enumerate("zero one two three four five six seven eight nine".split()))
_APOSTROPHES = "'’"


def normalised(text: str, *, digits_to_words: bool = False) -> str:
    """NFKC, lower case, no punctuation but apostrophes inside words, one space between words.

    Numbers are not rewritten, but for single digits where `digits_to_words` says so.
    """
    plain = unicodedata.normalize("NFKC", text).lower()
    kept = [_kept(plain, place) for place in range(len(plain))]
    words = "".join(kept).split()
    if digits_to_words:
        words = [_DIGITS[int(word)] if word.isascii() and word.isdigit() and len(word) == 1 else word for word in words]
    return " ".join(words)


def edits(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """The least number of substitutions, deletions and insertions.

    Source: Levenshtein, Binary codes capable of correcting deletions, insertions, and reversals (1966).
    """
    row = list(range(len(hypothesis) + 1))
    for number, wanted in enumerate(reference, start=1):
        diagonal, row[0] = row[0], number
        for place, found in enumerate(hypothesis, start=1):
            change = diagonal + (wanted != found)
            diagonal = row[place]
            row[place] = min(change, row[place] + 1, row[place - 1] + 1)
    return row[-1]


def word_errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """Edits and reference words of one clip; a rate is the sum of the first over the sum of the second."""
    wanted = reference.split()
    return edits(wanted, hypothesis.split()), len(wanted)


def character_errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """Edits and reference characters of one clip, spaces counted."""
    return edits(list(reference), list(hypothesis)), len(reference)


def _kept(text: str, place: int) -> str:
    letter = text[place]
    if letter in _APOSTROPHES:
        inside = 0 < place < len(text) - 1 and text[place - 1].isalnum() and text[place + 1].isalnum()
        return "'" if inside else " "
    return " " if unicodedata.category(letter)[0] in "PS" else letter
