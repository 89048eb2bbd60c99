"""Overlap of a test with the training data that a card names, read from real data sets."""

import json
from typing import Any

import pytest

from evaluation import engine
from evaluation.benchmarks import parse
from evaluation.models import Step
from evaluation.presentation import score_reading
from evaluation.services import beside
from models_registry.models import Repository, Visibility
from tests.evaluation.test_engine import ToyModel, items
from tests.factories.evaluation import declaration, evaluation_of, passed, passed_up_to, run_of, score
from tests.factories.registry import RepositoryFactory, put
from tests.factories.versions import pairs_set

pytestmark = pytest.mark.django_db

SEEN = "the long tide came in over the grey stones and took our small boats with it"
UNSEEN = "nobody had told the keeper of the lamp that winter would come so early this year"
ROWS = items({"good": SEEN, "bad": "no"}, {"good": UNSEEN, "bad": "no such thing"})


def training_set(name: str = "tides", **changes: Any) -> Repository:
    repository = RepositoryFactory(dataset=True, name=name, **changes)
    put(repository, {"train.jsonl": json.dumps({"text": f"Once, {SEEN}."}) + "\n", "test.jsonl": '{"text": "x"}\n'})
    return repository


def found(*names: str, model: Repository | None = None) -> dict[str, Any]:
    pairs_set()
    card = "---\ndatasets:\n" + "".join(f"- {name}\n" for name in names) + "---\n# M\n" if names else "# M\n"
    run = run_of(evaluation_of(model, README_md=card, config_json="{}"), Step.BENCHMARK, "pairs")
    declared = parse(declaration())
    toy = ToyModel(log_prob=lambda text: 1.0 if text == UNSEEN else -float(len(text)))
    return beside.contamination_of(run, declared, ROWS, engine.measure(declared, ROWS, toy))


def test_the_share_that_was_seen_and_the_score_on_the_rest():
    source = training_set()

    overlap = found(source.full_name)["contamination"]

    assert overlap == {
        "n": 13,
        "sources": [source.full_name],
        "unread": [],
        "is_whole": True,
        "items": 2,
        "too_short": 0,
        "seen": 1,
        "clean_items": 1,
        "clean_value": 1.0,
    }


def test_no_declaration_says_nothing():
    training_set()
    assert found() == {}
    assert found("never/was") == {}


def test_what_others_keep_is_not_looked_into():
    source = training_set(private=True)
    assert found(source.full_name) == {}
    own = RepositoryFactory(user=source.creator)
    assert found(source.full_name, model=own)["contamination"]["seen"] == 1
    Repository.objects.filter(pk=source.pk).update(visibility=Visibility.PUBLIC, gated="manual")
    assert found(source.full_name) == {}


def test_the_test_split_of_a_declared_set_is_no_training_data():
    source = RepositoryFactory(dataset=True, name="mixed")
    put(source, {"train.jsonl": '{"text": "y"}\n', "test.jsonl": json.dumps({"text": SEEN}) + "\n"})
    assert found(source.full_name)["contamination"]["seen"] == 0


def test_what_cannot_be_read_is_named():
    broken = RepositoryFactory(dataset=True, name="broken")
    put(broken, {"weights.bin": b"\0\1"})
    good = training_set()
    assert found(broken.full_name) == {}
    overlap = found(broken.full_name, good.full_name)["contamination"]
    assert (overlap["unread"], overlap["seen"]) == ([broken.full_name], 1)


@pytest.mark.parametrize("names", [["a\x00b"], ["x" * 500], ["a/b"] * 50])
def test_a_strange_card_is_no_fault(names: list[str]):
    assert found(*[name for name in names if "\x00" not in name] or ["odd"]) == {}


def test_it_stands_beside_the_score():
    pairs_set()
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.COST)
    overlap = {"seen": 3, "items": 40, "clean_value": 0.7}
    passed(run_of(evaluation, Step.BENCHMARK, "pairs"), score=score(metrics={"contamination": overlap}))

    reading = score_reading(evaluation.runs.get(step=Step.BENCHMARK).score)
    assert "7.5 % of the items stand in its declared training data; on the others 70" in str(reading.note)
