"""The grammar-pair sets of the core suite keep what their cards and declarations promise."""

import hashlib
import json
import math
import re
from collections import Counter, defaultdict
from typing import Any

import pytest

from evaluation.suites import pairs
from evaluation.suites.pairs import CHINESE, ENGLISH, PAIRS_EACH, PairSet
from evaluation.suites.pairs_grammar import Pair

SETS = [pytest.param(pair_set, id=pair_set.id) for pair_set in (ENGLISH, CHINESE)]
EXPECTED_PHENOMENA = {ENGLISH.id: 38, CHINESE.id: 29}
FEWEST_FRAMES = 4
FEWEST_CONTENTS = 40
GENERATED = {pair_set.id: pair_set.pairs() for pair_set in (ENGLISH, CHINESE)}

Item = dict[str, str]


def items(pair_set: PairSet) -> list[Item]:
    return [json.loads(line) for line in pair_set.path.read_text(encoding="utf-8").splitlines()]


def declaration(pair_set: PairSet) -> dict[str, Any]:
    return json.loads((pair_set.path.parents[1] / "benchmark.json").read_text(encoding="utf-8"))


def by_phenomenon(pair_set: PairSet) -> dict[str, list[Pair]]:
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in GENERATED[pair_set.id]:
        groups[pair.phenomenon].append(pair)
    return groups


@pytest.mark.parametrize("pair_set", SETS)
def test_the_command_rewrites_the_data_file_byte_for_byte(pair_set, tmp_path, monkeypatch):
    shipped = pair_set.path.read_bytes()
    monkeypatch.setattr(pairs, "CORE", tmp_path)

    pairs.write(pair_set)

    assert (tmp_path / pair_set.id / "data" / "test.jsonl").read_bytes() == shipped


@pytest.mark.parametrize("pair_set", SETS)
def test_every_phenomenon_has_the_same_number_of_pairs(pair_set):
    counts = Counter(item["phenomenon"] for item in items(pair_set))

    assert len(counts) == EXPECTED_PHENOMENA[pair_set.id]
    assert set(counts.values()) == {PAIRS_EACH}


@pytest.mark.parametrize("pair_set", SETS)
def test_ids_are_unique(pair_set):
    ids = [item["id"] for item in items(pair_set)]

    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("pair_set", SETS)
def test_no_sentence_occurs_twice(pair_set):
    sentences = [item[side] for item in items(pair_set) for side in ("good", "bad")]

    assert [sentence for sentence, count in Counter(sentences).items() if count > 1] == []


@pytest.mark.parametrize("pair_set", SETS)
def test_frames_and_words_vary_within_each_phenomenon(pair_set):
    for name, group in by_phenomenon(pair_set).items():
        assert len({pair.frame for pair in group}) >= FEWEST_FRAMES, name
        assert len({pair.content for pair in group}) >= FEWEST_CONTENTS, name


@pytest.mark.parametrize("pair_set", SETS)
def test_length_does_not_decide(pair_set):
    """In most phenomena nearly all pairs are equally long; nowhere is the good sentence nearly always the shorter."""
    even = 0
    for name, group in by_phenomenon(pair_set).items():
        lengths = [(length(pair_set, pair.good), length(pair_set, pair.bad)) for pair in group]
        even += sum(good == bad for good, bad in lengths) >= 0.8 * len(group)
        assert sum(good < bad for good, bad in lengths) <= 0.6 * len(group), name

    assert even >= 0.85 * EXPECTED_PHENOMENA[pair_set.id]


def length(pair_set: PairSet, sentence: str) -> int:
    """Words for English, characters for Chinese, which writes no spaces."""
    return len(sentence.split()) if pair_set is ENGLISH else len(sentence)


def test_english_sentences_look_like_sentences():
    for item in items(ENGLISH):
        for side in ("good", "bad"):
            assert re.fullmatch(r"[A-Z][A-Za-z', -]+[.?]", item[side]), item
            assert "  " not in item[side], item


def test_chinese_sentences_look_like_sentences():
    for item in items(CHINESE):
        for side in ("good", "bad"):
            assert re.fullmatch(r"[\u4e00-\u9fff，]+[。？]", item[side]), item


def test_good_english_sentences_choose_the_right_article():
    wrong = re.compile(r"\b(?:a (?!uni|use)[aeiou]|an (?!hour)[^aeiou])", re.IGNORECASE)

    assert [item["good"] for item in items(ENGLISH) if wrong.search(item["good"])] == []


@pytest.mark.parametrize("pair_set", SETS)
def test_the_declaration_describes_the_file(pair_set):
    declared = declaration(pair_set)
    content = pair_set.path.read_bytes()

    assert declared["id"] == pair_set.id
    assert declared["files"] == [
        {"path": "data/test.jsonl", "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    ]
    assert set(declared["fields"].values()) == set(items(pair_set)[0])
    assert set(declared["scorer_args"].values()) <= set(items(pair_set)[0])


@pytest.mark.parametrize("pair_set", SETS)
def test_the_declared_baseline_recomputes(pair_set):
    """A unigram model of the train texts: each token by its frequency, one added, ties wrong."""
    texts = pair_set.path.parents[2] / pair_set.id.replace("pairs", "text") / "data" / "train.jsonl"
    train = [json.loads(line)["text"] for line in texts.read_text(encoding="utf-8").splitlines()]
    split = list if pair_set.id.endswith("zh") else re.compile(r"\w+|[^\w\s]").findall
    counts = Counter(token for text in train for token in split(text))
    total = sum(counts.values()) + len(counts) + 1

    def log_probability(sentence):
        return sum(math.log((counts[token] + 1) / total) for token in split(sentence))

    right = [log_probability(item["good"]) > log_probability(item["bad"]) for item in items(pair_set)]
    assert declaration(pair_set)["baseline"] == {
        "name": "unigram characters" if pair_set.id.endswith("zh") else "unigram words",
        "value": round(sum(right) / len(right), 4),
    }


@pytest.mark.parametrize("pair_set", SETS)
def test_the_card_names_every_phenomenon_with_an_example_from_the_data(pair_set):
    card = (pair_set.path.parents[1] / "README.md").read_text(encoding="utf-8")
    first = {pair.phenomenon: pair for pair in reversed(GENERATED[pair_set.id])}

    for name, pair in first.items():
        assert f"| `{name}`" in card
        assert f"| {pair.good} | {pair.bad} |" in card
