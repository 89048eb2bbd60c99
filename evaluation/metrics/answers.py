"""Answers to questions: exact match and overlap of tokens, in English as SQuAD and in Chinese by characters."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Lower case, without ASCII punctuation and the words a, an, the; words parted by one space.

    Source: Rajpurkar et al., SQuAD: 100,000+ Questions for Machine Comprehension of Text (2016).
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_ASCII_PUNCTUATION)).split())


def normalised_by_characters(text: str) -> str:
    """Lower case without white space, ASCII and CJK punctuation: for Chinese, where a sentence is one word."""
    return "".join(letter for letter in text.lower() if not letter.isspace() and not _is_punctuation(letter))


def words(text: str) -> list[str]:
    """The tokens that an English answer is compared by."""
    return normalised(text).split()


def characters(text: str) -> list[str]:
    """The tokens that a Chinese answer is compared by: single characters, and runs of Latin letters or digits."""
    tokens: list[str] = []
    in_run = False
    for letter in normalised_by_characters(text):
        is_latin = letter.isdigit() or (letter.isalpha() and unicodedata.name(letter, "").startswith("LATIN"))
        if is_latin and in_run:
            tokens[-1] += letter
        else:
            tokens.append(letter)
        in_run = is_latin
    return tokens


def exact(predicted: str, references: Sequence[str], normalise: Callable[[str], str] = normalised) -> float:
    """1 if the answer equals one of the references after normalising, else 0."""
    said = normalise(predicted)
    return float(any(said == normalise(reference) for reference in references))


def f1(predicted: str, references: Sequence[str], tokens: Callable[[str], list[str]] = words) -> float:
    """The best F1 over the references, from the tokens that both share, counted as often as they come."""
    return max(_overlap(tokens(predicted), tokens(reference)) for reference in references)


def f1_cmrc(predicted: str, references: Sequence[str]) -> float:
    """The best F1 over the references from the longest run of tokens that both share, as CMRC's own script has it.

    Source: Cui et al., A Span-Extraction Dataset for Chinese Machine Reading Comprehension (2019).
    """
    return max(_common_run(characters(predicted), characters(reference)) for reference in references)


def _overlap(said: Sequence[str], wanted: Sequence[str]) -> float:
    if not said or not wanted:
        return float(said == wanted)
    return _f1(sum((Counter(said) & Counter(wanted)).values()), len(said), len(wanted))


def _common_run(said: Sequence[str], wanted: Sequence[str]) -> float:
    longest, row = 0, [0] * (len(wanted) + 1)
    for token in said:
        row = [0] + [row[place] + 1 if other == token else 0 for place, other in enumerate(wanted)]
        longest = max(longest, *row)
    return _f1(longest, len(said), len(wanted))


def _f1(shared: int, said: int, wanted: int) -> float:
    if shared == 0:
        return 0.0
    precision, recall = shared / said, shared / wanted
    return 2 * precision * recall / (precision + recall)


def _is_punctuation(letter: str) -> bool:
    """ASCII punctuation and symbols; of the rest what Unicode calls punctuation."""
    return letter in string.punctuation or unicodedata.category(letter).startswith("P")
