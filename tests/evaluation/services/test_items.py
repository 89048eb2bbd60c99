"""Outputs by item: what was written comes back, row for row, and nothing is made up where nothing is kept."""

import hashlib

import pytest

from evaluation import engine
from evaluation.exceptions import ItemsNotFound
from evaluation.models import Receipt, Step
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


def test_a_receipt_without_rows_says_so():
    with pytest.raises(ItemsNotFound):
        items.rows_of(receipt())
