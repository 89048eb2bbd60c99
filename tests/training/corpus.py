"""Small training data in the shape of the data sets' files."""

import json
from pathlib import Path

from training.recipes.data import PinnedFile, Source

SUITE = Path(__file__).resolve().parent.parent.parent / "evaluation" / "suites" / "core"
COMMIT = "1" * 40


def shipped(name: str) -> PinnedFile:
    """The train split of a set that the product ships, as if pulled."""
    return PinnedFile.of(Source(f"smallhub/{name}"), commit=COMMIT, local=SUITE / name / "data" / "train.jsonl")


def written(folder: Path, rows: list[dict[str, str]], *, name: str = "tests/rows") -> PinnedFile:
    """A file of these rows."""
    local = folder / f"{name.replace('/', '-')}.jsonl"
    local.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return PinnedFile.of(Source(name), commit=COMMIT, local=local)


def prose(count: int = 16) -> list[dict[str, str]]:
    """Texts with enough order in them to be learnt."""
    return [
        {"text": f"the {n % 5} boats came home late and the {n % 3} cats slept on the wall. " * 4} for n in range(count)
    ]


def remarks(count: int = 40) -> list[dict[str, str]]:
    """Texts whose label follows from a word."""
    words = {"positive": "lovely", "negative": "awful"}
    labels = ("positive", "negative")
    return [
        {"text": f"the {words[labels[n % 2]]} boat number {n} was seen again", "label": labels[n % 2]}
        for n in range(count)
    ]
