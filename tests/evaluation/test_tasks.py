"""Real workers, killed and confused: every run ends, and ends once."""

import json
from collections.abc import Iterator

import pytest

from evaluation.models import Evaluation, ItemOutputs, Receipt, Run, Score, State, Step
from tests.evaluation.workers import Worker
from tests.factories.evaluation import benchmark, push_folder, run_of, train_ngram
from tests.factories.registry import RepositoryFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

TEXTS = ["the cat sat on the mat and the dog sat on the log. " * 4, "a small model learns small words. " * 6]
ENDED = {State.PASSED, State.FAILED, State.NOT_APPLICABLE, State.TIMED_OUT, State.OUT_OF_MEMORY, State.QUARANTINED}


@pytest.fixture
def worker(own_data) -> Iterator[Worker]:
    running = Worker(own_data)
    yield running
    running.kill()


def pairs(number: int) -> bytes:
    rows = [
        {"id": f"{i:05}", "good": f"the cat sat on the mat {i}", "bad": f"the mat cat the on sat {i}"}
        for i in range(number)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def is_done(evaluation: Evaluation) -> bool:
    return Evaluation.objects.filter(pk=evaluation.pk, status="done").exists()


def test_a_worker_measures_a_model_from_scan_to_score(worker, tmp_path):
    benchmark("pairs", pairs(40))
    evaluation = push_folder(RepositoryFactory(), train_ngram(TEXTS, tmp_path / "model"))

    worker.start().wait(lambda: is_done(evaluation), seconds=120, what="The end")

    found = {run.step: (run.state, run.reason) for run in evaluation.runs.all()}
    assert set(found.values()) == {(State.PASSED, "")}, found
    score = Score.objects.get(run__evaluation=evaluation)
    assert score.value > 0.9
    assert score.n == 40


def test_a_run_whose_worker_is_killed_is_taken_over_and_ends_once(worker, tmp_path):
    benchmark("pairs", pairs(12_000))
    evaluation = push_folder(RepositoryFactory(), train_ngram(TEXTS, tmp_path / "model"))
    worker.start()
    run = run_of(evaluation, Step.BENCHMARK)
    at_work = Run.objects.filter(pk=run.pk, state=State.RUNNING)
    worker.wait(at_work.exists, seconds=120, what="The benchmark's start")

    worker.kill()
    killed = Run.objects.get(pk=run.pk)
    assert killed.state == State.RUNNING
    worker.start().wait(lambda: is_done(evaluation), seconds=120, what="The end after the kill")

    run.refresh_from_db()
    assert run.state == State.PASSED
    assert run.attempt == killed.attempt + 1
    assert run.losses == 1
    assert Score.objects.filter(run=run).count() == 1
    assert Receipt.objects.filter(of_run=run).count() == 1
    assert ItemOutputs.objects.filter(receipt__of_run=run).count() == 1


def test_a_queue_that_lost_everything_is_filled_again_from_the_rows(worker, tmp_path):
    evaluation = push_folder(RepositoryFactory(), train_ngram(TEXTS, tmp_path / "model"))
    worker.wipe_broker()

    worker.start().wait(lambda: is_done(evaluation), seconds=120, what="The end after the loss")

    assert {run.state for run in evaluation.runs.all()} == {State.PASSED}


def test_poison_among_good_models_stops_nobody(worker, tmp_path):
    good = [
        push_folder(RepositoryFactory(), train_ngram([text], tmp_path / f"model-{place}"))
        for place, text in enumerate(TEXTS)
    ]
    poison = tmp_path / "poison"
    poison.mkdir()
    (poison / "config.json").write_text('{"model_type": "smallhub-ngram"}')
    (poison / "model.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00" + b"{" * 64)
    bad = push_folder(RepositoryFactory(), poison)

    worker.start().wait(lambda: all(map(is_done, [*good, bad])), seconds=180, what="The end of all three")

    for evaluation in good:
        assert {run.state for run in evaluation.runs.all()} == {State.PASSED}
    assert all(run.state in ENDED and run.state != State.PASSED for run in bad.runs.exclude(step=Step.SCAN))
