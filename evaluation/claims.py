"""What a card claims, held against what the files say. A mismatch is told; it blames nobody and stops nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models_registry.cards import Card, CardFault, read_card

_MAX_CARD_BYTES = 1 << 20
_LICENCE_FILES = ("license", "licence", "copying", "notice")
_UNITS = {"k": 1e3, "m": 1e6, "b": 1e9, "thousand": 1e3, "million": 1e6, "billion": 1e9}
_PARAMETERS = re.compile(
    r"(?<![\w.])(\d{1,4}(?:[.,]\d{1,3})?)\s?(k|m|b|thousand|million|billion)[\s-]+(?:of\s+)?param", re.IGNORECASE
)
_CONTEXT = re.compile(
    r"context\s+(?:length|window|size)\s*(?:is|of|:|=|\|)?\s*\**\s*(\d{1,3}(?:,\d{3})+|\d{1,7})(k?)\b", re.IGNORECASE
)
_TOLERANCE = 0.1
# Tasks of the wire that one kind of model serves alike.
_ALIKE = {
    "text-generation": {"text-generation", "conversational", "text2text-generation"},
    "sentence-similarity": {"sentence-similarity", "feature-extraction"},
    "text2text-generation": {"text2text-generation", "translation", "summarization", "text-generation"},
    "token-classification": {"token-classification"},
    "text-classification": {"text-classification", "zero-shot-classification", "text-ranking", "sentiment-analysis"},
}
_LIBRARIES = {
    "transformers": {"transformers", "sentence-transformers", "setfit", "peft", "adapter-transformers", "safetensors"},
    "ngram": {"smallhub", "kenlm"},
    "arpa": {"smallhub", "kenlm"},
    "recurrent": {"smallhub"},
    "vectors": {"smallhub", "gensim", "fasttext", "word2vec", "glove"},
}
_SCRIPT_OF = {
    **dict.fromkeys("en de fr es pt it nl sv da no fi pl cs tr vi id ro hu".split(), "Latin"),
    **dict.fromkeys("ru uk bg sr mk be".split(), "Cyrillic"),
    "zh": "Han",
    "ja": "Hiragana",
    "ko": "Hangul",
    "ar": "Arabic",
    "fa": "Arabic",
    "he": "Hebrew",
    "el": "Greek",
    "hi": "Devanagari",
    "mr": "Devanagari",
    "th": "Thai",
    "bn": "Bengali",
    "ta": "Tamil",
}


@dataclass(frozen=True)
class Mismatch:
    """`field` for programs; `claimed` and `found` as they are shown. `found` is empty where there is nothing."""

    field: str
    claimed: str
    found: str


@dataclass(frozen=True)
class Declared:
    """What the card says of itself."""

    task: str = ""
    library: str = ""
    licence: str = ""
    languages: tuple[str, ...] = ()
    base_models: tuple[str, ...] = ()
    parameters: int | None = None
    context_length: int | None = None


def read_folder(folder: Path) -> Card:
    """The card of a folder; an empty one where there is none, or where its front matter breaks a rule."""
    path = folder / "README.md"
    if not path.is_file():
        return Card()
    with path.open("rb") as stream:
        text = stream.read(_MAX_CARD_BYTES).decode("utf-8", "replace")
    try:
        return read_card(text)
    except CardFault:
        return Card()


def declared(card: Card) -> Declared:
    """Claims of the front matter, and two numbers that prose tells: parameters and context length."""
    base = card.data.get("base_model")
    names = base if isinstance(base, list) else [base]
    return Declared(
        task=card.task,
        library=card.library,
        licence=card.licence,
        languages=tuple(card.languages[:50]),
        base_models=tuple(name[:200] for name in names if isinstance(name, str))[:10],
        parameters=_parameters(card.body),
        context_length=_context(card.body),
    )


def mismatches(claim: Declared, found: Mapping[str, Any], *, files: Collection[str]) -> tuple[Mismatch, ...]:
    """Where card and files disagree.

    Args:
        found: an inspection as JSON: task, runtime, parameters, context_length, tokenizer, base_model.
        files: the names of all files at the top.
    """
    rows = [
        _task(claim, str(found.get("task") or "")),
        _library(claim, str(found.get("runtime") or "")),
        _licence(claim, files),
        _number("parameters", claim.parameters, found.get("parameters"), tolerance=_TOLERANCE),
        _number("context_length", claim.context_length, found.get("context_length"), tolerance=0.0),
        _base(claim, str(found.get("base_model") or "")),
        *_languages(claim, found.get("tokenizer")),
    ]
    return tuple(row for row in rows if row is not None)


def held_against(folder: Path, found: Mapping[str, Any]) -> dict[str, Any]:
    """The claims of a folder's card and the mismatches, as JSON to be kept beside an inspection."""
    claim = declared(read_folder(folder))
    files = {path.name for path in folder.iterdir() if path.is_file()}
    rows = mismatches(claim, found, files=files)
    return {"declared": asdict(claim), "mismatches": [asdict(row) for row in rows]}


def _task(claim: Declared, task: str) -> Mismatch | None:
    if not claim.task or not task or claim.task in _ALIKE.get(task, {task}):
        return None
    return Mismatch("task", claim.task, task)


def _library(claim: Declared, runtime: str) -> Mismatch | None:
    known = _LIBRARIES.get(runtime)
    if not claim.library or known is None or claim.library.lower() in known:
        return None
    return Mismatch("library", claim.library, runtime)


def _licence(claim: Declared, files: Collection[str]) -> Mismatch | None:
    """A licence that is only named, or whose text alone is there."""
    has_file = any(name.lower().startswith(_LICENCE_FILES) for name in files)
    if not claim.licence:
        return Mismatch("licence", "", "LICENSE") if has_file else None  # Where neither tells, nothing disagrees.
    return None if has_file else Mismatch("licence_file", claim.licence, "")


def _number(name: str, claimed: int | None, found: object, *, tolerance: float) -> Mismatch | None:
    if not claimed or not isinstance(found, int) or not found or abs(claimed - found) <= tolerance * claimed:
        return None
    return Mismatch(name, f"{claimed:,}", f"{found:,}")


def _base(claim: Declared, base: str) -> Mismatch | None:
    """The last parts of names are compared: configurations often hold a local path."""
    if not claim.base_models or not base or "/checkpoint" in base:
        return None
    told = base.rstrip("/").rpartition("/")[2].lower()
    if any(name.rpartition("/")[2].lower() == told for name in claim.base_models):
        return None
    return Mismatch("base_model", ", ".join(claim.base_models), base[:200])


def _languages(claim: Declared, tokenizer: object) -> list[Mismatch]:
    """Languages in whose script the vocabulary holds nothing. A byte-level one can spell everything."""
    facts = tokenizer if isinstance(tokenizer, dict) else {}
    scripts = facts.get("scripts") or {}
    if not scripts or facts.get("is_byte_level"):
        return []
    missing = [code for code in claim.languages if _SCRIPT_OF.get(code, "") not in ("", *scripts)]
    return [Mismatch("languages", ", ".join(missing), ", ".join(scripts))] if missing else []


def _parameters(body: str) -> int | None:
    """The only number of parameters that the prose tells; none where it tells several, for then it compares models."""
    found = {float(number.replace(",", ".")) * _UNITS[unit.lower()] for number, unit in _PARAMETERS.findall(body)}
    return int(found.pop()) if len(found) == 1 else None


def _context(body: str) -> int | None:
    found = {int(number.replace(",", "")) * (1024 if thousands else 1) for number, thousands in _CONTEXT.findall(body)}
    return found.pop() if len(found) == 1 else None
