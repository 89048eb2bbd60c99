"""ROUGE-1, -2 and -L of summaries: the F-measure, item by item."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

from evaluation.metrics.porter import stem

NAMES = ("rouge1", "rouge2", "rougeL")

_NO_WORD = re.compile(r"[^a-z0-9]+")
_SHORTEST_STEMMED = 4


def tokens_en(text: str) -> list[str]:
    """Lower-case words of letters a to z and digits; those of four letters and more stemmed.

    Source: Lin, ROUGE: A Package for Automatic Evaluation of Summaries (2004); tokens as in the package rouge-score.
    """
    return [_stemmed(word) for word in _NO_WORD.sub(" ", text.lower()).split()]


def tokens_char(text: str) -> list[str]:
    """Each CJK character; other words as runs of letters and digits. For Chinese, of which `tokens_en` drops all."""
    return re.findall(r"[a-z0-9]+|[^\W\d_a-z]", text.lower())


TOKENIZERS: dict[str, Callable[[str], list[str]]] = {"en": tokens_en, "char": tokens_char}


def scores(predicted: str, reference: str, *, tokenizer: str = "en") -> dict[str, float]:
    """The three F-measures of one summary against one reference, from 0 to 1."""
    tokenize = TOKENIZERS[tokenizer]
    said, wanted = tokenize(predicted), tokenize(reference)
    return {
        "rouge1": _ngram_f(said, wanted, 1),
        "rouge2": _ngram_f(said, wanted, 2),
        "rougeL": _f(_common(said, wanted), len(said), len(wanted)),
    }


def best(predicted: str, references: Sequence[str], *, tokenizer: str = "en") -> dict[str, float]:
    """The maximum over references, for each measure by itself."""
    each = [scores(predicted, reference, tokenizer=tokenizer) for reference in references]
    return {name: max(found[name] for found in each) for name in NAMES}


@lru_cache(maxsize=50_000)
def _stemmed(word: str) -> str:
    return stem(word) if len(word) >= _SHORTEST_STEMMED else word


def _ngram_f(said: Sequence[str], wanted: Sequence[str], order: int) -> float:
    first, second = (
        Counter(tuple(tokens[start : start + order]) for start in range(len(tokens) - order + 1))
        for tokens in (said, wanted)
    )
    return _f((first & second).total(), first.total(), second.total())


def _common(said: Sequence[str], wanted: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(wanted) + 1)
    for token in said:
        diagonal = 0
        for place, other in enumerate(wanted, start=1):
            above = row[place]
            row[place] = diagonal + 1 if token == other else max(above, row[place - 1])
            diagonal = above
    return row[-1]


def _f(shared: int, said: int, wanted: int) -> float:
    if shared == 0:
        return 0.0
    precision, recall = shared / said, shared / wanted
    return 2 * precision * recall / (precision + recall)
