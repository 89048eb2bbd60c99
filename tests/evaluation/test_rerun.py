"""When two measurements of one thing count as the same: byte for byte, within the declared noise, or not."""

import hashlib
from typing import Any

import pytest

from evaluation import engine, receipts, rerun
from evaluation.benchmarks import parse
from evaluation.scorers import Row
from tests.factories.evaluation import declaration

PAIRS = parse(declaration())
TEXT = parse(
    declaration(
        "text",
        scorer="language_modelling",
        scorer_args={},
        main_metric="bits_per_byte",
        fields={"id": "id", "text": "text"},
        higher_is_better=False,
    )
)


def row(number: int, **changes: Any) -> Row:
    return {"id": f"{number:04}", "good": -1.5, "bad": -2.5, "right": True} | changes


def result(rows: list[Row], value: float, benchmark: Any = PAIRS) -> engine.Result:
    return engine.Result(
        benchmark=benchmark.id,
        version=1,
        tier="standard",
        main_metric=benchmark.main_metric,
        value=value,
        interval=None,
        n=len(rows),
        metrics={},
        counts={},
        states={},
        method={},
        seeds={},
        seconds=1.0,
        rows=tuple(rows),
        items_sha256="",
        rows_sha256=hashlib.sha256(engine.rows_as_jsonl(rows)).hexdigest(),
    )


def record(rows: list[Row], value: float) -> dict[str, Any]:
    return {
        "benchmark": {"n_items": len(rows)},
        "items": {"sha256": hashlib.sha256(engine.rows_as_jsonl(rows)).hexdigest()},
        "result": {"value": value},
    }


def verdict(kept: list[Row], new: list[Row], *, values: tuple[float, float] = (1.0, 1.0), **options: Any) -> str:
    benchmark = options.get("benchmark", PAIRS)
    fresh, precision = result(new, values[1], benchmark), options.get("dtype", "float32")
    found = rerun.compare(benchmark, record(kept, values[0]), kept, fresh, dtype=precision)
    return str(found["verdict"])


def test_the_same_bytes_are_equal():
    rows = [row(number) for number in range(5)]

    assert verdict(rows, rows) == "equal"


def test_the_same_outputs_under_a_typed_in_number_are_not():
    rows = [row(number) for number in range(5)]

    assert verdict(rows, rows, values=(0.9, 1.0)) == "different"


def test_last_digits_are_noise():
    kept = [row(number) for number in range(5)]
    new = [row(number, good=-1.5000001) for number in range(5)]

    assert verdict(kept, new) == "within_noise"


@pytest.mark.parametrize(("flipped", "expected"), [(1, "within_noise"), (2, "different")])
def test_one_answer_in_a_thousand_may_be_another(flipped: int, expected: str):
    kept = [row(number) for number in range(1000)]
    new = [row(number, right=number >= flipped) for number in range(1000)]

    assert verdict(kept, new) == expected


@pytest.mark.parametrize(("value", "expected"), [(1.0000005, "within_noise"), (1.000002, "different")])
def test_metrics_made_of_likelihoods_have_a_millionth(value: float, expected: str):
    kept = [{"id": "1", "log_prob": -100.0}, {"id": "2", "log_prob": -50.0}]
    new = [{"id": "1", "log_prob": -100.00005}, {"id": "2", "log_prob": -50.0}]

    assert verdict(kept, new, values=(1.0, value), benchmark=TEXT) == expected


def test_half_precision_may_move_more():
    kept, new = [{"id": "1", "log_prob": -100.0}], [{"id": "1", "log_prob": -100.5}]

    assert verdict(kept, new, values=(1.0, 1.0005), benchmark=TEXT, dtype="bfloat16") == "within_noise"
    assert verdict(kept, new, values=(1.0, 1.0005), benchmark=TEXT) == "different"


def test_a_sample_without_the_kept_outputs_tells_nothing():
    rows = [row(number, right=number > 0) for number in range(5)]

    found = rerun.compare(PAIRS, record(rows, 0.8), None, result(rows[1:], 1.0), dtype="float32")

    assert found["verdict"] == "unknown"
    assert "sample" in found["reasons"][0]


def test_other_items_are_another_measurement():
    assert verdict([row(1), row(2)], [row(3), row(4)]) == "different"


def test_a_declaration_that_the_receipt_does_not_name_is_refused():
    found = rerun.rerun({"record": {"benchmark": {"definition_sha256": "0" * 64}}, "definition": declaration()})

    assert found["verdict"] == "different"


def test_kept_outputs_are_hashed_and_scored_again():
    rows = [row(number, right=number > 0, tie=False, unknown=0, group="") for number in range(4)]
    stated = record(rows, 0.75)
    stated["benchmark"]["definition_sha256"] = receipts.digest(declaration())
    job = {"record": stated, "definition": declaration(), "rows": rows, "run": False}

    assert rerun.rerun(job)["verdict"] == "equal"
    assert rerun.rerun(job | {"rows": [*rows[:3], row(9)]})["verdict"] == "different"
    stated["result"]["value"] = 0.8
    assert "0.8" in rerun.rerun(job)["reasons"][0]


def test_what_is_not_as_it_was_is_named():
    found = rerun.differences({"torch": "1.0", "threads": 8}, threads=2)

    assert "threads: 8 there, 2 here" in found
    assert any(line.startswith("torch: 1.0 there") for line in found)
