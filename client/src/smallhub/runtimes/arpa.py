"""Word-level n-gram models in ARPA files, as KenLM, SRILM and others write them.

Each line of a text is a sentence: `<s>` stands before it, `</s>` is predicted and scored after it. A word that the
vocabulary lacks is scored as `<unk>`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from smallhub._exceptions import Invalid, UnsupportedModel
from smallhub.runtimes._arpa import BadArpa, read
from smallhub.runtimes._formats import arpa_file
from smallhub.runtimes._kneser_ney import Table
from smallhub.runtimes._types import Continued, Likelihood, PrefixRule, Runtime
from smallhub.runtimes._units import END, UNKNOWN, Vocabulary
from smallhub.runtimes.ngram import NgramModel

_TO_TENS = 1 / math.log(10)
_ZERO = -99.0  # What the format writes for a probability of zero.


class ArpaModel(NgramModel):
    """An n-gram model with back-off: p(w|h) is the longest n-gram's own, else γ(h) · p(w|h without its first word)."""

    runtime: ClassVar[Runtime] = "arpa"

    def description(self) -> dict[str, Any]:
        """Facts as JSON."""
        return super().description() | {"architecture": "arpa", "smoothing": "back-off, as the file has it"}

    def encode(self, text: str) -> list[int]:
        """Ids of a text; a line break is the end of a sentence."""
        lines = [self.vocabulary.encode(line).tolist() for line in text.split("\n")]
        return [number for place, ids in enumerate(lines) for number in ([END] if place else []) + ids]

    def log_likelihood(self, texts: Sequence[str], *, prefix: PrefixRule = "document_separator") -> list[Likelihood]:
        """Score texts, each line from `<s>` to `</s>`; both rules of the prefix mean `<s>` here."""
        del prefix
        owners, encoded = [], []
        for number, text in enumerate(texts):
            for line in _sentences(text):
                owners.append(number)
                encoded.append(np.append(self.vocabulary.encode(line), END))
        sums, tokens, unknown = np.zeros(len(texts)), [0] * len(texts), [0] * len(texts)
        for number, ids, score in zip(owners, encoded, self._table.score(encoded), strict=True):
            sums[number] += score.sum()
            tokens[number] += len(ids)
            unknown[number] += int(np.count_nonzero(ids == UNKNOWN))
        return [Likelihood(float(sums[n]), tokens[n], unknown[n]) for n in range(len(texts))]

    def continuation_log_likelihood(
        self, contexts: Sequence[str], *, continuations: Sequence[str], prefix: PrefixRule = "document_separator"
    ) -> list[Continued]:
        """Score continuations given their contexts; of a context only its last line matters."""
        last = [context.rpartition("\n")[2] for context in contexts]
        return super().continuation_log_likelihood(last, continuations=continuations, prefix=prefix)

    def next_log_probs(self, texts: Sequence[str]) -> Any:
        """Log-probabilities of the next word; shape (texts, vocabulary)."""
        rows = [self._next(self.encode(text)) for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), self.vocabulary.size)

    @classmethod
    def load(cls, folder: Path, *, threads: int | None = None) -> Self:
        """Read the folder's one ARPA file.

        Raises:
            UnsupportedModel: the file breaks the format, with the line.
        """
        del threads  # Look-ups use one.
        path = arpa_file(folder)
        if path is None:
            raise UnsupportedModel("missing_file", "There is no ARPA file.")
        try:
            tables = read(path)
        except BadArpa as error:
            raise UnsupportedModel("broken_model", f"{path.name}: {error}.", file=path.name) from error
        vocabulary = Vocabulary("word", tables.symbols)
        return cls(Table(tables.levels, size=vocabulary.size), vocabulary, ends_texts=True, notes={})

    def _lines(self, text: str) -> list[tuple[int, str]]:
        """Each line is a sentence of its own."""
        found, start = [], 0
        for line in _sentences(text):
            found.append((start, line))
            start += len(line) + 1
        return found

    def _next(self, ids: list[int]) -> Any:
        """What follows in the last sentence."""
        last = max((place for place, number in enumerate(ids) if number == END), default=-1)
        return super()._next(ids[last + 1 :])


def write_arpa(model: NgramModel, path: Path) -> None:
    """Write a model of words as an ARPA file, for other tools. Numbers keep seven digits.

    Raises:
        Invalid: the model is not one of words that predicts ends, or holds the line break as a word.
    """
    vocabulary = model.vocabulary
    if vocabulary.unit != "word" or not model.ends_texts or "\n" in vocabulary.symbols:
        raise Invalid(
            "Only a model of single lines of words, with their ends, fits into ARPA.", code="not_a_word_model"
        )
    levels = model._table.levels
    names = [vocabulary.name(number) for number in range(vocabulary.size)]
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("\\data\\\n")
        file.writelines(f"ngram {length}={len(level.keys)}\n" for length, level in enumerate(levels, start=1))
        grams = [[name] for name in names]
        for length, level in enumerate(levels, start=1):
            if length > 1:
                grams = [[*grams[key // vocabulary.size], names[key % vocabulary.size]] for key in level.keys.tolist()]
            file.write(f"\n\\{length}-grams:\n")
            file.writelines(_rows(level, grams, with_backoff=length < len(levels)))
        file.write("\n\\end\\\n")


def _rows(level: Any, grams: list[list[str]], *, with_backoff: bool) -> Iterator[str]:
    for row, gram in enumerate(grams):
        value = float(level.log_prob[row]) * _TO_TENS
        backoff = f"\t{float(level.log_backoff[row]) * _TO_TENS:.7g}" if with_backoff else ""
        yield f"{max(value, _ZERO):.7g}\t{' '.join(gram)}{backoff}\n"


def _sentences(text: str) -> list[str]:
    """The lines of a text; a line break at its very end begins no further one."""
    lines = text.split("\n")
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines
