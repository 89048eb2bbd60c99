"""The topic sets of the core suite keep what their cards and declarations promise."""

import hashlib
import json
import math
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CORE = Path(__file__).resolve().parents[3] / "evaluation" / "suites" / "core"
LABELS = ["arts", "health", "nature", "public-life", "sport", "technology"]
NAMES = ["core-topic-en", "core-topic-zh"]
EXPECTED_PER_CLASS = {
    ("core-topic-en", "train"): 80,
    ("core-topic-en", "test"): 70,
    ("core-topic-zh", "train"): 60,
    ("core-topic-zh", "test"): 70,
}
GRAM_LENGTH = {"core-topic-en": 5, "core-topic-zh": 3}
NEAR_DUPLICATE = 0.5

Item = dict[str, str]


def declaration(name: str) -> dict[str, Any]:
    return json.loads((CORE / name / "benchmark.json").read_text(encoding="utf-8"))


def items(name: str, split: str) -> list[Item]:
    path = CORE / name / "data" / f"{split}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def length(name: str, text: str) -> int:
    """Words for English, characters for Chinese, which writes no spaces."""
    return len(text.split()) if name.endswith("-en") else len(text)


def character_grams(text: str, size: int) -> set[str]:
    folded = re.sub(r"\s+", " ", text.casefold())
    return {folded[start : start + size] for start in range(len(folded) - size + 1)}


def most_similar_pair(texts: list[str], size: int) -> tuple[float, str, str]:
    """Return the highest Jaccard overlap of character n-grams between two texts, and the pair."""
    grams = [character_grams(text, size) for text in texts]
    seen_in: dict[str, list[int]] = defaultdict(list)
    best = (0.0, "", "")
    for index, own in enumerate(grams):
        # Counting shared grams through an index touches only pairs that share one.
        shared: Counter[int] = Counter()
        for gram in own:
            shared.update(seen_in[gram])
            seen_in[gram].append(index)
        for other, common in shared.items():
            overlap = common / (len(own) + len(grams[other]) - common)
            best = max(best, (overlap, texts[other], texts[index]))
    return best


def features(name: str, text: str) -> set[str]:
    """Words for English; single characters and pairs of them for Chinese."""
    if name.endswith("-en"):
        return set(re.findall(r"[a-z']+", text.lower()))
    return set(text) | {text[start : start + 2] for start in range(len(text) - 1)}


def naive_bayes_accuracy(name: str, smoothing: float = 0.3) -> float:
    train, test = items(name, "train"), items(name, "test")
    columns: dict[str, int] = {}
    for item in train:
        for feature in features(name, item["text"]):
            columns.setdefault(feature, len(columns))
    counts = np.full((len(LABELS), len(columns)), smoothing)
    for item in train:
        counts[LABELS.index(item["label"]), [columns[f] for f in features(name, item["text"])]] += 1
    log_likelihood = np.log(counts / counts.sum(axis=1, keepdims=True))
    right = 0
    for item in test:
        known = [columns[f] for f in features(name, item["text"]) if f in columns]
        right += LABELS[int(log_likelihood[:, known].sum(axis=1).argmax())] == item["label"]
    return right / len(test)


@pytest.mark.parametrize("name", NAMES)
def test_the_declaration_names_this_task_and_its_scorer(name):
    declared = declaration(name)

    assert declared["id"] == name
    assert declared["task"] == "text-classification"
    assert declared["reader"] == "jsonl"
    assert declared["labels"] == LABELS
    assert declared["split"] == "test"
    assert declared["subset_rule"] == "all"
    assert declared["scorer"] == "classification"
    assert declared["scorer_args"] == {"text": "text", "label": "label"}
    assert declared["main_metric"] == "accuracy"
    assert declared["higher_is_better"] is True
    assert declared["unit"] == "fraction"
    assert declared["scale"] == {"low": 0.1, "high": 1.0, "kind": "linear"}
    assert declared["chance"] == pytest.approx(1 / len(LABELS), abs=1e-6)
    assert declared["requires"] == ["classify"]
    assert declared["redistributable"] is True
    assert declared["licence"] == "apache-2.0"


@pytest.mark.parametrize("name", NAMES)
def test_the_declared_files_are_the_files_on_disk(name):
    declared = {file["path"]: file for file in declaration(name)["files"]}

    assert set(declared) == {f"data/{path.name}" for path in (CORE / name / "data").iterdir()}
    for path, file in declared.items():
        content = (CORE / name / path).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest()), path


@pytest.mark.parametrize(("name", "split"), EXPECTED_PER_CLASS)
def test_every_class_has_the_same_number_of_items(name, split):
    counts = Counter(item["label"] for item in items(name, split))

    assert counts == dict.fromkeys(LABELS, EXPECTED_PER_CLASS[name, split])


@pytest.mark.parametrize("name", NAMES)
def test_items_are_well_formed_and_ids_are_unique_across_splits(name):
    everything = items(name, "train") + items(name, "test")
    low, high = (10, 40) if name.endswith("-en") else (18, 80)
    prefix = name.rsplit("-", 1)[1]

    assert all(set(item) == {"id", "text", "label"} for item in everything)
    assert all(re.fullmatch(rf"{prefix}-\d{{4}}", item["id"]) for item in everything)
    assert len({item["id"] for item in everything}) == len(everything)
    assert [i for i in everything if i["text"] != i["text"].strip() or not low <= length(name, i["text"]) <= high] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_item_repeats_another_even_across_splits(name):
    texts = [item["text"] for item in items(name, "train") + items(name, "test")]

    assert len(set(texts)) == len(texts)
    overlap, first, second = most_similar_pair(texts, GRAM_LENGTH[name])
    assert overlap < NEAR_DUPLICATE, (first, second)


@pytest.mark.parametrize(("name", "split"), EXPECTED_PER_CLASS)
def test_every_six_lines_hold_each_class_once(name, split):
    """A run cut short, or a look at the first rows, still sees the classes in balance."""
    labels = [item["label"] for item in items(name, split)]

    assert all(sorted(labels[start : start + 6]) == LABELS for start in range(0, len(labels), 6))


@pytest.mark.parametrize("name", NAMES)
def test_the_declared_baseline_recomputes(name):
    majority = min(
        Counter(item["label"] for item in items(name, "train")).items(), key=lambda pair: (-pair[1], pair[0])
    )
    test = items(name, "test")
    value = sum(item["label"] == majority[0] for item in test) / len(test)

    baseline = declaration(name)["baseline"]
    assert baseline["name"] == "majority"
    assert math.isclose(baseline["value"], value, abs_tol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_counting_words_learns_the_topics_but_does_not_solve_them(name):
    assert 0.60 <= naive_bayes_accuracy(name) <= 0.90
