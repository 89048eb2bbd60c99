"""The sentiment sets of the core suite keep what their cards promise."""

import hashlib
import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[3] / "evaluation" / "suites" / "core"
LABELS = ["negative", "positive"]
SETS = ["core-sentiment-en", "core-sentiment-zh"]
FEWEST = {"core-sentiment-en": {"train": 500, "test": 400}, "core-sentiment-zh": {"train": 400, "test": 400}}
LENGTHS = {"core-sentiment-en": (8, 45), "core-sentiment-zh": (12, 70)}
NGRAM = {"core-sentiment-en": 5, "core-sentiment-zh": 3}


def load(name: str) -> dict[str, list[dict[str, str]]]:
    folder = CORE / name / "data"
    return {
        split: [json.loads(line) for line in (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]
        for split in ("train", "test")
    }


def declaration(name: str) -> dict:
    return json.loads((CORE / name / "benchmark.json").read_text(encoding="utf-8"))


def length(name: str, text: str) -> int:
    return len(text) if name.endswith("zh") else len(text.split())


def ngrams(name: str, text: str) -> set[str]:
    size = NGRAM[name]
    flat = "".join(text.split()) if name.endswith("zh") else " ".join(text.lower().split())
    return {flat[start : start + size] for start in range(len(flat) - size + 1)}


def closest_pair(name: str, items: list[dict[str, str]]) -> tuple[float, str, str]:
    """The highest Jaccard similarity of two items, and their ids. Pairs that share no n-gram are never compared."""
    seen: defaultdict[str, list[int]] = defaultdict(list)
    grams = [ngrams(name, item["text"]) for item in items]
    best = (0.0, "", "")
    for index, mine in enumerate(grams):
        shared: Counter[int] = Counter()
        for gram in mine:
            shared.update(seen[gram])
            seen[gram].append(index)
        for other, common in shared.items():
            similarity = common / (len(mine) + len(grams[other]) - common)
            best = max(best, (similarity, items[index]["id"], items[other]["id"]))
    return best


@pytest.mark.parametrize("name", SETS)
def test_each_split_is_large_enough_and_balanced(name):
    for split, items in load(name).items():
        counts = Counter(item["label"] for item in items)
        assert len(items) >= FEWEST[name][split]
        assert sorted(counts) == LABELS
        assert abs(counts["positive"] - counts["negative"]) <= 0.02 * len(items)


@pytest.mark.parametrize("name", SETS)
def test_items_have_the_declared_keys_unique_ids_and_a_sensible_length(name):
    items = [item for split in load(name).values() for item in split]
    shortest, longest = LENGTHS[name]
    assert len({item["id"] for item in items}) == len(items)
    for item in items:
        assert set(item) == {"id", "text", "label", "domain"}
        assert all(isinstance(value, str) and value == value.strip() and value for value in item.values())
        assert shortest <= length(name, item["text"]) <= longest, item["id"]


@pytest.mark.parametrize("name", SETS)
def test_no_domain_gives_the_label_away(name):
    for items in load(name).values():
        counts = Counter((item["domain"], item["label"]) for item in items)
        for domain in {item["domain"] for item in items}:
            assert abs(counts[domain, "positive"] - counts[domain, "negative"]) <= 1, domain


@pytest.mark.parametrize("name", SETS)
def test_the_length_alone_does_not_tell_the_label(name):
    splits = load(name)
    lengths = sorted(length(name, item["text"]) for item in splits["train"])
    for cut in sorted(set(lengths)):
        right = sum((length(name, item["text"]) > cut) == (item["label"] == "positive") for item in splits["test"])
        share = right / len(splits["test"])
        assert max(share, 1 - share) < 0.6, cut


@pytest.mark.parametrize("name", SETS)
def test_no_two_items_are_equal_or_nearly_so_within_or_across_splits(name):
    items = [item for split in load(name).values() for item in split]
    assert len({item["text"] for item in items}) == len(items)
    similarity, one, other = closest_pair(name, items)
    assert similarity < 0.5, (one, other)


@pytest.mark.parametrize("name", SETS)
def test_declared_files_match_the_files_on_disk(name):
    declared = {entry["path"]: entry for entry in declaration(name)["files"]}
    assert set(declared) == {"data/train.jsonl", "data/test.jsonl"}
    for path, entry in declared.items():
        content = (CORE / name / path).read_bytes()
        assert entry["bytes"] == len(content)
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", SETS)
def test_declared_baseline_is_the_accuracy_of_the_majority_class(name):
    splits, declared = load(name), declaration(name)
    counts = Counter(item["label"] for item in splits["train"])
    majority = max(LABELS, key=lambda label: counts[label])
    accuracy = sum(item["label"] == majority for item in splits["test"]) / len(splits["test"])
    assert declared["baseline"]["name"] == "majority"
    assert declared["baseline"]["value"] == pytest.approx(accuracy, abs=1e-6)
    assert declared["labels"] == LABELS
    assert declared["id"] == name
