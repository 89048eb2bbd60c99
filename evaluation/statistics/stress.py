"""Stress: the same items written worse, and whether the answers stay. Declared transformations with a fixed seed."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

from evaluation.benchmarks.definition import Benchmark
from evaluation.benchmarks.readers import Dataset, Item
from evaluation.benchmarks.tiers import rank
from evaluation.scorers import SCORERS
from evaluation.scorers.base import Model

VERSION = 2
MOST_ITEMS = 60
FEWEST_ITEMS = 10  # Capitals in Chinese change the few texts that hold a foreign name: no share comes of those.
_WORD = re.compile(r"[^\W\d_]{4,}")
_CJK = re.compile(r"[\u3400-\u9fff]")
_FILLER = {"zh": "另外还有几句与此无关的话。", "en": "There is more to say, but it is about something else."}
_NEGATION = {"zh": "并不是说：", "en": "It is not the case that "}
# Where the true label stays what it was. The others are asked only whether the answer changes.
KEEPS_LABEL = frozenset({"typos", "case", "length"})


def _typos(text: str, rng: random.Random) -> str:
    """Two neighbouring letters change places, in a third of the longer words; in Chinese in every twelfth place."""
    if _CJK.search(text):
        letters = list(text)
        for place in range(rng.randrange(6), len(letters) - 1, 12):
            letters[place], letters[place + 1] = letters[place + 1], letters[place]
        return "".join(letters)

    def twist(match: re.Match[str]) -> str:
        word = match.group()
        if rng.random() > 1 / 3:
            return word
        place = rng.randrange(1, len(word) - 2)
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]

    return _WORD.sub(twist, text)


def _language(text: str) -> str:
    return "zh" if _CJK.search(text) else "en"


TRANSFORMATIONS: dict[str, Callable[[str, random.Random], str]] = {
    "typos": _typos,
    "case": lambda text, rng: text.upper(),
    "length": lambda text, rng: f"{text} {' '.join([_FILLER[_language(text)]] * 3)}",
    "negation": lambda text, rng: _NEGATION[_language(text)] + text,
    "empty": lambda text, rng: " ",
}


def applies_to(benchmark: Benchmark) -> bool:
    """Classifiers of texts in the two languages that the transformations are written for."""
    return benchmark.scorer == "classification" and set(benchmark.language) <= {"en", "zh"}


def stress(benchmark: Benchmark, dataset: Dataset, model: Model, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Ask a bounded number of items again, each transformation at a time.

    Returns:
        By transformation: `n`, `same` (share of answers that stayed), and where the label stays `value`, the share of
        right answers, beside `plain`, that of the same items as they stand; of the empty text, which is one for all
        items, `says`, the label. Items that do not change are left out, and transformations that change hardly any.
    """
    scorer, text_role = SCORERS[benchmark.scorer], str(benchmark.scorer_args.get("text", "text"))
    before = {str(row["id"]): row for row in rows}
    chosen = sorted((item for item in dataset.items if item.id in before), key=lambda item: rank(benchmark, item))
    found: dict[str, Any] = {"version": VERSION}
    for name, transform in TRANSFORMATIONS.items():
        items = []
        for item in chosen[:MOST_ITEMS]:
            text = transform(str(item[text_role]), _rng(benchmark, name, item))
            if text != item[text_role]:
                items.append(Item(item.id, {**item.values, text_role: text}))
        if len(items) < (FEWEST_ITEMS if len(chosen) >= 2 * FEWEST_ITEMS else 1):
            continue
        answers = scorer.collect(benchmark, Dataset(items=tuple(items)), model, lambda done, total: None)
        found[name] = _counted(name, answers, before)
    return found


def _rng(benchmark: Benchmark, name: str, item: Item) -> random.Random:
    """The same draw for an item whichever others are asked."""
    digest = hashlib.sha256(f"{benchmark.seed}:{name}:{item.id}".encode()).digest()
    return random.Random(digest)  # noqa: S311 - a reproducible draw, no secret.


def _counted(name: str, answers: Sequence[dict[str, Any]], before: dict[str, dict[str, Any]]) -> dict[str, Any]:
    n = len(answers)
    same = sum(row["predicted"] == before[str(row["id"])]["predicted"] for row in answers)
    found: dict[str, Any] = {"n": n, "same": same / n}
    if name in KEEPS_LABEL:
        found["value"] = sum(bool(row["right"]) for row in answers) / n
        found["plain"] = sum(bool(before[str(row["id"])]["right"]) for row in answers) / n
    if name == "empty":
        found["says"] = str(answers[0]["predicted"])[:80]
    return found
