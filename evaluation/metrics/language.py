"""Perplexities and bits: one negative log-likelihood, divided by what the text, not the tokenizer, fixes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class TextCounts:
    """Sizes of a text as it is scored. `words` counts words between white space plus one for each line's end."""

    bytes: int
    characters: int
    words: int

    def __add__(self, other: TextCounts) -> TextCounts:
        return TextCounts(self.bytes + other.bytes, self.characters + other.characters, self.words + other.words)


def count(text: str) -> TextCounts:
    """Count a text. A last line without its line break ends as well, so it counts one end, too.

    Source: the convention of word-level language models, where each line ends in `<eos>`.
    """
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    words = sum(len(line.split()) + 1 for line in lines)
    return TextCounts(bytes=len(text.encode("utf-8")), characters=len(text), words=words)


def total(counts: Iterable[TextCounts]) -> TextCounts:
    return sum(counts, TextCounts(0, 0, 0))


def bits_per_byte(log_prob: float, counts: TextCounts) -> float:
    """−log₂ p per UTF-8 byte. `log_prob` is the natural logarithm, summed over the whole text."""
    return -log_prob / (counts.bytes * math.log(2))


def bits_per_character(log_prob: float, counts: TextCounts) -> float:
    """−log₂ p per code point."""
    return -log_prob / (counts.characters * math.log(2))


def perplexity(log_prob: float, units: int) -> float:
    """exp(NLL / units), for tokens, words or bytes. Infinity where it does not fit a float."""
    exponent = -log_prob / units
    return math.exp(exponent) if exponent < 700 else math.inf


def uniform_byte_log_prob(counts: TextCounts) -> float:
    """What a model that finds each byte equally likely would say: eight bits per byte."""
    return -counts.bytes * math.log(256)


def unigram_bits_per_byte(train: bytes, test: bytes) -> float:
    """The byte-unigram baseline: bytes counted in `train`, one added to each of the 256, measured on `test`."""
    counts = [1] * 256
    for byte in train:
        counts[byte] += 1
    everything = sum(counts)
    return -sum(math.log2(counts[byte] / everything) for byte in test) / len(test)
