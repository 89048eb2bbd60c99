"""What no skill gets: counted by hand where that can be done, and held to its order where it cannot."""

from typing import Any

import pytest

from evaluation import baselines
from evaluation.benchmarks import Benchmark, Dataset, Item, parse
from evaluation.benchmarks.definition import NO_KIND, NO_TRAIN
from tests.factories.evaluation import declaration
from tests.factories.tiny_models import shipped_texts


def items(*rows: dict[str, Any]) -> tuple[Item, ...]:
    return tuple(Item(f"{number:04}", row) for number, row in enumerate(rows))


def labelled(scorer: str, **changes: Any) -> Benchmark:
    fields = {"id": "id", "text": "text", "label": "label"}
    known = {"scorer": scorer, "scorer_args": {}, "labels": ["a", "b"], "fields": fields, "requires": ["classify"]}
    return parse(declaration("moods", **(known | changes)))


FILES = [{"path": f"{split}.jsonl", "sha256": "0" * 64, "bytes": 1, "split": split} for split in ("train", "test")]


@pytest.mark.parametrize(
    ("scorer", "requires"), [("classification", ["classify"]), ("probe_classification", ["embed"])]
)
def test_the_majority_is_that_of_the_training_split_and_not_of_the_test(scorer, requires):
    train = items({"text": "", "label": "b"}, {"text": "", "label": "b"}, {"text": "", "label": "a"})
    test = items(*({"text": str(n), "label": "a" if n < 7 else "b"} for n in range(10)))

    (found,) = baselines.measure(labelled(scorer, requires=requires, files=FILES), Dataset(test, train)).values

    assert (found.name, found.value) == ("majority", pytest.approx(0.3))


def test_it_is_given_in_the_sets_own_metric():
    train = items({"text": "", "label": "a"})
    test = items(*({"text": str(n), "label": "a" if n < 5 else "b"} for n in range(10)))

    (found,) = baselines.measure(labelled("classification", main_metric="macro_f1"), Dataset(test, train)).values

    assert found.value == pytest.approx((2 / 3 + 0) / 2)


def test_tags_are_told_from_words_that_were_seen():
    fields = {"id": "id", "tokens": "tokens", "tags": "tags"}
    declared = labelled("tagging", labels=["PER"], fields=fields, main_metric="f1", requires=["tag"])
    train = items({"tokens": ["Ada", "runs", "on"], "tags": ["B-PER", "O", "O"]})
    test = items({"tokens": ["Ada", "met", "Bob"], "tags": ["B-PER", "O", "B-PER"]})

    found = {each.name: each.value for each in baselines.measure(declared, Dataset(test, train)).values}

    assert found == {"majority": 0.0, "unigram": pytest.approx(2 / 3)}


def test_five_bytes_of_context_are_worth_more_than_none():
    declared = labelled(
        "language_modelling",
        labels=[],
        fields={"id": "id", "text": "text"},
        main_metric="bits_per_byte",
        higher_is_better=False,
        requires=["log_likelihood"],
    )
    train = items(*({"text": text} for text in shipped_texts()[:60]))
    test = items(*({"text": text} for text in shipped_texts(split="test")[:10]))

    found = {each.name: each.value for each in baselines.measure(declared, Dataset(test, train)).values}

    assert list(found) == ["byte unigram", "byte 5-gram"]
    assert 2.0 < found["byte 5-gram"] < found["byte unigram"] - 0.5 < 5.5


def test_pairs_are_judged_by_models_of_the_good_sentences():
    declared = parse(declaration("pairs"))
    train = items(*({"good": f"the {word} sat", "bad": f"sat the {word}"} for word in ("cat", "dog", "cow")))
    test = items(*({"good": f"the {word} sat", "bad": f"{word} sat the"} for word in ("hen", "pig")))

    found = {each.name: each.value for each in baselines.measure(declared, Dataset(test, train)).values}

    # The same letters in another order are equally likely to a unigram model but for rounding.
    assert found["byte 5-gram"] == 1.0
    assert set(found) == {"byte unigram", "byte 5-gram"}


def test_only_so_much_is_learnt_from_and_that_is_said(monkeypatch):
    monkeypatch.setattr(baselines, "MAX_TRAIN_CHARACTERS", 50)
    declared = parse(declaration("pairs"))
    train = items(*({"good": f"the cat number {n} sat", "bad": "x"} for n in range(20)))

    found = baselines.measure(declared, Dataset(items({"good": "the cat", "bad": "cat the"}), train))

    assert {each.of for each in found.values} == {"50 characters of the training split"}


def test_without_a_training_split_or_a_known_kind_there_is_none_and_why():
    test = items({"good": "a", "bad": "b"})

    assert baselines.measure(parse(declaration("pairs")), Dataset(test)).as_json() == {
        "values": [],
        "reason": NO_TRAIN,
    }
    other = labelled("similarity", labels=[], main_metric="spearman", requires=["embed"])
    assert baselines.measure(other, Dataset(test, test)).reason == NO_KIND
