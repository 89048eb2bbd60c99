"""The running-text sets of the core suite keep what their cards and declarations promise."""

import hashlib
import json
import math
import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

CORE = Path(__file__).resolve().parents[3] / "evaluation" / "suites" / "core"
NAMES = ["core-text-en", "core-text-zh"]
SPLITS = ["train", "test"]
LEAST_BYTES = {
    ("core-text-en", "train"): 40_000,
    ("core-text-en", "test"): 62_000,
    ("core-text-zh", "train"): 40_000,
    ("core-text-zh", "test"): 60_000,
}
GRAM_LENGTH = {"core-text-en": 5, "core-text-zh": 3}
NEAR_DUPLICATE_DOCUMENT = 0.25  # Whole documents share common letters; copies share far more.
NEAR_DUPLICATE_PARAGRAPH = 0.5
SHORTEST_COMPARED = 60  # A line of dialogue such as "I do not know." may occur in two stories.

Item = dict[str, str]


def declaration(name: str) -> dict[str, Any]:
    return json.loads((CORE / name / "benchmark.json").read_text(encoding="utf-8"))


def items(name: str, split: str) -> list[Item]:
    # Not splitlines(): it would also break a line at characters that JSON leaves as they are.
    raw = (CORE / name / "data" / f"{split}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in raw.rstrip("\n").split("\n")]


def split_bytes(name: str, split: str) -> bytes:
    return "".join(item["text"] for item in items(name, split)).encode()


def paragraphs(name: str) -> list[str]:
    return [part for split in SPLITS for item in items(name, split) for part in item["text"].split("\n\n")]


def unigram_bits_per_byte(train: bytes, test: bytes) -> float:
    """Score `test` under byte frequencies of `train`, with one added to each of the 256 counts."""
    counts = Counter(train)
    total = len(train) + 256
    return -sum(math.log2((counts[byte] + 1) / total) for byte in test) / len(test)


def character_grams(text: str, size: int) -> set[str]:
    folded = re.sub(r"\s+", " ", text.casefold())
    return {folded[start : start + size] for start in range(len(folded) - size + 1)}


def highest_overlap(texts: list[str], size: int) -> tuple[float, str, str]:
    """Return the highest Jaccard overlap of character n-grams between two texts, and the pair."""
    grams = [character_grams(text, size) for text in texts]
    best = (0.0, "", "")
    for (first, first_grams), (second, second_grams) in combinations(zip(texts, grams, strict=True), 2):
        # The overlap cannot exceed the ratio of the sizes, which rules out most pairs cheaply.
        small, large = sorted((len(first_grams), len(second_grams)))
        if small <= best[0] * large:
            continue
        common = len(first_grams & second_grams)
        overlap = common / (small + large - common)
        if overlap > best[0]:
            best = (overlap, first, second)
    return best


@pytest.mark.parametrize("name", NAMES)
def test_declared_files_are_the_files(name: str) -> None:
    for declared in declaration(name)["files"]:
        content = (CORE / name / declared["path"]).read_bytes()
        assert len(content) == declared["bytes"]
        assert hashlib.sha256(content).hexdigest() == declared["sha256"]
    assert [declared["path"] for declared in declaration(name)["files"]] == ["data/train.jsonl", "data/test.jsonl"]


@pytest.mark.parametrize("name", NAMES)
def test_declaration_says_how_to_score(name: str) -> None:
    declared = declaration(name)
    assert declared["id"] == name
    assert declared["scorer"] == "language_modelling"
    assert declared["main_metric"] == "bits_per_byte"
    assert declared["higher_is_better"] is False
    assert declared["fields"] == {"text": "text", "id": "id"}
    assert declared["scorer_args"] == {"text": "text", "document": "id"}
    assert declared["scale"]["low"] < declared["scale"]["high"]


@pytest.mark.parametrize("name", NAMES)
def test_baseline_recomputes(name: str) -> None:
    value = unigram_bits_per_byte(split_bytes(name, "train"), split_bytes(name, "test"))
    assert declaration(name)["baseline"]["value"] == pytest.approx(value, abs=5e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("split", SPLITS)
def test_split_is_large_enough_and_documents_are_whole(name: str, split: str) -> None:
    found = items(name, split)
    assert len(split_bytes(name, split)) >= LEAST_BYTES[name, split]
    for item in found:
        assert set(item) == {"id", "title", "kind", "text"}
        assert all(value and value == value.strip() for value in item.values()), item["id"]
        assert 600 <= len(item["text"]) <= 3_000, item["id"]
        assert not re.search(r"\n{3,}|[ \t]\n|\t|\r|\ufffd", item["text"]), item["id"]


@pytest.mark.parametrize("name", NAMES)
def test_ids_and_titles_are_unique_across_splits(name: str) -> None:
    everything = [item for split in SPLITS for item in items(name, split)]
    assert len({item["id"] for item in everything}) == len(everything)
    assert len({item["title"] for item in everything}) == len(everything)


@pytest.mark.parametrize("name", NAMES)
def test_no_document_is_nearly_another(name: str) -> None:
    texts = [item["text"] for split in SPLITS for item in items(name, split)]
    overlap, first, second = highest_overlap(texts, GRAM_LENGTH[name])
    assert overlap < NEAR_DUPLICATE_DOCUMENT, (overlap, first[:80], second[:80])


@pytest.mark.parametrize("name", NAMES)
def test_no_paragraph_is_nearly_another(name: str) -> None:
    least = SHORTEST_COMPARED if name.endswith("-en") else SHORTEST_COMPARED // 3
    assert len(set(paragraphs(name))) == len(paragraphs(name))
    texts = [part for part in paragraphs(name) if len(part) >= least]
    overlap, first, second = highest_overlap(texts, GRAM_LENGTH[name])
    assert overlap < NEAR_DUPLICATE_PARAGRAPH, (overlap, first, second)


@pytest.mark.parametrize("name", NAMES)
def test_card_states_the_counts(name: str) -> None:
    card = (CORE / name / "README.md").read_text(encoding="utf-8")
    for split in SPLITS:
        row = f"| {split} | {len(items(name, split))} | {len(split_bytes(name, split)):,} |"
        assert row in card, row


def test_chinese_is_written_in_chinese() -> None:
    for split in SPLITS:
        for item in items("core-text-zh", split):
            han = sum("\u4e00" <= character <= "\u9fff" for character in item["text"])
            assert han / len(item["text"]) > 0.7, item["id"]
            assert not re.search(r"[,;?!]", item["text"]), item["id"]  # Half-width marks are slips here.
