"""Outputs by item: what was written comes back, row for row, and nothing is made up where nothing is kept."""

import hashlib
import json
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evaluation import engine
from evaluation.exceptions import ItemsNotFound
from evaluation.models import ItemOutputs, Receipt, Step
from evaluation.services import items
from tests.factories.evaluation import benchmark, evaluation_of, run_of

pytestmark = pytest.mark.django_db

ROWS = [
    {"id": "a", "good": -1.5, "bad": -2.0, "right": True, "group": "être"},
    {"id": "b", "good": -0.1 - 0.2, "bad": -1e300, "right": False, "group": ""},
]


def receipt() -> Receipt:
    benchmark("pairs")
    run = run_of(evaluation_of(), Step.BENCHMARK)
    return Receipt.objects.create(run=run, of_run=run, sha256="a" * 64, body="{}")


def test_rows_come_back_as_they_were_written():
    made, lines = receipt(), engine.rows_as_jsonl(ROWS)
    items.store(made, lines=lines, sha256=hashlib.sha256(lines).hexdigest(), count=len(ROWS))

    assert items.rows_of(made) == ROWS
    assert items.lines_of(made) == lines


def test_the_table_has_the_same_columns_for_every_scorer_and_holds_the_hash():
    made, lines = receipt(), engine.rows_as_jsonl(ROWS)
    sha256 = hashlib.sha256(lines).hexdigest()
    items.store(made, lines=lines, sha256=sha256, count=len(ROWS))

    table = pq.read_table(pa.BufferReader(items.table_of(made)))

    assert table.column_names == ["id", "value", "correct", "prediction", "row"]
    assert table.column("value").to_pylist() == [1.0, 0.0]
    assert table.column("correct").to_pylist() == [True, False]
    assert json.loads(table.column("row").to_pylist()[0]) == {k: v for k, v in ROWS[0].items() if k != "id"}
    assert table.schema.metadata[b"smallhub.rows_sha256"].decode() == sha256


def test_rows_that_were_stored_as_packed_lines_are_read_as_well():
    made, lines = receipt(), engine.rows_as_jsonl(ROWS)
    ItemOutputs.objects.create(receipt=made, sha256="0" * 64, packed=zlib.compress(lines), count=len(ROWS))

    assert items.rows_of(made) == ROWS
    assert items.lines_of(made) == lines
    assert pq.read_table(pa.BufferReader(items.table_of(made))).num_rows == len(ROWS)


def test_a_receipt_without_rows_says_so():
    with pytest.raises(ItemsNotFound):
        items.rows_of(receipt())
