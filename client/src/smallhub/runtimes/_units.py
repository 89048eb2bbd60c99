"""Vocabularies of our own formats: bytes, characters or words, behind three special symbols."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
import numpy.typing as npt

from smallhub._exceptions import UnsupportedModel
from smallhub.runtimes._files import read_object

Unit = Literal["byte", "char", "word"]
Ids = npt.NDArray[np.int64]

UNKNOWN, BEGIN, END = 0, 1, 2
SPECIALS = ("<unk>", "<s>", "</s>")
VOCABULARY_FILE = "vocab.json"
# A line break is a word of its own, as in word-level language modelling, where each line ends in a token.
_WORD = re.compile(r"\n|[^\s]+")


class Vocabulary:
    """Maps text to ids and back.

    Ids 0, 1 and 2 are `<unk>`, `<s>` (begin) and `</s>` (end); the units follow. A byte vocabulary has all 256 bytes
    and so knows everything; `<unk>` stands for characters or words that were not in training.
    """

    def __init__(self, unit: Unit, symbols: Sequence[str] = ()) -> None:
        if unit not in get_args(Unit):
            raise UnsupportedModel("broken_model", f"There is no unit {unit!r}.")
        self.unit = unit
        self.symbols = tuple(symbols)
        if len(set(self.symbols)) != len(self.symbols):
            raise UnsupportedModel("broken_model", "The vocabulary names a unit twice.")
        self._ids = {symbol: number for number, symbol in enumerate(self.symbols, start=len(SPECIALS))}
        if unit == "word":
            self._ids |= {"<unk>": UNKNOWN}  # Corpora that were prepared for closed vocabularies write it out.
        if unit == "char":
            self._codes, self._code_ids = self._code_table()

    @classmethod
    def learn(cls, unit: Unit, texts: Iterable[str], *, min_count: int = 1, max_size: int | None = None) -> Self:
        """Collect the units of texts, most frequent first; rare ones are left to `<unk>`."""
        if unit == "byte":
            return cls("byte")
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(text if unit == "char" else _WORD.findall(text))
        counts.pop("<unk>", None)
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return cls(unit, [symbol for symbol, count in ranked if count >= min_count][:max_size])

    @property
    def size(self) -> int:
        """How many ids there are, specials included."""
        return len(SPECIALS) + (256 if self.unit == "byte" else len(self.symbols))

    def encode(self, text: str) -> Ids:
        """Ids of a text, shape (units,)."""
        if self.unit == "byte":
            return np.frombuffer(text.encode("utf-8", "replace"), dtype=np.uint8).astype(np.int64) + len(SPECIALS)
        if self.unit == "word":
            return np.array([self._ids.get(word, UNKNOWN) for word in _WORD.findall(text)], dtype=np.int64)
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        if not len(self._codes):
            return np.zeros(len(codes), dtype=np.int64)
        place = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        return np.where(self._codes[place] == codes, self._code_ids[place], UNKNOWN).astype(np.int64)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where each unit of a text stands, in code points; the bytes of one character all stand where it does."""
        if self.unit == "word":
            return [match.span() for match in _WORD.finditer(text)]
        repeats = [1 if self.unit == "char" else len(letter.encode("utf-8", "replace")) for letter in text]
        return [(place, place + 1) for place, count in enumerate(repeats) for _ in range(count)]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids. `<s>` and `</s>` leave no trace; words are joined by spaces, so their spacing is not kept."""
        if self.unit == "byte":
            # An id that is no byte becomes one that cannot stand in UTF-8, so that it shows as a replacement mark.
            values = bytes(number - len(SPECIALS) if number >= len(SPECIALS) else 0xFF for number in _plain(ids))
            return values.decode("utf-8", "replace")
        names = [self.name(number) for number in _plain(ids)]
        if self.unit == "char":
            return "".join("\ufffd" if name == "<unk>" else name for name in names)
        return re.sub(r" ?\n ?", "\n", " ".join(names))

    def name(self, number: int) -> str:
        """How one id is written."""
        if number < len(SPECIALS):
            return SPECIALS[number]
        if self.unit == "byte":
            return f"<0x{number - len(SPECIALS):02X}>"
        return self.symbols[number - len(SPECIALS)]

    def save(self, folder: Path) -> None:
        """Write `vocab.json`."""
        data = {"unit": self.unit, "specials": SPECIALS, "symbols": self.symbols}
        (folder / VOCABULARY_FILE).write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, *, unit: Any) -> Self:
        """Read `vocab.json`.

        Raises:
            UnsupportedModel: it is broken, or of another unit than the configuration says.
        """
        data = read_object(folder / VOCABULARY_FILE)
        symbols = data.get("symbols")
        if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
            raise UnsupportedModel("broken_model", f"{VOCABULARY_FILE} has no list of symbols.")
        if unit != data.get("unit"):
            raise UnsupportedModel(
                "broken_model", f"config.json says {unit!r}, {VOCABULARY_FILE} {data.get('unit')!r}."
            )
        return cls(unit, symbols)

    def _code_table(self) -> tuple[npt.NDArray[np.uint32], Ids]:
        """Code points in order, with their ids: looking up a whole text is then one search."""
        if any(len(symbol) != 1 for symbol in self.symbols):
            raise UnsupportedModel("broken_model", "A character vocabulary holds something that is not one character.")
        codes = np.array([ord(symbol) for symbol in self.symbols], dtype=np.uint32)
        order = np.argsort(codes)
        return codes[order], order.astype(np.int64) + len(SPECIALS)


def _plain(ids: Sequence[int]) -> list[int]:
    return [int(number) for number in ids if int(number) not in (BEGIN, END)]
