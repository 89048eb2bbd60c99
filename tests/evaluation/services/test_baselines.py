"""Baselines are owed with a registration, measured once by a worker, and shown wherever the set's scores are."""

import hashlib
from datetime import timedelta

import pytest
from django.utils import timezone

from evaluation.benchmarks.definition import NO_TRAIN
from evaluation.models import Benchmark, Score, Step
from evaluation.presentation import score_reading
from evaluation.reference import baseline_of
from evaluation.services import baselines
from tests.factories.evaluation import benchmark, evaluation_of, passed, passed_up_to, run_of, score
from tests.factories.registry import RepositoryFactory, put

pytestmark = pytest.mark.django_db

TRAIN = b"".join(b'{"id": "%d", "good": "the cat sat", "bad": "sat the cat"}\n' % n for n in range(5))
TEST = b"".join(b'{"id": "%d", "good": "the cat sat", "bad": "sat cat the"}\n' % n for n in range(4))


def with_train(**changes) -> Benchmark:
    repository = RepositoryFactory(dataset=True, name="pairs")
    put(repository, {"data/train.jsonl": TRAIN})
    files = [
        {"path": f"data/{split}.jsonl", "sha256": hashlib.sha256(rows).hexdigest(), "bytes": len(rows)}
        for split, rows in (("test", TEST), ("train", TRAIN))
    ]
    return benchmark("pairs", TEST, repository=repository, files=files, baseline=None, **changes)


def test_a_worker_measures_them_once():
    made = with_train()

    assert baselines.perform(benchmark_id=made.pk)
    assert not baselines.perform(benchmark_id=made.pk)
    made.refresh_from_db()
    values = {each["name"]: each["value"] for each in made.baselines["values"]}
    assert values["byte 5-gram"] == 1.0
    assert made.baselines["reason"] == ""
    assert baseline_of(made) == ("byte 5-gram", 1.0)


def test_the_declared_one_comes_before_measured_ones():
    made = with_train()
    made.definition |= {"baseline": {"name": "coin", "value": 0.5}}
    made.baselines = {"values": [{"name": "majority", "value": 0.9, "of": ""}], "reason": ""}

    assert baseline_of(made) == ("coin", 0.5)


def test_a_set_without_a_training_split_says_none():
    made = benchmark("pairs")

    baselines.perform(benchmark_id=made.pk)

    made.refresh_from_db()
    assert made.baselines == {"values": [], "reason": NO_TRAIN}


def test_data_that_are_gone_are_the_reason_and_are_not_asked_for_again():
    made = with_train()
    Benchmark.objects.update(commit="f" * 40)

    assert baselines.perform(benchmark_id=made.pk)
    made.refresh_from_db()
    assert made.baselines["reason"].startswith("none: ")
    assert not baselines.perform(benchmark_id=made.pk)


def test_one_that_a_dead_worker_took_on_is_owed_again_after_a_while():
    made = with_train()
    now = timezone.now()
    Benchmark.objects.update(baselines_begun_at=now, created_at=now - timedelta(days=1))

    assert not baselines.perform(benchmark_id=made.pk)
    assert baselines.tell_again(at=now) == 0
    assert baselines.tell_again(at=now + 2 * baselines.PATIENCE) == 1


def test_scores_that_came_first_are_read_against_them_all_the_same():
    made = with_train()
    evaluation = evaluation_of()
    passed_up_to(evaluation, Step.COST)
    passed(run_of(evaluation, Step.BENCHMARK), score=score(baseline_name="", baseline_value=None))
    stored = Score.objects.select_related("benchmark").get()
    assert score_reading(stored).baseline is None

    baselines.perform(benchmark_id=made.pk)

    reading = score_reading(Score.objects.select_related("benchmark").get())
    assert (reading.baseline, reading.baseline_name) == (100.0, "byte 5-gram")


def test_the_benchmarks_page_and_api_tell_them(client):
    made = with_train()
    assert "not measured yet" in client.get("/benchmarks/pairs").content.decode()

    baselines.perform(benchmark_id=made.pk)

    page = client.get("/benchmarks/pairs").content.decode()
    assert "Measured: byte unigram" in page
    assert "Measured: byte 5-gram" in page
    (row,) = client.get("/api/v1/benchmarks").json()["items"]
    assert [each["name"] for each in row["baselines"]["values"]] == ["byte unigram", "byte 5-gram"]
    assert row["baseline"] == {"name": "byte 5-gram", "value": 1.0}
