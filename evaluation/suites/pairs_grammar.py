"""Frames, word tables and seeded draws: the small language in which the sentence-pair sets are written.

A frame is one sentence text with three kinds of marks:

`{table.column}`  a word from a table. The same slot written twice is the same row; `{table#2.column}` is another row.
`<this/that>`     one of a few interchangeable words, which keeps frames from sounding alike.
`[good|bad]`      what differs between the two sentences of the pair.

`a~` becomes "a" or "an", as the next word wants it.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Row = Mapping[str, str]
Tables = Mapping[str, Sequence[Row]]

_SLOT = re.compile(r"\{(\w+)(?:#(\d))?(?:\.(\w+))?\}")
_CHOICE = re.compile(r"<([^<>]*)>")
_DIFFERENCE = re.compile(r"\[([^\[\]|]*)\|([^\[\]|]*)\]")
_ARTICLE = re.compile(r"\b([Aa])~ (\w)(\w*)")
_SOUNDS_LIKE_YOU = re.compile(r"(uni|use|usu|eu|one\b)")


@dataclass(frozen=True)
class Phenomenon:
    """One rule of grammar and the frames that put it to the test."""

    name: str
    field: str
    frames: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """A sentence and its ungrammatical twin. `content` holds the words drawn from tables, not the frame's own."""

    phenomenon: str
    field: str
    number: int
    frame: int
    good: str
    bad: str
    content: frozenset[str]


def table(columns: str, text: str) -> list[Row]:
    """Read a word table: a row per line, cells apart by `;`, named by the words of `columns`."""
    names = columns.split()
    rows: list[Row] = []
    for line in text.strip().splitlines():
        cells = [cell.strip() for cell in line.split(";")]
        if len(cells) != len(names):
            raise ValueError(f"Need the cells {names}, got {line!r}.")
        rows.append(dict(zip(names, cells, strict=True)))
    return rows


def words(text: str) -> list[Row]:
    """Read a one-column table of words or phrases that stand apart by commas or line ends."""
    return [{"word": word.strip()} for word in re.split(r"[,\n]", text) if word.strip()]


class Deck:
    """Draws rows of the tables like cards: none comes back before all others of its table were seen."""

    def __init__(self, tables: Tables, rng: random.Random) -> None:
        self._tables = tables
        self._rng = rng
        self._piles: dict[str, list[Row]] = {}

    def draw(self, name: str, taken: Sequence[Row] = ()) -> Row:
        """Take the next row of table `name` that is not among `taken`."""
        while True:
            pile = self._piles.get(name)
            if not pile:
                pile = self._piles[name] = shuffled(self._tables[name], self._rng)
            row = pile.pop()
            if row not in taken:
                return row


def shuffled(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """Shuffle with `rng.random()` alone, the one source Python promises never to change."""
    keyed = [(rng.random(), index) for index in range(len(rows))]
    return [rows[index] for _, index in sorted(keyed)]


def fill(frame: str, deck: Deck, rng: random.Random) -> tuple[str, frozenset[str]]:
    """Replace choices and slots of a frame; the good-bad marks stay. Also gives the words drawn from tables."""
    chosen = _CHOICE.sub(lambda mark: pick(mark[1].split("/"), rng), frame)
    drawn: dict[tuple[str, str], Row] = {}
    content = set()

    def word(slot: re.Match[str]) -> str:
        name, copy, column = slot[1], slot[2] or "1", slot[3] or "word"
        if (name, copy) not in drawn:
            drawn[name, copy] = deck.draw(name, list(drawn.values()))
        row = drawn[name, copy]
        content.add(next(iter(row.values())))
        return row[column]

    return _SLOT.sub(word, chosen), frozenset(content)


def pick(options: Sequence[str], rng: random.Random) -> str:
    """Choose one of the options."""
    return options[int(rng.random() * len(options))]


def side(text: str, *, good: bool) -> str:
    """Resolve the good-bad marks to one side and tidy the sentence."""
    sentence = _DIFFERENCE.sub(lambda mark: mark[1] if good else mark[2], text)
    sentence = _ARTICLE.sub(_with_article, sentence)
    sentence = re.sub(r" +", " ", sentence).strip()
    return sentence[0].upper() + sentence[1:]


def _with_article(mark: re.Match[str]) -> str:
    following = (mark[2] + mark[3]).lower()
    vowel = following[0] in "aeiou" and not _SOUNDS_LIKE_YOU.match(following)
    an = vowel or following.startswith(("hour", "honest", "heir"))
    return f"{mark[1]}{'n' if an else ''} {mark[2]}{mark[3]}"


def generate(phenomena: Sequence[Phenomenon], tables: Tables, *, pairs_each: int, seed: str) -> Iterator[Pair]:
    """Write `pairs_each` pairs for each phenomenon, its frames taking turns. No sentence occurs twice.

    Raises:
        ValueError: the tables are too small for that many different pairs, or a frame makes no difference.
    """
    seen: set[str] = set()
    for phenomenon in phenomena:
        rng = random.Random(f"{seed}/{phenomenon.name}")  # noqa: S311 (the point is that it can be repeated)
        deck = Deck(tables, rng)
        for number in range(pairs_each):
            yield _fresh_pair(phenomenon, number, deck, rng, seen)


def _fresh_pair(
    phenomenon: Phenomenon, number: int, deck: Deck, rng: random.Random, seen: set[str], tries: int = 200
) -> Pair:
    frame = number % len(phenomenon.frames)
    for _ in range(tries):
        text, content = fill(phenomenon.frames[frame], deck, rng)
        good, bad = side(text, good=True), side(text, good=False)
        if good == bad:
            raise ValueError(f"No difference in {phenomenon.name}: {good!r}.")
        if good not in seen and bad not in seen:
            seen.update((good, bad))
            return Pair(phenomenon.name, phenomenon.field, number + 1, frame, good, bad, content)
    raise ValueError(f"The tables are too small for frame {frame} of {phenomenon.name}.")
