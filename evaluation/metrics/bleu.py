"""BLEU over a corpus, from statistics that are summed over sentences; equal to sacreBLEU's to the last digit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

ORDER = 4
VERSION = 1
# Columns of a sentence's statistics: matches of each order, n-grams of each order, length, reference length.
COLUMNS = 2 * ORDER + 2

_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
_PUNCTUATION = re.compile(r"([{-~\[-` -&(-+:-@/])")
_MARK_AFTER_OTHER = re.compile(r"([^0-9])([.,])")
_MARK_BEFORE_OTHER = re.compile(r"([.,])([^0-9])")
_DASH_AFTER_DIGIT = re.compile(r"([0-9])(-)")
# The code points that the reference tokenizer sets apart. Two of its ranges reach into punctuation and symbols
# (2001 to 2A6D), by an oversight that has become part of every published number.
_CHINESE = (
    (0x2001, 0x2A6D),
    (0x2E80, 0x2FDF),
    (0x2FF0, 0x303F),
    (0x3100, 0x312F),
    (0x31A0, 0x31BF),
    (0x31C0, 0x31EF),
    (0x3200, 0x4DB5),
    (0x4E00, 0x9FBB),
    (0xF900, 0xFA2D),
    (0xFA30, 0xFA6A),
    (0xFA70, 0xFAD9),
    (0xFE10, 0xFE1F),
    (0xFE30, 0xFE4F),
    (0xFF00, 0xFFEF),
)


def tokens_13a(line: str) -> list[str]:
    """Words and punctuation of a European language, as NIST's mteval-v13a parts them.

    Source: Post, A Call for Clarity in Reporting BLEU Scores (2018).
    """
    text = line.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return _parted(f" {text} ")


def tokens_zh(line: str) -> list[str]:
    """Chinese characters one by one; whatever lies between them as in 13a."""
    text = line.strip()
    return _parted("".join(f" {letter} " if _is_chinese(letter) else letter for letter in text))


def tokens_char(line: str) -> list[str]:
    """Every character but white space."""
    return [letter for letter in line if not letter.isspace()]


TOKENIZERS: dict[str, Callable[[str], list[str]]] = {"13a": tokens_13a, "zh": tokens_zh, "char": tokens_char}


def statistics(hypothesis: str, references: Sequence[str], *, tokenizer: str) -> IntArray:
    """What one sentence adds to the corpus: shape (10,), see `COLUMNS`. An empty hypothesis adds its absence.

    Raises:
        ValueError: no reference.
    """
    if not references:
        raise ValueError("A sentence needs a reference.")
    tokenize = TOKENIZERS[tokenizer]
    said, wanted = tokenize(hypothesis), [tokenize(reference) for reference in references]
    closest = min((abs(len(reference) - len(said)), len(reference)) for reference in wanted)[1]
    row = np.zeros(COLUMNS, dtype=np.int64)
    for order in range(1, ORDER + 1):
        most: Counter[tuple[str, ...]] = Counter()
        for reference in wanted:
            most |= _ngrams(reference, order)
        found = _ngrams(said, order)
        row[order - 1] = sum((found & most).values())
        row[ORDER + order - 1] = max(0, len(said) - order + 1)
    row[-2:] = len(said), closest
    return row


def bleu(sums: IntArray) -> FloatArray:
    """BLEU from 0 to 100 of summed statistics: shape (…, 10) to (…).

    Orders without a match are smoothed with halves, quarters and so on (`exp`); a corpus without any match has 0.
    """
    table = np.atleast_2d(sums).astype(float)
    matches, totals = table[:, :ORDER], table[:, ORDER : 2 * ORDER]
    length, wanted = table[:, -2], table[:, -1]
    # Each order without a match halves once more.
    empty = (matches == 0) & (totals > 0)
    smoothed = np.where(empty, 0.5 ** np.cumsum(empty, axis=1), matches)
    precisions = 100 * np.divide(smoothed, totals, out=np.zeros_like(totals), where=totals > 0)
    possible = (precisions > 0).all(axis=1) & (matches > 0).any(axis=1)
    logs = np.log(np.where(precisions > 0, precisions, 1.0)).sum(axis=1) / ORDER
    brevity = np.exp(np.minimum(0.0, 1 - wanted / np.maximum(length, 1e-300)))
    scores: FloatArray = np.where(possible, brevity * np.exp(logs), 0.0)
    return scores.reshape(np.shape(sums)[:-1])


def signature(*, references: int, tokenizer: str) -> str:
    """How a number was made, in sacreBLEU's words; the version is that of this implementation."""
    return f"nrefs:{references}|case:mixed|eff:no|tok:{tokenizer}|smooth:exp|version:smallhub-{VERSION}"


def _parted(text: str) -> list[str]:
    text = _PUNCTUATION.sub(r" \1 ", text)
    text = _MARK_AFTER_OTHER.sub(r"\1 \2 ", text)
    text = _MARK_BEFORE_OTHER.sub(r" \1 \2", text)
    return _DASH_AFTER_DIGIT.sub(r"\1 \2 ", text).split()


def _is_chinese(letter: str) -> bool:
    code = ord(letter)
    return any(low <= code <= high for low, high in _CHINESE)


def _ngrams(tokens: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[start : start + order]) for start in range(len(tokens) - order + 1))
