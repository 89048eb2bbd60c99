"""What a tokenizer's own files tell: its kind, its size, whether it works on bytes, and the scripts of its words."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from models_registry.formats import config_json, gguf
from models_registry.formats.errors import BadFormat

_VOCABULARY_KEYS = ("vocab_size", "vocabulary_size")
_MAX_WORDS = 400_000
_MIN_SHARE = 0.02
_MIN_LETTERS = 50
# Words of a script that one language alone uses name that language; Latin and Cyrillic are shared by too many.
_LANGUAGE_OF = {"Hiragana": "ja", "Katakana": "ja", "Hangul": "ko", "Thai": "th", "Greek": "el", "Hebrew": "he"}
# Frequent words that none of the other languages here has. A vocabulary that holds most of them was made for it.
_TELLING = {
    "en": "the and with that this from which would their been about because through these should",
    "de": "und nicht der ist auch werden einer durch wurde zwischen ihre dieser wenn noch über",
    "fr": "les des dans pour avec être cette mais plus elle leur aussi sont même très",
    "es": "los las para una pero como más esta sobre también entre cuando desde hasta muy",
    "pt": "não uma mais foi também pelo pela são até ainda depois seus muito então você",
    "it": "della che gli anche questo nella degli stato sono dalla delle perché dopo alla più",
    "nl": "het een van zijn niet voor werd deze ook naar maar worden hebben haar nog",
}
_MIN_COVERAGE = 0.8


@dataclass(frozen=True)
class TokenizerFacts:
    """`kind` as the tokenizer's own file names it (BPE, WordPiece, Unigram, byte, char, word …).

    `keeps_all`: it works on bytes and changes no text before, so that nothing may be lost. `unknown_id` stands for
    what the vocabulary lacks. `scripts` are shares of the letters in its entries, for scripts with at least 2 %;
    `languages` are guesses from them, and marked so wherever they are shown.
    """

    kind: str
    vocabulary_size: int
    is_byte_level: bool = False
    keeps_all: bool = False
    unknown_id: int | None = None
    scripts: Mapping[str, float] = field(default_factory=dict)
    languages: tuple[str, ...] = ()


def read(folder: Path, config: Mapping[str, Any]) -> TokenizerFacts | None:
    """The tokenizer of a folder, from tokenizer.json, vocab.txt, vocab.json, a GGUF header or config.json."""
    if (folder / "tokenizer.json").is_file():
        return _fast(folder / "tokenizer.json")
    if (folder / "vocab.txt").is_file():
        with (folder / "vocab.txt").open("rb") as stream:
            lines = config_json.read_limited(stream, config_json.TOKENIZER_LIMITS.size_bytes).splitlines()
        words = [line.decode("utf-8", "replace") for line in lines]
        unknown = words.index("[UNK]") if "[UNK]" in words else None
        return replace(_facts("WordPiece", len(words), words), unknown_id=unknown)
    size = _size(config)
    unit = config.get("unit")
    if (folder / "vocab.json").is_file():
        words = _words_of(folder / "vocab.json")
        kind = str(unit if isinstance(unit, str) else "BPE")[:40]
        return _facts(kind, size or len(words), words, is_byte_level=unit is None or unit == "byte")
    if size and isinstance(unit, str):
        return TokenizerFacts(unit[:40], size, is_byte_level=unit == "byte", keeps_all=unit == "byte")
    return _of_gguf(folder)


def _size(config: Mapping[str, Any]) -> int | None:
    found = (config[key] for key in _VOCABULARY_KEYS if type(config.get(key)) is int and config[key] > 0)
    return next(found, None)


def _fast(path: Path) -> TokenizerFacts | None:
    try:
        table = config_json.read_object(path, limits=config_json.TOKENIZER_LIMITS)
    except BadFormat:
        return None  # The scan has already told of it; here it is merely unknown.
    model = table.get("model")
    if not isinstance(model, dict):
        return None
    vocabulary = model.get("vocab")
    if isinstance(vocabulary, dict):
        words, ids = list(vocabulary), set(vocabulary.values())
    else:
        rows = vocabulary if isinstance(vocabulary, list) else []
        words = [str(row[0]) for row in rows if isinstance(row, list) and row]
        ids = set(range(len(rows)))
    added = table.get("added_tokens")
    if isinstance(added, list):
        ids |= {row.get("id") for row in added if isinstance(row, dict) and type(row.get("id")) is int}
    kind = str(model.get("type", "unknown"))[:40]
    is_byte_level = _mentions_bytes(table) or model.get("byte_fallback") is True
    found = _facts(kind, len(ids), words, is_byte_level=is_byte_level)
    keeps_all = _mentions_bytes(table) and table.get("normalizer") is None
    return replace(found, keeps_all=keeps_all, unknown_id=_unknown_id(model, words))


def _unknown_id(model: Mapping[str, Any], words: list[str]) -> int | None:
    """The id of the token for unknown words, by its name or by its number."""
    number, name, vocabulary = model.get("unk_id"), model.get("unk_token"), model.get("vocab")
    if type(number) is int and 0 <= number < len(words):
        return number
    found = vocabulary.get(name) if isinstance(vocabulary, dict) and isinstance(name, str) else None
    return found if type(found) is int else None


def _mentions_bytes(table: Mapping[str, Any]) -> bool:
    """Whether the pre-tokenizer or the decoder works on bytes."""
    pending: list[Any] = [table.get("pre_tokenizer"), table.get("decoder")]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if node.get("type") == "ByteLevel":
                return True
            pending += node.values()
        elif isinstance(node, list):
            pending += node
    return False


def _of_gguf(folder: Path) -> TokenizerFacts | None:
    """What a GGUF header says; of its words only the first are kept, too few to guess from."""
    for path in sorted(folder.glob("*.gguf")):
        try:
            metadata = gguf.read_file(path).metadata
        except BadFormat:
            return None
        words, kind = metadata.get("tokenizer.ggml.tokens"), metadata.get("tokenizer.ggml.model")
        if isinstance(words, gguf.Listing):
            name = {"gpt2": "BPE", "llama": "Unigram", "bert": "WordPiece"}.get(str(kind), str(kind)[:40])
            return TokenizerFacts(name, words.items, is_byte_level=kind in ("gpt2", "llama"))
    return None


def _words_of(path: Path) -> list[str]:
    try:
        return list(config_json.read_object(path, limits=config_json.TOKENIZER_LIMITS))
    except BadFormat:
        return []


def _facts(kind: str, size: int, words: list[str], *, is_byte_level: bool = False) -> TokenizerFacts:
    plain = [_plain(word, is_byte_level=is_byte_level) for word in words[:_MAX_WORDS]]
    scripts = _scripts(plain)
    return TokenizerFacts(kind, size, is_byte_level, scripts=scripts, languages=_languages(scripts, plain))


def _plain(word: str, *, is_byte_level: bool) -> str:
    """An entry as the text that it stands for, without the marks of word beginnings and pieces."""
    if word.startswith("<") and word.endswith(">"):
        return ""
    if is_byte_level and all(letter in _bytes_of() for letter in word):
        word = bytes(_bytes_of()[letter] for letter in word).decode("utf-8", "ignore")
    return word.removeprefix("##").replace("▁", " ").strip()


@lru_cache(maxsize=1)
def _bytes_of() -> dict[str, int]:
    """The letters by which byte-level vocabularies spell bytes: printable ones themselves, others from U+0100 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(plain)]
    return {chr(byte): byte for byte in plain} | {chr(256 + index): byte for index, byte in enumerate(others)}


def _scripts(words: Iterable[str]) -> dict[str, float]:
    counts = Counter(_script(letter) for word in words for letter in word if letter.isalpha())
    total = sum(counts.values())
    shares = {name: round(number / total, 4) for name, number in counts.most_common() if number / total >= _MIN_SHARE}
    return shares if total >= _MIN_LETTERS else {}


@lru_cache(maxsize=65_536)
def _script(letter: str) -> str:
    """The script of a letter, by the first word of its Unicode name."""
    name = unicodedata.name(letter, "Unknown").split()[0]
    return {"CJK": "Han", "LATIN": "Latin"}.get(name, name.capitalize())


def _languages(scripts: Mapping[str, float], words: list[str]) -> tuple[str, ...]:
    """Languages that the vocabulary was evidently made for. Modest: nothing is said where several would fit."""
    found = {_LANGUAGE_OF[name] for name in scripts if name in _LANGUAGE_OF}
    if "Han" in scripts and "ja" not in found:
        found.add("zh")
    if "Latin" in scripts:
        known = set(words)
        for language, text in _TELLING.items():
            wanted = text.split()
            if sum(word in known for word in wanted) >= _MIN_COVERAGE * len(wanted):
                found.add(language)
    return tuple(sorted(found))
