"""Overlap of a test with the training data that a card names, read from real data sets."""

import gzip
import io
import json
from typing import Any

import pytest

from evaluation import engine
from evaluation.benchmarks import parse
from evaluation.models import Step
from evaluation.presentation import score_reading
from evaluation.presentation_beside import overlap_note
from evaluation.services import beside, training_data
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
        "unread_files": {},
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
    put(broken, {"train.csv.zst": b"\x28\xb5\x2f\xfd"})
    overlap = found(broken.full_name)["contamination"]
    assert (overlap["sources"], overlap["unread"]) == ([], [broken.full_name])
    assert overlap["unread_files"] == {broken.full_name: ["train.csv.zst"]}
    overlap = found(broken.full_name, good.full_name)["contamination"]
    assert (overlap["unread"], overlap["seen"]) == ([broken.full_name], 1)


def parquet(*texts: str) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.table({"text": list(texts)}), out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("train.parquet", parquet(*["nothing here"] * 1200, f"Once, {SEEN}.")),
        ("train.csv", f'text,label\n"Once, {SEEN}.",1\n'.encode()),
        ("train.json", json.dumps([{"text": f"Once, {SEEN}."}]).encode()),
        ("train.jsonl.gz", gzip.compress(json.dumps({"text": SEEN}).encode() + b"\n")),
        ("data/train.csv.gz", gzip.compress(b"text\n") + gzip.compress(f'"{SEEN}"\n'.encode())),
        ("train.txt.gz", gzip.compress(SEEN.encode() + b"\n")),
    ],
)
def test_training_data_are_read_in_every_form(path: str, body: bytes):
    source = RepositoryFactory(dataset=True, name="forms")
    put(source, {path: body})

    overlap = found(source.full_name)["contamination"]

    assert (overlap["seen"], overlap["sources"], overlap["unread_files"]) == (1, [source.full_name], {})


def test_a_gzip_bomb_and_a_torn_file_are_named_and_the_rest_is_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(training_data, "MOST_UNPACKED_BYTES", 2**20)
    source = RepositoryFactory(dataset=True, name="bombs")
    bomb, torn = gzip.compress(b"a" * 2**24), gzip.compress(SEEN.encode() * 50)[:-9]
    names = {"train-a.txt.gz": bomb, "train-b.txt.gz": torn, "train-c.txt.gz": b"text", "train-d.txt": SEEN.encode()}
    put(source, names)

    overlap = found(source.full_name)["contamination"]

    assert (overlap["seen"], overlap["unread"]) == (1, [])
    assert overlap["unread_files"] == {source.full_name: ["train-a.txt.gz", "train-b.txt.gz", "train-c.txt.gz"]}


def test_of_private_data_only_the_number_of_unread_files_is_told():
    source = training_set(private=True)
    put(source, {"train-2.jsonl.xz": b"\xfd7zXZ"})

    overlap = found(source.full_name, model=RepositoryFactory(user=source.creator))["contamination"]

    assert overlap["unread_files"] == {source.full_name: ["+1"]}


def test_what_was_not_read_stands_beside_the_score():
    note = overlap_note({"seen": 0, "items": 2, "unread_files": {"a/b": ["train.csv.zst"]}, "is_whole": True}, 100.0)
    assert note == "not all of its declared training data was read"


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
