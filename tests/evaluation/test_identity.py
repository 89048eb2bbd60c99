"""One model on the same items: the same bytes however its process was started, and noise alone on other threads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluation import engine, receipts, rerun, sandbox
from evaluation.noise import Noise, declared_noise, noise_of
from evaluation.receipts import ItemsFile, MeasuredFile, ModelIdentity
from tests.evaluation import harness_tasks
from tests.factories.tiny_models import make_random_gpt2
from tests.requirements import require

ITEMS = 16
Measured = dict[str, engine.Result]


def measured(model: Path, *, threads: int, warm: bool) -> tuple[Measured, sandbox.Session]:
    """Every kind of question that a causal model is asked, in one session."""
    with sandbox.open(model, limits=sandbox.Limits(compute_threads=threads), warm=warm) as session:
        session.load()
        found = {name: engine.measure(*harness_tasks.ours(name, ITEMS), session) for name in harness_tasks.NAMES}
    return found, session


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("torch", "transformers")
    return make_random_gpt2(tmp_path_factory.mktemp("identity") / "model")


@pytest.fixture(scope="module")
def cold(model: Path) -> tuple[Measured, sandbox.Session]:
    """In a process started from nothing, as `smallhub verify` starts one."""
    return measured(model, threads=1, warm=False)


@pytest.mark.skipif(sandbox.warm_plan() is None, reason="no child can be forked here without giving up a wall")
def test_a_forked_process_and_one_started_from_nothing_give_the_same_bytes(model: Path, cold: Any) -> None:
    warm, _ = measured(model, threads=1, warm=True)

    for name in harness_tasks.NAMES:
        assert engine.rows_as_jsonl(warm[name].rows) == engine.rows_as_jsonl(cold[0][name].rows), name
        assert warm[name].rows_sha256 == cold[0][name].rows_sha256
        assert json.dumps(warm[name].metrics) == json.dumps(cold[0][name].metrics)


def test_another_number_of_threads_stays_within_the_noise_that_the_receipt_declares(model: Path, cold: Any) -> None:
    results, session = cold
    again, _ = measured(model, threads=2, warm=True)

    for name in harness_tasks.NAMES:
        declared, _ = harness_tasks.ours(name, ITEMS)
        record = json.loads(receipt_of(declared, results[name], session))
        assert record["noise"] == Noise().as_json()
        found = rerun.compare(declared, record, results[name].rows, again[name], dtype="float32")
        assert found["verdict"] in {"equal", "within_noise"}, (name, found["reasons"])


def receipt_of(declared: Any, result: engine.Result, session: sandbox.Session) -> str:
    return receipts.build(
        model=ModelIdentity("me/tiny", "c" * 40, [MeasuredFile("model.safetensors", "1" * 64, 3)], "safetensors"),
        benchmark=declared,
        dataset_commit="d" * 40,
        result=result,
        items=ItemsFile("3" * 64, 1),
        loaded=session.description,
        usage=sandbox.Usage(1, 1, 0.1, 0.2),
        threads=session.limits.compute_threads,
        walls=session.walls,
        code=receipts.Code("2" * 64),
        created_at="2026-01-01T00:00:00Z",
    ).body


def test_half_precision_declares_a_thousandfold() -> None:
    assert noise_of("bfloat16").metric_relative == pytest.approx(1e-3)
    assert noise_of("float32") == noise_of(None) == Noise()


def test_a_receipt_that_declares_more_noise_than_the_protocol_has_gains_nothing() -> None:
    wide = {"metric_relative": 1.0, "item_relative": 1.0, "item_absolute": 9.0, "agreeing_share": 0.0}
    narrow = {"metric_relative": 1e-9, "item_relative": 1e-9, "item_absolute": 0.0, "agreeing_share": 1.0}

    assert declared_noise({"noise": wide}, dtype="float32") == Noise()
    assert declared_noise({"noise": narrow}, dtype="float32") == Noise(**narrow)
    assert declared_noise({"noise": {"metric_relative": "much"}}, dtype="float32") == Noise()
    assert declared_noise({}, dtype="float16") == noise_of("float16")
