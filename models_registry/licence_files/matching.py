"""Which licence a text is, and where its words differ. Pure, bounded, the same for every reader of the same file.

Two texts are compared by the pairs of neighbouring words that both have: twice the shared ones over all of both (the
measure of Dice). Copyright lines, addresses, single letters and numbers of lists do not count, so that holder, year
and layout change nothing. What a person must read are the passages that only one of the two has: one sentence more
turns a licence round and hardly moves any score.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
import numpy.typing as npt

from models_registry.licence_files import texts

MAX_BYTES = 256 * 1024
KNOWN = 0.80  # From here on it is that licence, whole or changed; below, nobody here knows the text.
PASSAGE_WORDS = 4  # Words in a row that only one side has: fewer are a heading, a name or a mistake in typing.
SHOWN = 5
SHOWN_CHARS = 240
# One of these alone turns a sentence round.
_LOADED = set(
    """no non not only except unless without prohibited forbidden commercial noncommercial research academic
    evaluation military revocable terminate fee royalty""".split()
)
_INSIDE = 0.97
_SHORT = 30  # What has fewer pairs is no text of a licence but names one.
# A line that begins so is a notice; "copyright" in small letters begins a line where a sentence was wrapped.
_COPYRIGHT = re.compile(
    r"^[\W_]*(?:Portions )?(?:Copyright\b|COPYRIGHT (?=\(|©|\d)|\([Cc]\) ?(?=\d|[Cc]opyright)|©"
    r"|[Aa]ll [Rr]ights [Rr]eserved)[^\n]*$",
    re.MULTILINE,
)
_ADDRESS = re.compile(r"<?\b(?:https?|ftp)://\S+|\bwww\.\S+", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_TAG = re.compile(r"SPDX-License-Identifier:[ \t]*([^\s*/#<>][^\n*#<>]{0,300})", re.IGNORECASE)
# Parts that people leave out of a file without changing what it says: (beginning, end) of what stays.
_CORES = (
    ("", "end of terms and conditions"),
    ("by exercising the licensed rights", "creative commons is not a party to its public licenses"),
    ("by exercising the licensed rights", ""),
    ("", "exhibit a - source code form license notice"),
    ("statement of purpose", ""),
)
# Licences whose text no package carries: told by the words of their title. Title, version and id are facts.
_TITLES = (
    ("llama 3.1 community license", "llama3.1"),
    ("llama 3.2 community license", "llama3.2"),
    ("llama 3.3 community license", "llama3.3"),
    ("llama 4 community license", "llama4"),
    ("llama 3 community license", "llama3"),
    ("llama 2 community license", "llama2"),
    ("gemma terms of use", "gemma"),
    ("bigscience rail license", "bigscience-bloom-rail-1.0"),
    ("bigscience openrail-m", "bigscience-openrail-m"),
    ("bigcode openrail-m", "bigcode-openrail-m"),
    ("bigcode open rail-m", "bigcode-openrail-m"),
    ("creativeml open rail++-m", "openrail++"),
    ("creativeml openrail++-m", "openrail++"),
    ("creativeml open rail-m", "creativeml-openrail-m"),
    ("creativeml openrail-m", "creativeml-openrail-m"),
    ("deepfloyd if license", "deepfloyd-if-license"),
)
_TITLE_CHARS = 600
_Pairs = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Match:
    """What a text is.

    Attributes:
        licence: its id, "" where nobody here knows the text.
        score: how near the text is, 0 to 1; None where only a title or an identifier names it.
        by: text; title; identifier (a line `SPDX-License-Identifier`); inside (several texts in one file); none.
        also: further licences whose whole texts stand in the file.
        added, missing: passages that only the file has, or only the licence.
    """

    licence: str
    score: float | None
    by: str
    also: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def is_altered(self) -> bool:
        """Whether it is that licence with words changed, added or left out."""
        return bool(self.added or self.missing)


def match_text(raw: bytes | str) -> Match:
    """What licence this is. Longer than MAX_BYTES is cut: no licence is."""
    text = raw[:MAX_BYTES].decode("utf-8", "replace") if isinstance(raw, bytes) else raw[:MAX_BYTES]
    words = _words(text)
    pairs = np.unique(_pairs(words))
    licence, score, known = _best(pairs)
    found = _compared(licence, score, words, known) if score >= KNOWN else None
    if found is None or found.added:
        inside = _inside(pairs)
        if len(inside) > (found is not None):  # More than the one that it mostly is.
            return Match(inside[0], 1.0, "inside", tuple(inside[1:]))
    return found or _named(text) or Match("", score, "none")


def _compared(licence: str, score: float, words: list[str], known: str) -> Match:
    whole = _words(texts.for_matching()[licence])
    added = _passages(words, np.unique(_pairs(whole)))
    missing = _passages(_words(known), np.unique(_pairs(words)))
    return Match(licence, score, "text", (), added, missing)


def _named(text: str) -> Match | None:
    """By an identifier, or by the title of a licence of which no text is here."""
    tag = _TAG.search(text)
    if tag:
        return Match(tag[1].strip(), None, "identifier")
    head = " ".join(text[:_TITLE_CHARS].lower().replace("–", "-").split())
    title = next((name for words, name in _TITLES if words in head), "")
    if title:
        return Match(title, None, "title")
    words = text.split()
    if len(words) <= 3 and words and texts.has_text(words[0]):
        return Match(texts.spdx_id(words[0]), None, "identifier")
    return None


def _best(pairs: _Pairs) -> tuple[str, float, str]:
    """The nearest of all known texts: its id, how near, and the variant that is nearest."""
    best = ("", 0.0, "")
    if len(pairs) < _SHORT:
        return best
    for licence, variants in _known():
        for variant, known in variants:
            if not 0.5 < len(known) / len(pairs) < 2:  # Cannot reach KNOWN.
                continue
            score = round(2 * _shared(known, pairs) / (len(known) + len(pairs)), 4)
            if score > best[1]:
                best = (licence, score, variant)
    return best


def _passages(words: list[str], known: _Pairs) -> tuple[str, ...]:
    """What stands in these words and not in the known ones, longest first, as far as a person must read it."""
    if len(words) < 2:
        return ()
    new = ~np.isin(_pairs(words), known)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], new.astype(np.int8), [0]))))
    found = []
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        inner = words[start + 1 : stop] or words[start : stop + 1]  # The words at both ends have a known neighbour.
        if start == 0 or stop == len(words) - 1:
            inner = words[start if start == 0 else start + 1 : stop + 1 if stop == len(words) - 1 else stop]
        if len(inner) >= PASSAGE_WORDS or _LOADED & set(inner):
            found.append(" ".join(words[max(start - 1, 0) : stop + 2])[:SHOWN_CHARS])
    found.sort(key=len, reverse=True)
    return tuple(found[:SHOWN])


def _inside(pairs: _Pairs) -> list[str]:
    """Licences whose whole text stands somewhere in this one, the longest first."""
    if len(pairs) < _SHORT:
        return []
    found = []
    for licence, variants in _known():
        core = min((known for _, known in variants), key=len)
        if len(core) >= _SHORT and _shared(core, pairs) >= _INSIDE * len(core):
            found.append((len(core), licence, core))
    found.sort(key=lambda each: (-each[0], each[1]))
    kept: list[str] = []
    covered = np.array([], dtype=np.uint64)
    for _, licence, core in found:  # MIT-0 stands in MIT, BSD-2 in BSD-3: the larger one says it all.
        if _shared(core, covered) < 0.9 * len(core):
            kept.append(licence)
            covered = np.union1d(covered, core)
    return kept


def _shared(one: _Pairs, other: _Pairs) -> int:
    return int(np.intersect1d(one, other, assume_unique=True).size)


def _pairs(words: list[str]) -> _Pairs:
    """A number for each pair of neighbouring words, in their order."""
    numbers = np.array([crc32(word.encode("utf-8", "replace")) for word in words], dtype=np.uint64)
    return (numbers[:-1] << np.uint64(32)) | numbers[1:]


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).replace("’", "'").replace("&", " and ")
    plain = _ADDRESS.sub(" ", _COPYRIGHT.sub(" ", plain)).lower().replace("'", "").replace("licence", "license")
    return [word for word in _WORD.findall(plain) if len(word) > 1]


@lru_cache(maxsize=1)
def _known() -> tuple[tuple[str, tuple[tuple[str, _Pairs], ...]], ...]:
    """Every text with its pairs, whole and without what people leave out."""
    return tuple(
        (name, tuple((variant, np.unique(_pairs(_words(variant)))) for variant in _variants(name, text)))
        for name, text in sorted(texts.for_matching().items())
    )


def _variants(name: str, text: str) -> list[str]:
    text = re.sub(r"\bISC\b(?! License)", "THE AUTHOR", text) if name == "ISC" else text  # Its blank for the holder.
    found = [text]
    low = text.lower()
    for beginning, end in _CORES:
        start = low.find(beginning) if beginning else 0
        stop = low.find(end, max(start, 0)) if end else len(text)
        if start >= 0 and stop > 0 and (start, stop) != (0, len(text)):
            found.append(text[start:stop])
    return found
